import CKernels

/// The machine form of a program: steps with resolved addresses, and the memory they own.
struct Executable {
  /// The steps that bring variables into the library's formats, each to run when its variable has changed.
  var preparation: [(variable: Variable, step: fk_step)]
  /// What runs then, kernels of a group as one step.
  var steps: [fk_step]
  /// The same, each kernel by itself, and which kernel each step belongs to: for profiles.
  var separateSteps: [fk_step]
  var kernelOfStep: [Int]
  var descriptions: [KernelDescription]
  var inputs: [String: (address: UnsafeMutablePointer<Float>, count: Int)]
  var outputs: [(address: UnsafeMutablePointer<Float>, count: Int)]
  var arenaBytes: Int
  /// Where each array is while it lives, by the instruction that makes it.
  var addresses: [Int: UnsafeMutableRawPointer]
  let allocations: Allocations

  /// That of a program that is only planned.
  static var empty: Executable {
    Executable(
      preparation: [], steps: [], separateSteps: [], kernelOfStep: [], descriptions: [],
      inputs: [:],
      outputs: [], arenaBytes: 0, addresses: [:], allocations: Allocations())
  }
}

/// One kernel of a compiled program, as `figment plan` prints it.
public struct KernelDescription: Sendable {
  /// What it computes.
  public let label: String
  /// The library's or our own implementation.
  public let implementation: String
  /// The layer it comes from.
  public let path: String
  /// Bytes read and written, each array once.
  public let bytes: Int
  /// Floating-point operations, for contractions.
  public let flops: Double
}

/// Turns a schedule into steps: makes the library's primitives, plans memory, resolves every
/// address.
func emit(
  _ schedule: Schedule, arena: Arena, threads: Int, seed: UInt64, run: UnsafeMutablePointer<UInt64>,
  scratch: Scratch, variableAddress: (Variable) throws -> UnsafeMutablePointer<Float>
) throws -> Executable {
  var emitter = Emitter(schedule: schedule, seed: seed, run: run, scratch: scratch)
  return try emitter.emit(arena: arena, threads: threads, variableAddress: variableAddress)
}

/// Tiles of every worker, shared by all programs of a runtime.
struct Scratch {
  let base: UnsafeMutablePointer<Float>
  let slots: Int
}

struct Emitter {
  let schedule: Schedule
  let seed: UInt64
  let run: UnsafeMutablePointer<UInt64>
  let scratch: Scratch
  var addresses: [Int: UnsafeMutableRawPointer] = [:]
  let allocations = Allocations()
  /// Of the kernel at hand.
  var steps: [fk_step] = []
  /// The steps that bring variables into the library's formats, and the bytes that they move.
  var preparation: [(variable: Variable, step: fk_step)] = []
  var preparedBytes = 0
  var descriptions: [KernelDescription] = []

  init(schedule: Schedule, seed: UInt64, run: UnsafeMutablePointer<UInt64>, scratch: Scratch) {
    self.schedule = schedule
    self.seed = seed
    self.run = run
    self.scratch = scratch
  }

  var listing: Listing { schedule.listing }
  func count(_ i: Int) -> Int { schedule.listing.instructions[i].count }

