import CKernels

/// Owns variables, the seed and the run count of each program: all there is to checkpoint.
public final class Runtime {
  /// The key of all draws that have none of their own.
  public let seed: UInt64
  /// Workers, the caller included.
  ///
  /// Results do not depend on it.
  public let threads: Int
  /// How often each program has run.
  public var runs: [String: UInt64] = [:]

  /// Grows whenever a variable may have changed.
  var generation: UInt64 = 0
  let arena: Arena
  let pool: OpaquePointer
  let scratch: Scratch
  private let allocations = Allocations()
  private var storages: [String: Storage] = [:]
  private var names: [String] = []

  struct Storage {
    let shape: [Int]
    let address: UnsafeMutablePointer<Float>
  }

  /// - Throws: `TensorError` if threads are fewer than 1 or more than 256, or cannot be started.
  public init(seed: UInt64, threads: Int = Runtime.processors) throws {
    guard (1...256).contains(threads), let pool = fk_pool_create(Int32(threads)) else {
      throw TensorError("cannot start \(threads) threads: expected 1 to 256")
    }
    self.seed = seed
    self.threads = threads
    self.pool = pool
    do { arena = try Arena() } catch {
      fk_pool_destroy(pool)
      throw error
    }
    let slots = 128
    scratch = Scratch(base: allocations.floats(threads * slots * Int(FK_TILE)), slots: slots)
  }

  deinit { fk_pool_destroy(pool) }

  /// Compiles a program.
  ///
  /// - Parameters:
  ///   - name: What its draws and its run count are named by.
  ///   - outputs: What can be read after a run.
  ///   - updates: Variables that change at the end of each run.
  ///   - precision: How numbers are stored and multiplied inside; inputs, outputs and variables
  ///     are fp32.
  /// - Throws: `TensorError`, with the first mistake in the expressions.
  public func compile(
    _ name: String, _ outputs: [Tensor], updates: [Update] = [], precision: Precision = .fp32
  ) throws -> Program {
    try Program(name, outputs, updates, precision, isFusing: true, self)
  }

  /// As `compile`, with every operation in a kernel by itself.
  package func compileUnfused(
    _ name: String, _ outputs: [Tensor], updates: [Update] = [], precision: Precision = .fp32
  ) throws -> Program {
    try Program(name, outputs, updates, precision, isFusing: false, self)
  }

  /// The passes, each checked.
  package static func schedule(
    _ name: String, _ outputs: [Tensor], _ updates: [Update], _ precision: Precision = .fp32,
    isFusing: Bool = true
  ) throws -> Schedule {
    let listing = try Listing(name, outputs: outputs, updates: updates)
    try listing.check(after: "listing")
    let simple = simplify(listing)
    try simple.check(after: "simplify")
    let fused = try fuse(simple, isFusing: isFusing)
    try fused.listing.check(after: "fuse")
    var schedule = order(fused, halves: precision == .bf16 ? halves(fused) : [])
    schedule.precision = precision
    if isFusing { schedule.gate() }
    return schedule
  }

  /// The names of all variables, in the order they were made.
  public var variableNames: [String] { names }

  /// The shape of a variable, or nil if there is none of that name.
  public func shape(ofVariable name: String) -> [Int]? { storages[name]?.shape }

  /// Gives `body` the elements of a variable.
  ///
  /// - Throws: `TensorError` if there is none of that name.
  public func read<Result>(variable name: String, _ body: (Span<Float>) throws -> Result) throws
    -> Result
  {
    guard let storage = storages[name] else { throw TensorError("there is no variable \(name)") }
    return try body(UnsafeBufferPointer(start: storage.address, count: storage.shape.product).span)
  }

  /// The elements of a variable, which is made if no program has needed it yet.
  public func values(of variable: Variable) throws -> [Float] {
    let storage = try storage(variable)
    return Array(UnsafeBufferPointer(start: storage.address, count: storage.shape.product))
  }

  /// Replaces the elements of a variable.
  ///
  /// - Throws: `TensorError` if there is none of that name, or the count differs.
  public func write(variable name: String, _ values: [Float]) throws {
    guard let storage = storages[name] else { throw TensorError("there is no variable \(name)") }
    guard values.count == storage.shape.product else {
      throw TensorError("variable \(name) has shape \(storage.shape), not \(values.count) elements")
    }
    for (i, value) in values.enumerated() { storage.address[i] = value }
    generation += 1
  }

  /// Makes a variable with these elements, or replaces those of one of the same shape.
  ///
  /// - Throws: `TensorError` if there is one of that name and another shape, or the count differs.
  public func restore(variable name: String, shape: [Int], _ values: [Float]) throws {
    guard values.count == shape.product else {
      throw TensorError("variable \(name) has shape \(shape), not \(values.count) elements")
    }
    if let old = storages[name] {
      guard old.shape == shape else {
        throw TensorError("variable \(name) has shape \(old.shape), not \(shape)")
      }
    } else {
      storages[name] = Storage(shape: shape, address: allocations.floats(shape.product))
      names.append(name)
    }
    try write(variable: name, values)
  }

  /// The memory of a variable, which is given its initial value when first asked for.
  func storage(_ variable: Variable) throws -> Storage {
    if let old = storages[variable.name] {
      guard old.shape == variable.shape else {
        throw TensorError("variable \(variable.name) has shape \(old.shape), not \(variable.shape)")
      }
      return old
    }
    let address = allocations.floats(variable.shape.product)
    try initialize(variable, address)
    let new = Storage(shape: variable.shape, address: address)
    storages[variable.name] = new
    names.append(variable.name)
    return new
  }

  private func initialize(_ variable: Variable, _ address: UnsafeMutablePointer<Float>) throws {
    let initial = Tensor(variable.initial)
    let count = variable.shape.product
    var node = variable.initial
    while node.operation == .broadcast || node.operation == .reshape { node = node.inputs[0] }
    if case .constant(let value) = node.operation, node.failure == nil {
      address.update(repeating: Float(value), count: count)
      return
    }
    if case .variable(let other) = variable.initial.operation {
      address.update(from: try storage(other).address, count: count)
      return
    }
    let program = try Program(
      initialProgramName(variable), [initial], [], .fp32, isFusing: true, self)
    program.run(at: 0)
    try program.read(initial) { span in
      for i in 0..<count { address[i] = span[i] }
    }
  }

  /// Processors that may run threads.
  public static var processors: Int { processorCount() }
}
