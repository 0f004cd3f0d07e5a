import CKernels

/// Tiles of every worker, shared by all programs of a runtime.
struct Scratch {
  let base: UnsafeMutablePointer<Float>
  let slots: Int
}

/// The things of a runtime that a program's steps point to.
struct Surroundings {
  let arena: Arena
  let threads: Int
  let seed: UInt64
  /// The number of the run, which draws depend on.
  let run: UnsafeMutablePointer<UInt64>
  let scratch: Scratch
  /// The memory of a variable.
  let address: (Variable) throws -> UnsafeMutablePointer<Float>
}

/// Turns a schedule into steps: makes the library's primitives, plans memory, resolves every
/// address.
///
/// - Throws: `TensorError` where the memory is not to be had or the library refuses a contraction.
func emit(_ schedule: Schedule, in surroundings: Surroundings) throws -> Executable {
  var emitter = Emitter(schedule: schedule, surroundings: surroundings)
  return try emitter.emit()
}

struct Emitter {
  let schedule: Schedule
  let surroundings: Surroundings
  var addresses: [Buffer: UnsafeMutableRawPointer] = [:]
  let allocations = Allocations()
  /// Steps of the kernel at hand.
  var steps: [fk_step] = []
  /// Steps that bring variables into the library's formats, and the bytes that they move.
  var preparation: [(variable: Variable, step: fk_step)] = []
  var preparedBytes = 0

  /// An update that is copied into its variable when all else is done.
  private struct LateUpdate {
    let variable: Variable
    let value: Buffer
    let rows: Buffer?
  }

  init(schedule: Schedule, surroundings: Surroundings) {
    (self.schedule, self.surroundings) = (schedule, surroundings)
  }

  var listing: Listing { schedule.listing }
  func count(_ buffer: Buffer) -> Int { listing[buffer].count }

  mutating func emit() throws -> Executable {
    var executable = Executable()
    executable.allocations = allocations
    executable.inputs = try bindSources()
    let late = try bindLiveOuts()
    let contractions = try schedule.kernels.map { try makeContraction($0) }
    let (plan, base) = try bindArena(contractions)
    executable.plan = plan

    var all: [[fk_step]] = []
    for (k, contraction) in zip(schedule.kernels.indices, contractions) {
      let kernel = schedule.kernels[k]
      steps = []
      try emit(kernel, contraction, workspace: base + plan.workspaces[k])
      executable.descriptions.append(schedule.description(of: kernel, contraction))
      all.append(steps)
    }
    for update in late {
      steps = []
      try emit(update)
      executable.descriptions.append(
        KernelDescription(
          label: "copy to \(update.variable.name)", implementation: "copy", path: "",
          bytes: 8 * count(update.value), flops: 0))
      all.append(steps)
    }
    if !preparation.isEmpty {
      executable.descriptions.append(
        KernelDescription(
          label: "\(preparation.count) filters to the library's formats",
          implementation: "reorder", path: "", bytes: preparedBytes, flops: 0))
      executable.preparation = preparation
    }
    executable.steps = grouped(all)
    executable.separateSteps = all.flatMap { $0 }
    executable.kernelOfStep = all.indices.flatMap { k in all[k].map { _ in k } }
    executable.outputs = try listing.outputs.map {
      (try floats(listing.buffer(of: $0)), listing[$0].count)
    }
    executable.addresses = addresses
    return try checked("emit", executable)
  }

  // MARK: Addresses

  /// Gives sources their memory; returns the inputs.
  private mutating func bindSources() throws
    -> [String: (address: UnsafeMutablePointer<Float>, count: Int)]
  {
    var inputs: [String: (address: UnsafeMutablePointer<Float>, count: Int)] = [:]
    for buffer in listing.buffers where listing.isSource(buffer) {
      let operation = listing[buffer].operation
      if case .input(let name) = operation {
        let input = inputs[name]?.address ?? allocations.floats(count(buffer))
        inputs[name] = (input, count(buffer))
        addresses[buffer] = UnsafeMutableRawPointer(input)
      } else if case .variable(let variable) = operation {
        addresses[buffer] = .init(try surroundings.address(variable))
      } else if case .constant(let value) = operation {
        addresses[buffer] = .init(allocations.array([Float(value)]))
      } else if case .literal(let values) = operation {
        addresses[buffer] = .init(allocations.array(values.map { Float($0) }))
      }
    }
    return inputs
  }

  /// Gives live-outs their memory, updates in place that of their variable; returns the other updates.
  private mutating func bindLiveOuts() throws -> [LateUpdate] {
    for (value, variable) in schedule.inPlace {
      addresses[value] = .init(try surroundings.address(variable))
    }
    for buffer in listing.liveOutBuffers where addresses[buffer] == nil {
      addresses[buffer] = .init(allocations.floats(count(buffer)))
    }
    return listing.updates.compactMap { update in
      let value = listing.buffer(of: update.value)
      guard schedule.inPlace[value] == nil else { return nil }
      return LateUpdate(
        variable: update.variable, value: value, rows: update.rows.map { listing.buffer(of: $0) })
    }
  }