  mutating func emit(
    arena: Arena, threads: Int, variableAddress: (Variable) throws -> UnsafeMutablePointer<Float>
  ) throws -> Executable {
    var inputs: [String: (address: UnsafeMutablePointer<Float>, count: Int)] = [:]
    var external: Set<Int> = []
    for (i, instruction) in listing.instructions.enumerated() {
      switch instruction.operation {
      case .input(let name):
        let input = inputs[name]?.address ?? allocations.floats(instruction.count)
        inputs[name] = (input, instruction.count)
        addresses[i] = UnsafeMutableRawPointer(input)
      case .variable(let variable): addresses[i] = .init(try variableAddress(variable))
      case .constant(let value): addresses[i] = .init(allocations.array([Float(value)]))
      case .literal(let values): addresses[i] = .init(allocations.array(values.map { Float($0) }))
      default: continue
      }
      external.insert(i)
    }
    for output in listing.outputs {
      let home = listing.home(output)
      if addresses[home] == nil { addresses[home] = .init(allocations.floats(count(home))) }
      external.insert(home)
    }
    for (value, variable) in schedule.inPlace {
      addresses[value] = .init(try variableAddress(variable))
      external.insert(value)
    }
    // The other updates are copied into their variables when all else is done, so they live until
    // then.
    var late: [(from: Int, rows: Int?, variable: Variable)] = []
    for update in listing.updates where schedule.inPlace[listing.home(update.value)] == nil {
      let home = listing.home(update.value)
      if addresses[home] == nil { addresses[home] = .init(allocations.floats(count(home))) }
      external.insert(home)
      let rows = update.rows.map { listing.home($0) }
      if let rows {
        if addresses[rows] == nil { addresses[rows] = .init(allocations.floats(count(rows))) }
        external.insert(rows)
      }
      late.append((home, rows, update.variable))
    }

    let contractions = try schedule.kernels.map { try makeContraction($0, threads: threads) }
    let workspaces = zip(schedule.kernels, contractions).map { kernel, contraction in
      switch kernel.body {
      case .clusters(let phases): threads * localMemory(phases).bytes
      case .contraction(let sum): contraction.map { workspace($0, sum) } ?? 0
      default: 0
      }
    }
    let plan = planMemory(schedule, workspaces: workspaces, external: external)
    try MemoryLimits.current.check(
      Arena.growth(to: plan.byteCount, beyond: arena.largest), for: "program \(listing.name)",
      remedy: "a smaller batch, or a smaller model, needs less")
    let base = try arena.base(for: plan.byteCount)
    for (value, offset) in plan.offsets { addresses[value] = base + offset }
    var all: [[fk_step]] = []
    for (k, kernel) in schedule.kernels.enumerated() {
      steps = []
      var work: [Int] = []
      let workspace = base + plan.workspaces[k]
      switch kernel.body {
      case .clusters(let phases):
        let programs = phases.clusters.map { listing.lowered($0) }
        try emitClusters(phases, programs, local: workspace)
        work = programs.map(\.operations.count)
      case .scalars(let positions): try emitScalars(positions)
      case .contraction(let sum):
        if let contraction = contractions[k] { try emitContraction(contraction, sum, workspace) }
      case .instruction(let i): try emitInstruction(i)
      }
      describe(kernel, contractions[k], work)
      all.append(steps)
    }
    for (from, rows, variable) in late {
      steps = []
      let target = try variableAddress(variable)
      if let rows {
        append(
          fk_run_put_rows,
          fk_scatter(
            values: try floats(from), rows: try floats(rows), table: target,
            table_rows: Int64(variable.shape[0]), row_count: Int64(count(rows)),
            width: Int64(variable.shape.dropFirst().reduce(1, *)), pieces: 1))
      } else {
        append(
          fk_run_copy, try copy([count(from)], from: address(from), [1], to: .init(target), [1]))
      }
      all.append(steps)
      descriptions.append(
        KernelDescription(
          label: "copy to \(variable.name)", implementation: "copy", path: "",
          bytes: 8 * count(from), flops: 0))
    }
    if !preparation.isEmpty {
      descriptions.append(
        KernelDescription(
          label: "\(preparation.count) filters to the library's formats",
          implementation: "reorder", path: "", bytes: preparedBytes, flops: 0))
    }
    return Executable(
      preparation: preparation, steps: grouped(all),
      separateSteps: all.flatMap { $0 },
      kernelOfStep: all.indices.flatMap { k in all[k].map { _ in k } }, descriptions: descriptions,
      inputs: inputs,
      outputs: try listing.outputs.map { (try floats(listing.home($0)), count($0)) },
      arenaBytes: plan.byteCount, addresses: addresses, allocations: allocations)
  }

