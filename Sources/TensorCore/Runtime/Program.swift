import CKernels

/// Outputs and updates, compiled: a fixed list of kernels over fixed addresses.
///
/// Running it allocates nothing.
public final class Program {
  /// The name of its draws and its run count.
  public let name: String
  /// Number of runs so far, which its draws depend on.
  ///
  /// Saved in checkpoints.
  public var runs: UInt64 {
    get { runtime.runs[name] ?? 0 }
    set { runtime.runs[name] = newValue }
  }
  /// The kernels, in the order they run.
  public var kernels: [KernelDescription] { executable.descriptions }
  /// Its kernels and memory, as far as the compiler decides them; computed at each call.
  public var summary: PlanSummary { PlanSummary(schedule) }
  var schedule: Schedule { pipeline.schedule }
  /// The variables that it reads or updates, each once.
  public let variableNames: [String]
  /// The variables that a checkpoint holds: all of `variableNames` but scratch.
  public let savedNames: [String]
  /// Bytes of the shared scratch memory that it uses.
  public var arenaBytes: Int { executable.plan.byteCount }

  private let runtime: Runtime
  /// The stages that led to it.
  package let pipeline: Pipeline
  let executable: Executable
  private let steps: UnsafeMutablePointer<fk_step>
  private let position: UnsafeMutablePointer<UInt64>
  private let outputs: [Node: Int]
  private let inputs: [String: Input]
  /// The variables that a run changes.
  private let updated: [Runtime.Storage]
  private let packing: Packing
  /// Number of variables that were brought into the library's formats in all runs so far.
  package var packedCount: Int { packing.count }

  /// An input that the program's expressions read.
  private struct Input {
    let name: String
    let shape: [Int]
    let address: UnsafeMutablePointer<Float>
    var count: Int { shape.product }
  }

  init(
    _ name: String, _ outputs: [Tensor], _ updates: [Update], _ options: Pipeline.Options,
    _ runtime: Runtime
  ) throws {
    self.name = name
    self.runtime = runtime
    pipeline = try Pipeline(name, outputs, updates, options)
    let schedule = pipeline.schedule
    try runtime.claim(schedule.listing, for: name)
    var variables = updates.map(\.variable)
    for instruction in schedule.listing.instructions {
      if case .variable(let variable) = instruction.operation { variables.append(variable) }
    }
    try runtime.plan(schedule, variables: variables)
    updated = try updates.map { try runtime.storage($0.variable) }
    let run = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    run.initialize(to: 0)
    position = run
    do {
      if runtime.isPlanning {
        for variable in variables { _ = try runtime.storage(variable) }
        executable = Executable()
      } else {
        executable = try emit(
          schedule,
          in: Surroundings(
            arena: runtime.arena, threads: runtime.threads, seed: runtime.seed, run: run,
            scratch: runtime.scratch, address: { try runtime.storage($0).address }))
      }
    } catch {
      run.deallocate()
      throw error
    }
    packing = Packing(
      try executable.preparation.map { (try runtime.storage($0.variable), $0.step) })
    steps = executable.allocations.array(executable.steps)
    self.outputs = Dictionary(
      zip(outputs.map(\.node), outputs.indices), uniquingKeysWith: { first, _ in first })
    var inputs: [String: Input] = [:]
    let roots = outputs + updates.map(\.value) + updates.compactMap(\.rows)
    for node in topologicalOrder(roots.map(\.node)) {
      guard case .input(let name) = node.operation, inputs[name] == nil else { continue }
      // An input that the compiler found unused may be filled all the same.
      let address =
        executable.inputs[name]?.address ?? executable.allocations.floats(node.shape.product)
      inputs[name] = Input(name: name, shape: node.shape, address: address)
    }
    self.inputs = inputs
    variableNames = Set(variables.map(\.name)).sorted()
    savedNames = Set(variables.filter { $0.kind != .scratch }.map(\.name)).sorted()
  }

  deinit { position.deallocate() }

  /// True if any output or update is computed from the input `x`.
  public func reads(_ x: Tensor) -> Bool {
    guard case .input(let name) = x.node.operation else { return false }
    return inputs[name]?.shape == x.shape
  }

  /// Gives `body` the memory of the input `x` to fill: x.count numbers, row-major.
  ///
  /// It keeps its contents between runs.
  ///
  /// - Throws: `TensorError` where `x` is no input that the program reads; any error of `body`.
  public func fill(_ x: Tensor, _ body: (inout MutableSpan<Float>) throws -> Void) throws {
    let input = try input(x)
    var span = UnsafeMutableBufferPointer(start: input.address, count: input.count).mutableSpan
    try body(&span)
  }

  /// Fills the input `x` with numbers, as many as it has elements.
  ///
  /// - Throws: `TensorError` where their count differs, or `x` is no input that the program reads.
  public func fill(_ x: Tensor, with values: [Float]) throws {
    let input = try input(x)
    guard values.count == input.count else {
      throw TensorError(
        "input \(input.name) of program \(name) is given \(values.count) numbers; expected "
          + "\(input.count), as its shape is \(input.shape)")
    }
    for i in values.indices { input.address[i] = values[i] }
  }

