import CKernels

/// Assigns registers and scratch slots to the tiles of a cluster.
struct TileAllocation {
  /// The index of a register of the kernel, and of a tile of scratch memory.
  private struct Register: Hashable { let index: Int32 }
  private struct Slot { let index: Int32 }

  private let emitter: Emitter
  private let local: Emitter.LocalMemory
  private(set) var registers: [fk_register] = []
  private(set) var operations: [fk_operation] = []
  private(set) var slots = 0
  private var free: [Slot] = []
  private var registerOf: [Buffer: Register] = [:]
  private var computed: Set<Register> = []

  init(emitter: Emitter, local: Emitter.LocalMemory) {
    (self.emitter, self.local) = (emitter, local)
  }

  private var listing: Listing { emitter.listing }

  /// Assigns all of a cluster's loads, views and operations, which take a slot over after its last use.
  mutating func assign(_ cluster: Cluster) throws {
    for load in cluster.loads { try self.load(load) }
    for view in cluster.views { try self.view(view, over: cluster.sizes) }

    let stores = Set(cluster.stores)
    var lastUse: [Buffer: Int] = [:]
    for (at, operation) in cluster.tiles.operations.enumerated() {
      for operand in operation.operands { lastUse[operand] = at }
    }
    for reduction in cluster.tiles.reductions { lastUse[reduction.source] = Int.max }
    for (at, operation) in cluster.tiles.operations.enumerated() {
      try compute(operation, isStored: stores.contains(operation.result)) { lastUse[$0] == at }
      if lastUse[operation.result] == nil { release(operation.result) }
    }
  }

  // MARK: Registers

  private mutating func newSlot() -> Slot {
    if let slot = free.popLast() { return slot }
    slots += 1
    return Slot(index: Int32(slots - 1))
  }

  private mutating func add(_ register: fk_register) -> Register {
    registers.append(register)
    return Register(index: Int32(registers.count - 1))
  }

  private subscript(register: Register) -> fk_register { registers[Int(register.index)] }

  /// A register in scratch memory.
  private mutating func scratch() -> Register {
    var r = fk_register()
    r.home = FK_SCRATCH
    r.slot = newSlot().index
    return add(r)
  }

  /// A register for a buffer, `skipped` elements into it.
  private func memory(_ home: fk_home, _ buffer: Buffer, skipped: Int = 0) throws -> fk_register {
    var r = fk_register()
    r.home = home
    r.type = emitter.type(buffer)
    if let place = local.places[buffer] {
      r.is_local = 1
      r.offset = Int64(place.offset + 4 * skipped)
      r.block_count = Int64(place.blockCount)
    } else {
      r.base = try emitter.address(buffer) + skipped * (r.type == FK_BF16 ? 2 : 4)
    }
    return r
  }

  /// A register for a buffer that is read or written element by element; one of 16 bits is converted in a slot.
  private mutating func dense(_ buffer: Buffer, skipped: Int = 0) throws -> Register {
    var r = try memory(FK_DENSE, buffer, skipped: skipped)
    if r.type == FK_BF16 { r.slot = newSlot().index }
    return add(r)
  }

  private mutating func load(_ buffer: Buffer) throws { registerOf[buffer] = try dense(buffer) }

  private mutating func view(_ view: Buffer, over sizes: [Int]) throws {
    let sources = listing.operands(view)
    if case .concatenate(let axis) = listing[view].operation {
      var r = try memory(FK_JOINED, sources[0])
      r.second = UnsafeRawPointer(try emitter.address(sources[1]))
      let widths = listing[view].inputs.map { Int64(listing[$0].shape[axis...].reduce(1, *)) }
      (r.width, r.second_width) = (widths[0], widths[1])
      r.slot = newSlot().index
      registerOf[view] = add(r)
      return
    }
    let axes = listing.viewAxes(view)
    let skipped = listing.viewOffset(view)
    if axes.allSatisfy({ $0.stride == 0 }) {
      registerOf[view] = add(try memory(FK_SCALAR, sources[0], skipped: skipped))
    } else if axes.count == 1 && axes[0].stride == 1 {
      registerOf[view] = try dense(sources[0], skipped: skipped)
    } else {
      var r = try memory(FK_STRIDED, sources[0], skipped: skipped)
      r.slot = newSlot().index
      r.strides = packed(refined(axes, over: sizes))
      registerOf[view] = add(r)
    }
  }

  /// Strides of a view along the cluster's axes, which are at least as fine as its own.
  private func refined(_ axes: [(size: Int, stride: Int)], over sizes: [Int]) -> [Int] {
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

  // MARK: Operations

  private mutating func append(_ function: TileFunction, _ out: Register, _ operands: [Register]) {
    let x = operands.map(\.index) + [0, 0]
    operations.append(
      fk_operation(
        function: Int32(function.kernel.rawValue), out: out.index, a: x[0], b: x[1],
        c: operands.count > 2 ? x[2] : 0))
    computed.insert(out)
  }

  private mutating func copied(_ from: Register) -> Register {
    let to = scratch()
    append(.copy, to, [from])
    return to
  }

  private func isScalar(_ register: Register) -> Bool { self[register].home == FK_SCALAR }

  /// - Parameter isLast: Returns true if this operation is the last to read a tile.
  private mutating func compute(
    _ operation: TileOperation, isStored: Bool, isLast: (Buffer) -> Bool
  ) throws {
    var operands = operation.operands.compactMap { registerOf[$0] }
    guard operands.count == operation.operands.count else {
      throw TensorError(
        "internal error: \(operation.result) reads a tile that its cluster lacks")
    }
    if operation.function != .copy, operands.allSatisfy({ isScalar($0) }) {
      operands[0] = copied(operands[0])
    }
    // Operands read for the last time here give their slots up, to this very result if it wants
    // one.
    for operand in Set(operation.operands).sorted() where isLast(operand) { release(operand) }
    let out = isStored ? try dense(operation.result) : scratch()
    if operation.result != operation.operands[0] || operation.function != .copy {
      registerOf[operation.result] = out
    }
    append(operation.function, out, operands)
  }

  /// Gives up the slot of a tile that has been computed here.
  private mutating func release(_ tile: Buffer) {
    guard let register = registerOf[tile] else { return }
    let r = self[register]
    let hasSlot =
      r.home == FK_SCRATCH
      || r.home == FK_DENSE && r.type == FK_BF16 && computed.contains(register)
    if hasSlot { free.append(Slot(index: r.slot)) }
  }

  /// The index of a register that can be reduced.
  mutating func reducible(_ tile: Buffer) throws -> Int32 {
    guard let register = registerOf[tile] else {
      throw TensorError("internal error: a cluster lacks \(tile), which it reduces")
    }
    return (isScalar(register) ? copied(register) : register).index
  }
}