  /// Kernels of a group side by side: the first step of each, then the second, and so on.
  func grouped(_ all: [[fk_step]]) -> [fk_step] {
    var result: [fk_step] = []
    var k = 0
    let late = [Int](repeating: 1, count: all.count - schedule.kernels.count)
    for size in schedule.groups + late {
      let kernels = all[k..<k + size]
      k += size
      for stage in 0..<(kernels.map(\.count).max() ?? 0) {
        let steps = kernels.filter { $0.count > stage }.map { $0[stage] }
        result.append(together(steps))
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

  func address(_ i: Int) throws -> UnsafeMutableRawPointer {
    guard let address = addresses[i] else {
      throw TensorError("internal error: %\(i) of program \(listing.name) has no memory")
    }
    return address
  }

  /// An array that is never stored with 16 bits.
  func floats(_ i: Int) throws -> UnsafeMutablePointer<Float> {
    guard !schedule.halves.contains(i) else {
      throw TensorError("internal error: %\(i) of program \(listing.name) has 16 bits")
    }
    return try address(i).assumingMemoryBound(to: Float.self)
  }

  func type(_ i: Int) -> fk_type { schedule.halves.contains(i) ? FK_BF16 : FK_FP32 }

  mutating func append<Arguments: BitwiseCopyable>(
    _ kernel: @escaping @convention(c) (UnsafeRawPointer, Int32, Int32) -> Void,
    _ arguments: Arguments,
    pieces: Int32 = 1
  ) {
    steps.append(
      fk_step(
        run: kernel, arguments: UnsafeRawPointer(allocations.array([arguments])), pieces: pieces))
  }

  // MARK: Single numbers

  mutating func emitScalars(_ positions: [Int]) throws {
    var values: [fk_scalar] = []
    var index: [Int: Int32] = [:]
    func load(_ i: Int) throws -> Int32 {
      if let known = index[i] { return known }
      var v = fk_scalar()
      if case .constant(let value) = listing.instructions[i].operation {
        v.source = FK_VALUE_CONSTANT
        v.constant = value
      } else {
        v.source = FK_VALUE_MEMORY
        v.memory = UnsafePointer(try floats(i))
      }
      values.append(v)
      index[i] = Int32(values.count - 1)
      return Int32(values.count - 1)
    }
    for position in positions {
      let instruction = listing.instructions[position]
      let operands = try instruction.inputs.map { try load(listing.home($0)) }
      var v = fk_scalar()
      v.source = FK_VALUE_FUNCTION
      v.function = Int32(instruction.operation.function.rawValue)
      v.a = operands[0]
      v.b = operands.count > 1 ? operands[1] : 0
      v.c = operands.count > 2 ? operands[2] : 0
      v.store = addresses[position]?.assumingMemoryBound(to: Float.self)
      values.append(v)
      index[position] = Int32(values.count - 1)
    }
    append(
      fk_run_scalars,
      fk_scalars(
        count: Int32(values.count), values: UnsafePointer(allocations.array(values)),
        scratch: allocations.array([Double](repeating: 0, count: values.count))))
  }

  // MARK: Contractions

  func makeContraction(_ kernel: KernelListing.Kernel, threads: Int) throws -> OpaquePointer? {
    guard case .contraction(let sum) = kernel.body, let shape = contractionShape(sum) else {
      return nil
    }
    var message = [CChar](repeating: 0, count: 256)
    let made = withUnsafePointer(to: shape) { fk_contraction_create($0, Int32(threads), &message) }
    guard let made else {
      let text = String(
        decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw TensorError("\(listing.instructions[sum.position].operation.label): \(text)")
    }
    allocations.onRelease { fk_contraction_destroy(made) }
    return made
  }

  func contractionShape(_ sum: Contraction) -> fk_contraction_shape? {
    let instruction = listing.instructions[sum.position]
    let operands = instruction.inputs.map { listing.home($0) }
    let x = instruction.inputs.map { listing.instructions[$0].shape }
    let y = instruction.shape
    var s = fk_contraction_shape()
    (s.left_type, s.right_type) = (type(operands[0]), type(operands[1]))
    s.out_type = type(sum.result)
    s.compute = schedule.precision == .bf16 ? FK_BF16 : FK_FP32
    s.has_bias = sum.bias == nil ? 0 : 1
    s.accumulates = sum.addend == nil ? 0 : 1
    func convolution(_ c: Convolution, _ image: [Int], _ filter: [Int], _ output: [Int]) {
      (s.images, s.height, s.width, s.channels) = (
        Int64(image[0]), Int64(image[1]), Int64(image[2]), Int64(image[3])
      )
      (s.filter_height, s.filter_width, s.out_channels) = (
        Int64(filter[0]), Int64(filter[1]), Int64(filter[3])
      )
      (s.out_height, s.out_width) = (Int64(output[1]), Int64(output[2]))
      (s.stride, s.padding_top, s.padding_left) = (
        Int32(c.stride), Int32(c.top), Int32(c.left)
      )
    }
    switch instruction.operation {
    case .matmul(let l, let r):
      s.kind = FK_MATMUL
      s.batch = Int64(y.dropLast(2).reduce(1, *))
      (s.m, s.n) = (Int64(y[y.count - 2]), Int64(y[y.count - 1]))
      s.k = Int64(l ? x[0][y.count - 2] : x[0][y.count - 1])
      (s.transposed_left, s.transposed_right) = (l ? 1 : 0, r ? 1 : 0)
    case .convolution(let c):
      s.kind = FK_CONV
      convolution(c, x[0], x[1], y)
    case .convolutionInput(let c):
      s.kind = FK_CONV_INPUT
      convolution(c, y, x[1], x[0])
    case .convolutionFilter(let c):
      s.kind = FK_CONV_FILTER
      convolution(c, x[0], y, x[1])
    default: return nil
    }
    return s
  }

  mutating func emitContraction(
    _ contraction: OpaquePointer, _ sum: Contraction, _ workspace: UnsafeMutableRawPointer
  ) throws {
    let inputs = listing.instructions[sum.position].inputs.map { listing.home($0) }
    let bytes = fk_contraction_prepared(contraction)
    let lasts = isVariable(inputs[1])
    let prepared =
      lasts
      ? UnsafeMutableRawPointer(allocations.floats(bytes / 4))
      : workspace + fk_contraction_workspace(contraction)
    fk_contraction_bind(
      contraction, try address(inputs[0]), try address(inputs[1]), try address(sum.result),
      try sum.bias.map { try floats($0) }, prepared, workspace)
    var preparing = fk_step(run: { _, _, _ in }, arguments: UnsafeRawPointer(workspace), pieces: 0)
    if fk_contraction_preparation(contraction, &preparing) > 0 {
      if case .variable(let variable) = listing.instructions[inputs[1]].operation {
        preparation.append((variable, preparing))
        preparedBytes += bytes + 4 * count(inputs[1])
      } else {
        steps.append(preparing)
      }
    }
    var found = [fk_step](
      repeating: fk_step(run: { _, _, _ in }, arguments: UnsafeRawPointer(workspace), pieces: 0),
      count: 8)
    var names = [UnsafePointer<CChar>](
      repeating: fk_contraction_implementation(contraction), count: 8)
    let count = fk_contraction_steps(contraction, &found, &names)
    steps += found.prefix(Int(count))
  }

  /// Whether it keeps its value from one run of a program to the next, unless an update changes it.
  private func isVariable(_ i: Int) -> Bool {
    if case .variable = listing.instructions[i].operation { true } else { false }
  }

  /// Bytes of workspace that a contraction needs while it runs.
  func workspace(_ contraction: OpaquePointer, _ sum: Contraction) -> Int {
    let right = listing.home(listing.instructions[sum.position].inputs[1])
    return fk_contraction_workspace(contraction)
      + (isVariable(right) ? 0 : fk_contraction_prepared(contraction))
  }

  // MARK: Movement, rows and draws

  func copy(
    _ sizes: [Int], from: UnsafeMutableRawPointer, _ fromStrides: [Int],
    to: UnsafeMutableRawPointer, _ toStrides: [Int], type: fk_type = FK_FP32, pieces: Int = 1
  ) throws -> fk_copy {
    // Axes that are neighbours on both sides merge, and axes of length one drop out.
    var axes: [(size: Int, from: Int, to: Int)] = []
    for i in sizes.indices where sizes[i] > 1 {
      if let last = axes.last, last.from == fromStrides[i] * sizes[i],
        last.to == toStrides[i] * sizes[i]
      {
        axes[axes.count - 1] = (last.size * sizes[i], fromStrides[i], toStrides[i])
      } else {
        axes.append((sizes[i], fromStrides[i], toStrides[i]))
      }
    }
    if axes.isEmpty { axes = [(1, 1, 1)] }
    guard axes.count <= Int(FK_MAX_RANK) else {
      throw TensorError("a copy over \(axes.count) axes: at most \(FK_MAX_RANK) are supported")
    }
    return fk_copy(
      type: type, rank: Int32(axes.count), sizes: packed(axes.map(\.size)),
      from_strides: packed(axes.map(\.from)),
      to_strides: packed(axes.map(\.to)), from: from, to: to,
      pieces: Int32(Swift.max(1, Swift.min(pieces, axes[0].size))))
  }

  func pieces(_ count: Int) -> Int { Swift.min(16, Swift.max(1, count / 16_384)) }

  mutating func emitInstruction(_ i: Int) throws {
    let instruction = listing.instructions[i]
    let inputs = instruction.inputs.map { listing.home($0) }
    let shapes = instruction.inputs.map { listing.instructions[$0].shape }
    let (shape, to, type) = (instruction.shape, try address(i), type(i))
    let size = type == FK_BF16 ? 2 : 4
    let parts = pieces(instruction.count)
    func place(_ part: Int, _ partShape: [Int], at start: [Int]) throws -> fk_copy {
      let offset = zip(start, shape.strides).map(*).reduce(0, +)
      return try copy(
        partShape, from: try address(part), partShape.strides, to: to + size * offset,
        shape.strides, type: type, pieces: parts)
    }
    switch instruction.operation {
    case .transpose(let axes):
      let c = try copy(
        shape, from: try address(inputs[0]), axes.map { shapes[0].strides[$0] }, to: to,
        shape.strides, type: type, pieces: parts)
      append(fk_run_copy, c, pieces: c.pieces)
    case .slice(let starts):
      let offset = zip(starts, shapes[0].strides).map(*).reduce(0, +)
      let c = try copy(
        shape, from: try address(inputs[0]) + size * offset, shapes[0].strides, to: to,
        shape.strides, type: type, pieces: parts)
      append(fk_run_copy, c, pieces: c.pieces)
    case .pad(let before):
      append(
        fk_run_fill,
        fk_fill(
          type: type, to: to, count: Int64(instruction.count), value: 0, pieces: Int32(parts)),
        pieces: Int32(parts))
      let c = try place(inputs[0], shapes[0], at: before)
      append(fk_run_copy, c, pieces: c.pieces)
    case .concatenate(let axis):
      var start = [Int](repeating: 0, count: shape.count)
      for (part, partShape) in zip(inputs, shapes) {
        let c = try place(part, partShape, at: start)
        append(fk_run_copy, c, pieces: c.pieces)
        start[axis] += partShape[axis]
      }
    case .blocks(let starts):
      for (start, (part, partShape)) in zip(starts, zip(inputs, shapes)) {
        let c = try place(part, partShape, at: start)
        append(fk_run_copy, c, pieces: c.pieces)
      }
    case .gather:
      let width = shapes[0].dropFirst().reduce(1, *)
      let parts = Swift.min(parts, Swift.max(1, instruction.count / width))
      append(
        fk_run_gather,
        fk_gather(
          table: try floats(inputs[0]), rows: try floats(inputs[1]), to: try floats(i),
          table_rows: Int64(shapes[0][0]),
          row_count: Int64(instruction.count / width), width: Int64(width), pieces: Int32(parts)),
        pieces: Int32(parts))
    case .byteRows(let table):
      let width = table.rowShape.product
      let parts = Swift.min(parts, Swift.max(1, instruction.count / width))
      // The release below holds the table, and with it this address, as long as the program.
      append(
        fk_run_gather_bytes,
        fk_gather_bytes(
          table: table.address, rows: try floats(inputs[0]), to: try floats(i),
          table_rows: Int64(table.rows),
          row_count: Int64(instruction.count / width), width: Int64(width), pieces: Int32(parts)),
        pieces: Int32(parts))
      allocations.onRelease { withExtendedLifetime(table) {} }
    case .scatter:
      let width = shape.dropFirst().reduce(1, *)
      let parts = Swift.min(pieces(count(inputs[0])), shape[0])
      append(
        fk_run_scatter,
        fk_scatter(
          values: try floats(inputs[0]), rows: try floats(inputs[1]), table: try floats(i),
          table_rows: Int64(shape[0]),
          row_count: Int64(count(inputs[1])), width: Int64(width), pieces: Int32(parts)),
        pieces: Int32(parts))
    case .draw(let distribution, _):
      let rows = inputs.isEmpty ? 1 : shape[0]
      let parts = inputs.isEmpty ? parts : Swift.min(parts, rows)
      append(
        fk_run_draw,
        fk_draw(
          distribution: distribution == .normal ? FK_NORMAL : FK_UNIFORM, out: try floats(i),
          keys: try inputs.first.map { UnsafePointer(try floats($0)) }, rows: Int64(rows),
          width: Int64(instruction.count / rows), seed: seed, site: instruction.site,
          run: UnsafePointer(run),
          pieces: Int32(parts)),
        pieces: Int32(parts))
    case .angle(let dimension, _):
      let rows = inputs.count == 1 ? 1 : shape[0]
      let parts = Swift.min(16, Swift.max(1, instruction.count / 64))
      append(
        fk_run_draw_angle,
        fk_draw_angle(
          dimension: Int64(dimension), concentration: try floats(inputs[0]),
          keys: try inputs.dropFirst().first.map { UnsafePointer(try floats($0)) },
          out: try floats(i), rows: Int64(rows), width: Int64(instruction.count / rows), seed: seed,
          site: instruction.site, run: UnsafePointer(run), pieces: Int32(parts)),
        pieces: Int32(parts))
    case .special(let function):
      // About a microsecond each.
      let parts = Swift.min(16, Swift.max(1, instruction.count / 64))
      append(
        fk_run_special,
        fk_special(
          function: function.kernel, parameter: function.parameter, a: try floats(inputs[0]),
          b: try inputs.dropFirst().first.map { UnsafePointer(try floats($0)) }, out: try floats(i),
          count: Int64(instruction.count), pieces: Int32(parts)),
        pieces: Int32(parts))
    default:
      throw TensorError("internal error: \(instruction.operation.label) has no kernel")
    }
  }

  // MARK: Descriptions

  /// - Parameter work: The tile operations of each cluster.
  mutating func describe(
    _ kernel: KernelListing.Kernel, _ contraction: OpaquePointer?, _ work: [Int]
  ) {
    let bytes = schedule.traffic(kernel)
    let label: String
    var implementation = "cluster"
    var position: Int?
    switch kernel.body {
    case .clusters(let phases):
      position = phases.clusters.flatMap { $0.stores + $0.reductions }.max()
      label = zip(phases.clusters, work).map { cluster, work in
        "\(cluster.sizes.map(String.init).joined(separator: "x")): \(work) operations"
          + ", \(cluster.stores.count) stores, \(cluster.reductions.count) reductions"
      }.joined(separator: "; ")
      if phases.clusters.count > 1 { implementation = "phases:\(phases.blocks)" }
    case .scalars(let positions):
      position = positions.first
      label = "\(positions.count) numbers"
      implementation = "scalars"
    case .contraction(let sum):
      position = sum.position
      label =
        described(sum.position) + (sum.bias == nil ? "" : " + bias")
        + (sum.addend == nil ? "" : " + sum")
      implementation =
        contraction.map { String(cString: fk_contraction_implementation($0)) } ?? ""
    case .instruction(let i):
      position = i
      label = described(i)
      implementation = "copy"
    }
    descriptions.append(
      KernelDescription(
        label: label, implementation: implementation,
        path: position.map { listing.instructions[$0].path } ?? "",
        bytes: bytes, flops: contraction.map { fk_contraction_flops($0) } ?? 0))
  }

  private func described(_ i: Int) -> String {
    let instruction = listing.instructions[i]
    let inputs = instruction.inputs.map { "\(listing.instructions[$0].shape)" }
    return "\(instruction.operation.label) \(inputs.joined(separator: " ")) -> \(instruction.shape)"
  }
}

extension Primitive {
  var function: fk_function {
    switch self {
    case .unary(let function):
      switch function {
      case .negate: FK_NEGATE
      case .exp: FK_EXP
      case .expm1: FK_EXPM1
      case .log: FK_LOG
      case .log1p: FK_LOG1P
      case .sqrt: FK_SQRT
      case .reciprocal: FK_RECIPROCAL
      case .tanh: FK_TANH
      case .sin: FK_SIN
      case .cos: FK_COS
      case .abs: FK_ABS
      case .sign: FK_SIGN
      case .floor: FK_FLOOR
      case .erf: FK_ERF
      case .sigmoid: FK_SIGMOID
      case .softplus: FK_SOFTPLUS
      }
    case .binary(let function):
      switch function {
      case .add: FK_ADD
      case .subtract: FK_SUBTRACT
      case .multiply: FK_MULTIPLY
      case .divide: FK_DIVIDE
      case .maximum: FK_MAXIMUM
      case .less: FK_LESS
      }
    case .select: FK_SELECT
    default: FK_COPY
    }
  }
}

/// Lengths or strides as the kernels take them: six numbers, those beyond the rank 0.
func packed(_ values: [Int]) -> (Int64, Int64, Int64, Int64, Int64, Int64) {
  func at(_ i: Int) -> Int64 { i < values.count ? Int64(values[i]) : 0 }
  return (at(0), at(1), at(2), at(3), at(4), at(5))
}