  private func input(_ x: Tensor) throws -> Input {
    if let failure = x.failure { throw TensorError(failure) }
    guard case .input(let wanted) = x.node.operation else {
      throw TensorError(
        "program \(name) cannot be given values of \(x.node.operation.label) \(x.shape): expected an input"
      )
    }
    guard let input = inputs[wanted] else {
      let names = inputs.keys.sorted().joined(separator: ", ")
      throw TensorError(
        "program \(name) does not read input \(wanted); it reads "
          + (names.isEmpty ? "none" : names))
    }
    guard input.shape == x.shape else {
      throw TensorError(
        "input \(wanted) of program \(name) has shape \(input.shape), not \(x.shape)")
    }
    return input
  }

  /// Fills an input made by `Tensor.seeds`; the last seed is repeated where there are fewer than
  /// rows.
  ///
  /// - Throws: `TensorError` where there is no seed, or more than rows, or `x` is no such input that the program
  ///   reads.
  public func fill(seeds x: Tensor, with seeds: [UInt64]) throws {
    let input = try input(x)
    guard input.shape.count == 2, input.shape[1] == 4 else {
      throw TensorError(
        "input \(input.name) of program \(name) has shape \(input.shape), and seeds have [rows, 4]")
    }
    guard (1...input.shape[0]).contains(seeds.count) else {
      throw TensorError(
        "input \(input.name) of program \(name) is given \(seeds.count) seeds; expected 1 to "
          + "\(input.shape[0])")
    }
    try fill(x) { span in
      for row in 0..<span.count / 4 {
        let seed = seeds[Swift.min(row, seeds.count - 1)]
        for digit in 0..<4 { span[row * 4 + digit] = Float(seed >> UInt64(16 * digit) & 0xFFFF) }
      }
    }
  }

  /// Runs once and counts it.
  public func run() {
    run(at: runs)
    runs += 1
  }

  /// Runs with the draws of run number `run`, and does not count it: for sampling and evaluation.
  public func run(at run: UInt64) {
    position.pointee = run
    packing.run(runtime.pool)
    fk_run(runtime.pool, steps, Int32(executable.steps.count))
    countChanges()
  }

  private func countChanges() {
    for storage in updated { storage.version += 1 }
  }

  /// Runs once and counts it, adding the nanoseconds that each kernel took to `nanoseconds`, in the order of
  /// `kernels`; kernels that otherwise run side by side run one after the other.
  package func runProfiled(_ nanoseconds: inout [Int64]) {
    if nanoseconds.isEmpty { nanoseconds = [Int64](repeating: 0, count: kernels.count) }
    position.pointee = runs
    runs += 1
    let steps = executable.separateSteps
    let clock = ContinuousClock()
    let preparing = clock.measure { packing.run(runtime.pool) }
    if !executable.preparation.isEmpty {
      nanoseconds[kernels.count - 1] += Int64(preparing / .nanoseconds(1))
    }
    countChanges()
    var times = [CLongLong](repeating: 0, count: steps.count)
    fk_run_profiled(runtime.pool, steps, Int32(steps.count), &times)
    for (step, time) in times.enumerated() {
      nanoseconds[executable.kernelOfStep[step]] += Int64(time)
    }
  }

  /// Runs as `run(at:)` does, and calls `body` after each of `kernels`; kernels that otherwise run side by side
  /// run one after the other.
  func runByKernel(at run: UInt64, _ body: (Int) -> Void) {
    position.pointee = run
    packing.run(runtime.pool)
    let steps = executable.separateSteps
    for (i, step) in steps.enumerated() {
      var step = step
      fk_run(runtime.pool, &step, 1)
      let kernel = executable.kernelOfStep[i]
      if i + 1 == steps.count || executable.kernelOfStep[i + 1] != kernel { body(kernel) }
    }
    countChanges()
  }

  /// Gives `body` the elements of an output of the last run, row-major.
  ///
  /// - Throws: `TensorError` if `y` is not one of the outputs.
  public func read<Result>(_ y: Tensor, _ body: (Span<Float>) throws -> Result) throws -> Result {
    let output = executable.outputs[try index(ofOutput: y)]
    return try body(UnsafeBufferPointer(start: output.address, count: output.count).span)
  }

  func index(ofOutput y: Tensor) throws -> Int {
    guard let index = outputs[y.node] else {
      throw TensorError("program \(name) has no such output")
    }
    return index
  }

  /// The elements of an output of the last run, row-major.
  public func values(_ y: Tensor) throws -> [Float] {
    try read(y) { span in (0..<span.count).map { span[$0] } }
  }

  /// A single number that is an output of the last run.
  ///
  /// - Throws: `TensorError` if `y` is not one of the outputs, or has more numbers.
  public func scalar(_ y: Tensor) throws -> Float {
    guard y.count == 1 else {
      throw TensorError("output \(y.shape) of program \(name) is not a single number")
    }
    return try read(y) { $0[0] }
  }
}
