import CKernels

/// Bytes that programs need, known before they run.
package struct PlannedMemory: Sendable {
  /// Of parameters, averages and the state of optimizers.
  package var variables = 0
  /// Of inputs, outputs and whatever else outlives a run.
  package var lasting = 0
  /// Of results within a run.
  package var arena = 0
  /// Of results within a run of the program that has the most.
  fileprivate(set) var largest = 0

  /// All of it.
  package var total: Int { variables + lasting + arena }
}

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
  /// Whether programs are planned and never run, so that nothing is reserved for them.
  let isPlanning: Bool
  /// Bytes that its variables and programs need, as far as they are planned before they are made: the library's own
  /// workspace is not among them.
  package private(set) var planned = PlannedMemory()

  /// Grows whenever a variable may have changed.
  var generation: UInt64 = 0
  let arena: Arena
  let pool: OpaquePointer
  let scratch: Scratch
  private let allocations = Allocations()
  private var storages: [String: Storage] = [:]
  private var names: [String] = []
  /// Programs by name, and which of them has the draws of each site.
  private var programs: Set<String> = []
  private var sites: [UInt32: String] = [:]

  struct Storage {
    let shape: [Int]
    let address: UnsafeMutablePointer<Float>
  }

  /// - Throws: `TensorError` if threads are fewer than 1 or more than 256, or cannot be started.
  public convenience init(seed: UInt64, threads: Int = Runtime.processors) throws {
    try self.init(seed: seed, threads: threads, isPlanning: false)
  }

  /// A runtime of which only `planned` is asked: its programs cannot run, and take no memory.
  package static func planning(seed: UInt64, threads: Int) throws -> Runtime {
    try Runtime(seed: seed, threads: threads, isPlanning: true)
  }

  private init(seed: UInt64, threads: Int, isPlanning: Bool) throws {
    guard (1...256).contains(threads),
      let pool = fk_pool_create(isPlanning ? 1 : Int32(threads))
    else {
      throw TensorError("cannot start \(threads) threads: expected 1 to 256")
    }
    self.seed = seed
    self.threads = threads
    self.pool = pool
    self.isPlanning = isPlanning
    arena = Arena()
    let slots = 128
    let tiles = isPlanning ? 1 : threads * slots * Int(FK_TILE)
    scratch = Scratch(base: allocations.floats(tiles), slots: slots)
  }

  deinit { fk_pool_destroy(pool) }

  /// Compiles a program.
  ///
  /// - Parameters:
  ///   - name: What its draws and its run count are named by: one program's of this runtime, unless told.
  ///   - outputs: What can be read after a run.
  ///   - updates: Variables that change at the end of each run.
  ///   - precision: How numbers are stored and multiplied inside; inputs, outputs and variables
  ///     are fp32.
  ///   - sharesDraws: Whether an earlier program of this runtime may have the name: draws of equal names are
  ///     then the same numbers in both, and both count their runs together.
  /// - Throws: `TensorError`, with the first mistake in the expressions; for the name of another program, or draws
  ///   that would be another program's; where there is not the memory.
  public func compile(
    _ name: String, _ outputs: [Tensor], updates: [Update] = [], precision: Precision = .fp32,
    sharesDraws: Bool = false
  ) throws -> Program {
    guard sharesDraws || !programs.contains(name) else {
      throw TensorError(
        "there is a program \(name) in this runtime already, and two of one name would draw the same "
          + "numbers and count their runs together: expected another name, or sharesDraws: true")
    }
    let program = try Program(name, outputs, updates, precision, isFusing: true, self)
    programs.insert(name)
    return program
  }

  /// Takes the sites of the draws of program `name`.
  ///
  /// - Throws: `TensorError` where a program of another name has one of them.
  func claim(_ listing: Listing, for name: String) throws {
    var claimed = sites
    for instruction in listing.instructions {
      guard let draw = instruction.operation.drawName else { continue }
      if let other = claimed.updateValue(name, forKey: instruction.site), other != name {
        throw TensorError(
          "draw \(draw) of program \(name) would be equal to one of program \(other): rename one")
      }
    }
    sites = claimed
  }

  /// As `compile`, with every operation in a kernel by itself, and draws shared with the program of that name.
  package func compileUnfused(
    _ name: String, _ outputs: [Tensor], updates: [Update] = [], precision: Precision = .fp32
  ) throws -> Program {
    try Program(name, outputs, updates, precision, isFusing: false, self)
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
    planned.variables += 4 * variable.shape.product
    let address = allocations.floats(isPlanning ? 1 : variable.shape.product)
    if !isPlanning { try initialize(variable, address) }
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
    // Another of that name would draw the same numbers.
    programs.insert(initialProgramName(variable))
    program.run(at: 0)
    try program.read(initial) { span in
      for i in 0..<count { address[i] = span[i] }
    }
  }

  /// Counts what a program needs.
  ///
  /// - Throws: `TensorError` where a program that is to run cannot have it.
  func plan(_ schedule: Schedule, variables: [Variable]) throws {
    let new = Set(variables.filter { storages[$0.name] == nil })
      .reduce(0) { $0 + 4 * $1.shape.product }
    guard isPlanning else {
      try MemoryLimits.current.check(
        new + schedule.lastingBytes, for: "program \(schedule.listing.name)",
        remedy: "a smaller batch, or a smaller model, needs less")
      return
    }
    let arena = schedule.arenaBytes
    planned.lasting += schedule.lastingBytes
    planned.arena += Arena.growth(to: arena, beyond: planned.largest)
    planned.largest = Swift.max(planned.largest, arena)
  }

  /// Processors that may run threads.
  public static var processors: Int { processorCount() }
}
