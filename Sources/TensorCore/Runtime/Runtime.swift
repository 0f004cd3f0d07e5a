import CKernels

/// Bytes that programs need, known before they run.
package struct PlannedMemory: Sendable {
  /// Bytes of parameters, averages and the state of optimizers.
  package var variables = 0
  /// Bytes of inputs, outputs and all else that outlives a run, except variables.
  package var lasting = 0
  /// Bytes of intermediate results.
  package var arena = 0
  /// Bytes of intermediate results in the program that has the most.
  fileprivate(set) var largest = 0

  /// The sum of all, in bytes.
  package var total: Int { variables + lasting + arena }
}

/// Variables, the seed and the run count of each program: everything that a checkpoint has to hold.
public final class Runtime {
  /// The key of all draws that have none of their own.
  public let seed: UInt64
  /// Number of threads that run kernels, the caller's included.
  ///
  /// Results do not depend on it.
  public let threads: Int
  /// Number of runs of each program.
  public var runs: [String: UInt64] = [:]
  /// True if programs are planned and never run, so that nothing is reserved for them.
  let isPlanning: Bool
  /// Bytes that its variables and programs need, without the library's own workspace, which is not known before
  /// programs are made.
  package private(set) var planned = PlannedMemory()

  let arena: Arena
  let pool: OpaquePointer
  let scratch: Scratch
  private let allocations = Allocations()
  private var storages: [String: Storage] = [:]
  private var names: [String] = []
  /// The names of programs, and the name of the program that has the draws of each site.
  private var programs: Set<String> = []
  private var sites: [UInt32: String] = [:]

  /// The array of a variable.
  final class Storage {
    let shape: [Int]
    /// Nil for an array that was restored and that no program has asked for yet.
    fileprivate(set) var kind: Variable.Kind?
    let address: UnsafeMutablePointer<Float>
    /// A number that grows whenever the array may have changed.
    var version: UInt64 = 0

    init(_ shape: [Int], _ kind: Variable.Kind?, _ address: UnsafeMutablePointer<Float>) {
      (self.shape, self.kind, self.address) = (shape, kind, address)
    }
  }

  /// - Throws: `TensorError` if threads are fewer than 1 or more than 256, or cannot be started.
  public convenience init(seed: UInt64, threads: Int = Runtime.processors) throws {
    try self.init(seed: seed, threads: threads, isPlanning: false)
  }

  /// A runtime for `planned` alone: its programs cannot run, and take no memory.
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
  ///   - name: The name of its draws and its run count, which no other program of this runtime may have unless
  ///     `sharesDraws`.
  ///   - outputs: Expressions whose values can be read after a run.
  ///   - updates: Variables that change at the end of each run.
  ///   - precision: The type of intermediate results and of the operands of products; inputs, outputs and
  ///     variables are fp32.
  ///   - sharesDraws: Allows the name of an earlier program of this runtime: draws of equal names are
  ///     then the same numbers in both, and their runs are counted together.
  /// - Throws: `TensorError`, for the first mistake in the expressions; for the name of another program; for draws
  ///   that would equal another program's; where memory does not suffice.
  public func compile(
    _ name: String, _ outputs: [Tensor], updates: [Update] = [], precision: Precision = .fp32,
    sharesDraws: Bool = false
  ) throws -> Program {
    guard sharesDraws || !programs.contains(name) else {
      throw TensorError(
        "there is a program \(name) in this runtime already, and two of one name would draw the same "
          + "numbers and count their runs together: expected another name, or sharesDraws: true")
    }
    let program = try Program(name, outputs, updates, .init(precision: precision), self)
    programs.insert(name)
    return program
  }

  /// Reserves the sites of the draws of program `name`.
  ///
  /// - Throws: `TensorError` where one of them is reserved by another program.
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

  /// Compiles with options of the compiler; draws are shared with the program of that name.
  package func compile(
    _ name: String, _ outputs: [Tensor], updates: [Update] = [], options: Pipeline.Options
  ) throws -> Program {
    try Program(name, outputs, updates, options, self)
  }

  /// The names of all variables, in the order they were made.
  public var variableNames: [String] { names }

  /// The names of the variables that a checkpoint holds, all but scratch, in the order they were made.
  public var savedNames: [String] { names.filter { storages[$0]?.kind != .scratch } }

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

  /// The elements of a variable, which is made if no program has needed it yet; row-major.
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
    storage.version += 1
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
      storages[name] = Storage(shape, nil, allocations.floats(shape.product))
      names.append(name)
    }
    try write(variable: name, values)
  }

  /// The array of a variable, which is made and given its initial value at the first call.
  func storage(_ variable: Variable) throws -> Storage {
    if let old = storages[variable.name] {
      guard old.shape == variable.shape else {
        throw TensorError("variable \(variable.name) has shape \(old.shape), not \(variable.shape)")
      }
      if let kind = old.kind, kind != variable.kind {
        throw TensorError(
          "variable \(variable.name) is \(kind.rawValue) in one program and "
            + "\(variable.kind.rawValue) in another: expected one kind, or another name")
      }
      old.kind = variable.kind
      return old
    }
    planned.variables += 4 * variable.shape.product
    let address = allocations.floats(isPlanning ? 1 : variable.shape.product)
    if !isPlanning { try initialize(variable, address) }
    let new = Storage(variable.shape, variable.kind, address)
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
      initialProgramName(variable), [initial], [], .init(), self)
    // Another of that name would draw the same numbers.
    programs.insert(initialProgramName(variable))
    program.run(at: 0)
    try program.read(initial) { span in
      for i in 0..<count { address[i] = span[i] }
    }
  }

  /// Adds the memory of a program to `planned`, or checks that it is there.
  ///
  /// - Throws: `TensorError` where a program that is to run would exceed the limit of memory.
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

  /// Number of processors that may run threads.
  public static var processors: Int { processorCount() }
}