  /// Plans the arena and gives every other buffer its place there.
  private mutating func bindArena(_ contractions: [OpaquePointer?]) throws
    -> (MemoryPlan, base: UnsafeMutableRawPointer)
  {
    let workspaces = Table<KernelListing.Kernel, Int>(
      zip(schedule.kernels, contractions).map { kernel, contraction in
        switch kernel.body {
        case .clusters(let phases): surroundings.threads * localMemory(phases).bytes
        case .contraction(let sum): contraction.map { workspace($0, sum) } ?? 0
        case .scalars, .instruction: 0
        }
      })
    let plan = planMemory(schedule, workspaces: workspaces)
    _ = try checked(
      "planMemory", PlannedSchedule(schedule: schedule, workspaces: workspaces, plan: plan))
    try MemoryLimits.current.check(
      Arena.growth(to: plan.byteCount, beyond: surroundings.arena.largest),
      for: "program \(listing.name)",
      remedy: "a smaller batch, or a smaller model, needs less")
    let base = try surroundings.arena.base(for: plan.byteCount)
    for (buffer, offset) in plan.offsets { addresses[buffer] = base + offset }
    return (plan, base)
  }

  func address(_ buffer: Buffer) throws -> UnsafeMutableRawPointer {
    guard let address = addresses[buffer] else {
      throw TensorError("internal error: \(buffer) of program \(listing.name) has no memory")
    }
    return address
  }

  /// The address of a buffer that is never stored with 16 bits.
  func floats(_ buffer: Buffer) throws -> UnsafeMutablePointer<Float> {
    guard !schedule.halves.contains(buffer) else {
      throw TensorError("internal error: \(buffer) of program \(listing.name) has 16 bits")
    }
    return try address(buffer).assumingMemoryBound(to: Float.self)
  }

  func type(_ buffer: Buffer) -> fk_type { schedule.halves.contains(buffer) ? FK_BF16 : FK_FP32 }

  // MARK: Steps

  private mutating func emit(
    _ kernel: KernelListing.Kernel, _ contraction: OpaquePointer?,
    workspace: UnsafeMutableRawPointer
  ) throws {
    switch kernel.body {
    case .clusters(let phases): try emitClusters(phases, local: workspace)
    case .scalars(let buffers): try emitScalars(buffers)
    case .contraction(let sum):
      if let contraction { try emitContraction(contraction, sum, workspace) }
    case .instruction(let buffer): try emitInstruction(buffer)
    }
  }

  private mutating func emit(_ update: LateUpdate) throws {
    let target = try surroundings.address(update.variable)
    let width = update.variable.shape.dropFirst().reduce(1, *)
    guard let rows = update.rows else {
      append(
        fk_run_copy,
        try copy(
          [count(update.value)], from: address(update.value), [1], to: .init(target), [1]))
      return
    }
    append(
      fk_run_put_rows,
      fk_scatter(
        values: try floats(update.value), rows: try floats(rows), table: target,
        table_rows: Int64(update.variable.shape[0]), row_count: Int64(count(rows)),
        width: Int64(width), pieces: 1))
  }

  /// Kernels of a group side by side: the first step of each, then the second, and so on.
  private func grouped(_ all: [[fk_step]]) -> [fk_step] {
    var result: [fk_step] = []
    var k = 0
    let late = [Int](repeating: 1, count: all.count - schedule.kernels.count)
    for size in schedule.groups + late {
      let kernels = all[k..<k + size]
      k += size
      for stage in 0..<(kernels.map(\.count).max() ?? 0) {
        result.append(together(kernels.filter { $0.count > stage }.map { $0[stage] }))
      }
    }
    return result
  }

  /// Steps that do not depend on each other, as one.
  private func together(_ steps: [fk_step]) -> fk_step {
    guard steps.count > 1 else { return steps[0] }
    var first: [Int32] = [0]
    for step in steps { first.append((first.last ?? 0) + step.pieces) }
    let group = fk_group(
      count: Int32(steps.count), steps: UnsafePointer(allocations.array(steps)),
      first: UnsafePointer(allocations.array(first)))
    return fk_step(
      run: fk_run_group, arguments: UnsafeRawPointer(allocations.array([group])),
      pieces: first.last ?? 0)
  }

  mutating func append<Arguments: BitwiseCopyable>(
    _ kernel: @escaping @convention(c) (UnsafeRawPointer, Int32, Int32) -> Void,
    _ arguments: Arguments,
    pieces: Int32 = 1
  ) {
    steps.append(
      fk_step(
        run: kernel, arguments: UnsafeRawPointer(allocations.array([arguments])), pieces: pieces))
  }
}

/// Lengths or strides as the kernels take them: six numbers, those beyond the rank 0.
func packed(_ values: [Int]) -> (Int64, Int64, Int64, Int64, Int64, Int64) {
  func at(_ i: Int) -> Int64 { i < values.count ? Int64(values[i]) : 0 }
  return (at(0), at(1), at(2), at(3), at(4), at(5))
}
