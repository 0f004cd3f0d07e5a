import CKernels

/// The machine form of a program: steps with resolved addresses, and the memory they own.
struct Executable {
  var steps: [fk_step]
  /// What each step belongs to, for profiles and plans.
  var labels: [String]
  var descriptions: [KernelDescription]
  var inputs: [String: (address: UnsafeMutablePointer<Float>, count: Int)]
  var outputs: [(address: UnsafeMutablePointer<Float>, count: Int)]
  var arenaBytes: Int
  let allocations: Allocations
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

private struct Emitter {
  let schedule: Schedule
  let seed: UInt64
  let run: UnsafeMutablePointer<UInt64>
  let scratch: Scratch
  var addresses: [Int: UnsafeMutablePointer<Float>] = [:]
  let allocations = Allocations()
  var steps: [fk_step] = []
  var labels: [String] = []
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
        addresses[i] = inputs[name]?.address ?? allocations.floats(instruction.count)
        inputs[name] = addresses[i].map { ($0, instruction.count) }
      case .variable(let variable): addresses[i] = try variableAddress(variable)
      case .constant(let value): addresses[i] = allocations.array([Float(value)])
      case .literal(let values): addresses[i] = allocations.array(values.map { Float($0) })
      default: continue
      }
      external.insert(i)
    }
    for output in listing.outputs {
      let home = listing.home(output)
      if addresses[home] == nil { addresses[home] = allocations.floats(count(home)) }
      external.insert(home)
    }
    for (value, variable) in schedule.inPlace {
      addresses[value] = try variableAddress(variable)
      external.insert(value)
    }
    // The other updates are copied into their variables when all else is done, so they live until
    // then.
    var late: [(from: Int, variable: Variable)] = []
    for update in listing.updates where schedule.inPlace[listing.home(update.value)] == nil {
      let home = listing.home(update.value)
      if addresses[home] == nil { addresses[home] = allocations.floats(count(home)) }
      external.insert(home)
      late.append((home, update.variable))
    }

    let contractions = try schedule.kernels.map { try makeContraction($0, threads: threads) }
    let plan = planMemory(
      schedule, workspaces: contractions.map { $0.map { fk_contraction_workspace($0) } ?? 0 },
      external: external)
    guard plan.byteCount <= Arena.capacity else {
      throw TensorError(
        "program \(listing.name) needs \(plan.byteCount >> 30) GiB of scratch memory")
    }
    for (value, offset) in plan.offsets {
      addresses[value] = (arena.base + offset).assumingMemoryBound(to: Float.self)
    }
    for (k, kernel) in schedule.kernels.enumerated() {
      let first = steps.count
      switch kernel.body {
      case .cluster(let cluster): try emitCluster(cluster)
      case .scalars(let positions): try emitScalars(positions)
      case .instruction(let i):
        if let contraction = contractions[k] {
          try emitContraction(contraction, i, arena.base + plan.workspaces[k])
        } else {
          try emitInstruction(i)
        }
      }
      describe(kernel, contractions[k])
      for _ in first..<steps.count { labels.append(descriptions[descriptions.count - 1].label) }
    }
    for (from, variable) in late {
      append(
        fk_run_copy,
        try copy(
          [count(from)], from: address(from), [1], to: try variableAddress(variable), [1], pieces: 1
        ))
      labels.append("copy to \(variable.name)")
    }
    return Executable(
      steps: steps, labels: labels, descriptions: descriptions, inputs: inputs,
      outputs: try listing.outputs.map { (try address(listing.home($0)), count($0)) },
      arenaBytes: plan.byteCount, allocations: allocations)
  }

  func address(_ i: Int) throws -> UnsafeMutablePointer<Float> {
    guard let address = addresses[i] else {
      throw TensorError("internal error: %\(i) of program \(listing.name) has no memory")
    }
    return address
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

  // MARK: Clusters

  mutating func emitCluster(_ cluster: Cluster) throws {
    var registers: [fk_register] = []
    var operations: [fk_operation] = []
    var register: [Int: Int32] = [:]
    var slots = 0
    var free: [Int32] = []

    func add(
      _ home: fk_home, base: UnsafeMutablePointer<Float>?, slot: Int32 = 0, strides: [Int] = []
    ) -> Int32 {
      registers.append(fk_register(home: home, slot: slot, base: base, strides: packed(strides)))
      return Int32(registers.count - 1)
    }
    func newSlot() -> Int32 {
      if let slot = free.popLast() { return slot }
      slots += 1
      return Int32(slots - 1)
    }

    for load in cluster.loads { register[load] = add(FK_DENSE, base: try address(load)) }
    for view in cluster.views {
      let source =
        try address(listing.home(listing.instructions[view].inputs[0])) + listing.viewOffset(view)
      let axes = listing.viewAxes(view)
      if axes.allSatisfy({ $0.stride == 0 }) {
        register[view] = add(FK_SCALAR, base: source)
      } else if axes.count == 1 && axes[0].stride == 1 {
        register[view] = add(FK_DENSE, base: source)
      } else {
        register[view] = add(
          FK_STRIDED, base: source, slot: newSlot(), strides: refined(axes, over: cluster.sizes))
      }
    }

    let stores = Set(cluster.stores)
    var lastUse: [Int: Int] = [:]
    for (at, member) in cluster.members.enumerated() where !listing.isView(member) {
      for input in listing.instructions[member].inputs { lastUse[listing.home(input)] = at }
    }
    for reduction in cluster.reductions {
      lastUse[listing.home(listing.instructions[reduction].inputs[0])] = Int.max
    }
    func copied(_ from: Int32) -> Int32 {
      let to = add(FK_SCRATCH, base: nil, slot: newSlot())
      operations.append(
        fk_operation(function: Int32(FK_COPY.rawValue), out: to, a: from, b: 0, c: 0))
      return to
    }

    for (at, member) in cluster.members.enumerated() {
      let instruction = listing.instructions[member]
      if listing.isView(member) {
        guard stores.contains(member), let view = register[member] else { continue }
        let out = add(FK_DENSE, base: try address(member))
        operations.append(
          fk_operation(function: Int32(FK_COPY.rawValue), out: out, a: view, b: 0, c: 0))
        continue
      }
      let inputs = instruction.inputs.map { listing.home($0) }
      var operands = inputs.compactMap { register[$0] }
      guard operands.count == inputs.count else {
        throw TensorError("internal error: %\(member) reads a value that its cluster lacks")
      }
      if operands.allSatisfy({ registers[Int($0)].home == FK_SCALAR }) {
        operands[0] = copied(operands[0])
      }
      // Operands read for the last time here give their slots up, to this very result if it wants
      // one.
      for input in Set(inputs) where lastUse[input] == at {
        guard let r = register[input], registers[Int(r)].home == FK_SCRATCH else { continue }
        free.append(registers[Int(r)].slot)
      }
      let out =
        stores.contains(member)
        ? add(FK_DENSE, base: try address(member)) : add(FK_SCRATCH, base: nil, slot: newSlot())
      register[member] = out
      operations.append(
        fk_operation(
          function: Int32(instruction.operation.function.rawValue), out: out, a: operands[0],
          b: operands.count > 1 ? operands[1] : 0, c: operands.count > 2 ? operands[2] : 0))
    }

    let pieces = piecesFor(cluster)
    var reductions: [fk_reduction] = []
    var resultCount = 0
    for reduction in cluster.reductions {
      let source = listing.home(listing.instructions[reduction].inputs[0])
      guard var r = register[source] else {
        throw TensorError("internal error: %\(reduction) reduces a value that its cluster lacks")
      }
      if registers[Int(r)].home == FK_SCALAR { r = copied(r) }
      resultCount = cluster.form.outer * cluster.form.inner
      let isSum = if case .sum = listing.instructions[reduction].operation { true } else { false }
      reductions.append(
        fk_reduction(
          kind: isSum ? FK_SUM : FK_MAX, source: r, result: try address(reduction),
          partials: pieces.splitsReduced ? allocations.floats(resultCount * pieces.count) : nil))
    }
    guard slots <= scratch.slots else {
      throw TensorError("internal error: a cluster needs \(slots) tiles")
    }

    var sizes = cluster.sizes
    if sizes.isEmpty { sizes = [1] }
    let c = fk_cluster(
      rank: Int32(sizes.count), sizes: packed(sizes), outer: Int64(cluster.form.outer),
      reduced: Int64(cluster.form.reduced), inner: Int64(cluster.form.inner),
      tile: Int64(tile(sizes)),
      pieces: Int32(pieces.count), splits_reduced: pieces.splitsReduced ? 1 : 0,
      register_count: Int32(registers.count), operation_count: Int32(operations.count),
      reduction_count: Int32(reductions.count),
      registers: UnsafePointer(allocations.array(registers)),
      operations: UnsafePointer(allocations.array(operations)),
      reductions: UnsafePointer(allocations.array(reductions)), scratch: scratch.base,
      scratch_slots: Int32(scratch.slots))
    append(fk_run_cluster, c, pieces: c.pieces)
    if pieces.splitsReduced { append(fk_run_combine, c) }
  }

  /// How a cluster is cut, as a function of its shape alone.
  func piecesFor(_ cluster: Cluster) -> (count: Int, splitsReduced: Bool) {
    let wanted = Swift.min(16, Swift.max(1, cluster.count / 16_384))
    if cluster.reductions.isEmpty { return (wanted, false) }
    if cluster.form.outer >= 4 || wanted == 1 {
      return (Swift.min(wanted, cluster.form.outer), false)
    }
    let count = Swift.min(wanted, 8, cluster.form.reduced)
    return count > 1 ? (count, true) : (1, false)
  }

  /// A whole number of the longest inner block that fits, so that tiles begin at the same phase.
  func tile(_ sizes: [Int]) -> Int {
    var block = 1
    for size in sizes.reversed() where block * size <= Int(FK_TILE) { block *= size }
    return block * (Int(FK_TILE) / block)
  }

  /// Strides of a view along the cluster's axes, which are at least as fine as its own.
  func refined(_ axes: [(size: Int, stride: Int)], over sizes: [Int]) -> [Int] {
    var strides = [Int](repeating: 0, count: sizes.count)
    var axis = axes.count - 1
    var within = 1
    for i in sizes.indices.reversed() where axis >= 0 {
      strides[i] = axes[axis].stride * within
      within *= sizes[i]
      if within == axes[axis].size { (axis, within) = (axis - 1, 1) }
    }
    return strides
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
        v.memory = UnsafePointer(try address(i))
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
      v.store = addresses[position]
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
    guard case .instruction(let i) = kernel.body, let shape = contractionShape(i) else {
      return nil
    }
    var message = [CChar](repeating: 0, count: 256)
    let made = withUnsafePointer(to: shape) { fk_contraction_create($0, Int32(threads), &message) }
    guard let made else {
      let text = String(
        decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw TensorError("\(listing.instructions[i].operation.label): \(text)")
    }
    allocations.onRelease { fk_contraction_destroy(made) }
    return made
  }

  func contractionShape(_ i: Int) -> fk_contraction_shape? {
    let instruction = listing.instructions[i]
    let x = instruction.inputs.map { listing.instructions[$0].shape }
    let y = instruction.shape
    var s = fk_contraction_shape()
    func convolution(_ c: Convolution, _ image: [Int], _ filter: [Int], _ output: [Int]) {
      (s.images, s.height, s.width, s.channels) = (
        Int64(image[0]), Int64(image[1]), Int64(image[2]), Int64(image[3])
      )
      (s.filter_height, s.filter_width, s.out_channels) = (
        Int64(filter[0]), Int64(filter[1]), Int64(filter[3])
      )
      (s.out_height, s.out_width) = (Int64(output[1]), Int64(output[2]))
      (s.stride, s.padding) = (Int32(c.stride), Int32(c.padding))
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
    _ contraction: OpaquePointer, _ i: Int, _ workspace: UnsafeMutableRawPointer
  ) throws {
    let inputs = listing.instructions[i].inputs.map { listing.home($0) }
    fk_contraction_bind(
      contraction, try address(inputs[0]), try address(inputs[1]), try address(i), workspace)
    var found = [fk_step](
      repeating: fk_step(run: { _, _, _ in }, arguments: UnsafeRawPointer(workspace), pieces: 0),
      count: 8)
    var names = [UnsafePointer<CChar>](
      repeating: fk_contraction_implementation(contraction), count: 8)
    let count = fk_contraction_steps(contraction, &found, &names)
    steps += found.prefix(Int(count))
  }

  // MARK: Movement, rows and draws

  func copy(
    _ sizes: [Int], from: UnsafeMutablePointer<Float>, _ fromStrides: [Int],
    to: UnsafeMutablePointer<Float>,
    _ toStrides: [Int], pieces: Int
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
      rank: Int32(axes.count), sizes: packed(axes.map(\.size)),
      from_strides: packed(axes.map(\.from)),
      to_strides: packed(axes.map(\.to)), from: UnsafePointer(from), to: to,
      pieces: Int32(Swift.max(1, Swift.min(pieces, axes[0].size))))
  }

  func pieces(_ count: Int) -> Int { Swift.min(16, Swift.max(1, count / 16_384)) }

  mutating func emitInstruction(_ i: Int) throws {
    let instruction = listing.instructions[i]
    let inputs = instruction.inputs.map { listing.home($0) }
    let shapes = instruction.inputs.map { listing.instructions[$0].shape }
    let (shape, out) = (instruction.shape, try address(i))
    let parts = pieces(instruction.count)
    func place(_ part: Int, _ partShape: [Int], at start: [Int]) throws -> fk_copy {
      let offset = zip(start, shape.strides).map(*).reduce(0, +)
      return try copy(
        partShape, from: try address(part), partShape.strides, to: out + offset, shape.strides,
        pieces: parts)
    }
    switch instruction.operation {
    case .transpose(let axes):
      let c = try copy(
        shape, from: try address(inputs[0]), axes.map { shapes[0].strides[$0] }, to: out,
        shape.strides, pieces: parts)
      append(fk_run_copy, c, pieces: c.pieces)
    case .slice(let starts):
      let offset = zip(starts, shapes[0].strides).map(*).reduce(0, +)
      let c = try copy(
        shape, from: try address(inputs[0]) + offset, shapes[0].strides, to: out, shape.strides,
        pieces: parts)
      append(fk_run_copy, c, pieces: c.pieces)
    case .pad(let before):
      append(
        fk_run_fill,
        fk_fill(to: out, count: Int64(instruction.count), value: 0, pieces: Int32(parts)),
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
    case .gather:
      let width = shapes[0].dropFirst().reduce(1, *)
      let parts = Swift.min(parts, Swift.max(1, instruction.count / width))
      append(
        fk_run_gather,
        fk_gather(
          table: try address(inputs[0]), rows: try address(inputs[1]), to: out,
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
          table: table.address, rows: try address(inputs[0]), to: out,
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
          values: try address(inputs[0]), rows: try address(inputs[1]), table: out,
          table_rows: Int64(shape[0]),
          row_count: Int64(count(inputs[1])), width: Int64(width), pieces: Int32(parts)),
        pieces: Int32(parts))
    case .draw(let distribution, _):
      let rows = inputs.isEmpty ? 1 : shape[0]
      let parts = inputs.isEmpty ? parts : Swift.min(parts, rows)
      append(
        fk_run_draw,
        fk_draw(
          distribution: distribution == .normal ? FK_NORMAL : FK_UNIFORM, out: out,
          keys: try inputs.first.map { UnsafePointer(try address($0)) }, rows: Int64(rows),
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
          dimension: Int64(dimension), concentration: try address(inputs[0]),
          keys: try inputs.dropFirst().first.map { UnsafePointer(try address($0)) }, out: out,
          rows: Int64(rows), width: Int64(instruction.count / rows), seed: seed,
          site: instruction.site, run: UnsafePointer(run), pieces: Int32(parts)),
        pieces: Int32(parts))
    case .special(let function):
      // About a microsecond each.
      let parts = Swift.min(16, Swift.max(1, instruction.count / 64))
      append(
        fk_run_special,
        fk_special(
          function: function.kernel, parameter: function.parameter, a: try address(inputs[0]),
          b: try inputs.dropFirst().first.map { UnsafePointer(try address($0)) }, out: out,
          count: Int64(instruction.count), pieces: Int32(parts)),
        pieces: Int32(parts))
    default:
      throw TensorError("internal error: \(instruction.operation.label) has no kernel")
    }
  }

  // MARK: Descriptions

  mutating func describe(_ kernel: KernelListing.Kernel, _ contraction: OpaquePointer?) {
    let arrays = Set(kernel.reads + kernel.writes)
    let bytes = arrays.reduce(0) { $0 + count($1) * 4 }
    let label: String
    var implementation = "cluster"
    var position: Int?
    switch kernel.body {
    case .cluster(let cluster):
      position = (cluster.stores + cluster.reductions).max()
      let work = cluster.members.count - cluster.views.count
      label =
        "\(cluster.sizes) \(work) operations, \(cluster.stores.count) stores, \(cluster.reductions.count) reductions"
    case .scalars(let positions):
      position = positions.first
      label = "\(positions.count) numbers"
      implementation = "scalars"
    case .instruction(let i):
      position = i
      let inputs = listing.instructions[i].inputs.map { "\(listing.instructions[$0].shape)" }
      label =
        "\(listing.instructions[i].operation.label) \(inputs.joined(separator: " ")) -> \(listing.instructions[i].shape)"
      implementation =
        contraction.map { String(cString: fk_contraction_implementation($0)) } ?? "copy"
    }
    descriptions.append(
      KernelDescription(
        label: label, implementation: implementation,
        path: position.map { listing.instructions[$0].path } ?? "",
        bytes: bytes, flops: contraction.map { fk_contraction_flops($0) } ?? 0))
  }
}

extension Primitive {
  fileprivate var function: fk_function {
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
private func packed(_ values: [Int]) -> (Int64, Int64, Int64, Int64, Int64, Int64) {
  func at(_ i: Int) -> Int64 { i < values.count ? Int64(values[i]) : 0 }
  return (at(0), at(1), at(2), at(3), at(4), at(5))
}
