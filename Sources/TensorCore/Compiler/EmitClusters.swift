import CKernels

extension Emitter {
  /// Where the arrays that only later phases read live in a worker's local memory.
  struct LocalMemory {
    struct Place {
      var offset: Int
      /// Elements of one block.
      var blockCount: Int
    }
    var places: [Int: Place] = [:]
    var bytes = 0
  }

  func localMemory(_ phases: Phases) -> LocalMemory {
    var memory = LocalMemory()
    for local in phases.locals.sorted() {
      let blockCount = count(local) / phases.blocks
      memory.places[local] = .init(offset: memory.bytes, blockCount: blockCount)
      memory.bytes += (blockCount * 4 + 63) & ~63
    }
    return memory
  }

  /// Emits the clusters one block after another, each of the tile program that it was lowered to.
  mutating func emitClusters(
    _ phases: Phases, _ programs: [TileProgram], local: UnsafeMutableRawPointer
  ) throws {
    let memory = localMemory(phases)
    let isPhase = phases.clusters.count > 1
    let clusters = try zip(phases.clusters, programs).map { cluster, program in
      try emitted(cluster, program, isPhase, memory)
    }
    guard clusters.count > 1 else {
      append(fk_run_cluster, clusters[0], pieces: clusters[0].pieces)
      if clusters[0].splits_reduced != 0 { append(fk_run_combine, clusters[0]) }
      return
    }
    let chain = fk_chain(
      phase_count: Int32(clusters.count), phases: UnsafePointer(allocations.array(clusters)),
      blocks: Int64(phases.blocks), pieces: Int32(Swift.min(16, phases.blocks)),
      local: local.assumingMemoryBound(to: CChar.self), local_bytes: Int64(memory.bytes))
    append(fk_run_chain, chain, pieces: chain.pieces)
  }

  private func emitted(
    _ cluster: Cluster, _ program: TileProgram, _ isPhase: Bool, _ local: LocalMemory
  ) throws -> fk_cluster {
    let operations = program.operations
    var tiles = Tiles(emitter: self, local: local)
    for load in cluster.loads { try tiles.load(load) }
    for view in cluster.views { try tiles.view(view, over: cluster.sizes) }

    let stores = Set(cluster.stores)
    var lastUse: [Int: Int] = [:]
    for (at, operation) in operations.enumerated() {
      for operand in operation.operands { lastUse[operand] = at }
    }
    for reduction in program.reductions { lastUse[reduction.source] = Int.max }
    for (at, operation) in operations.enumerated() {
      try tiles.compute(operation, isStored: stores.contains(operation.result)) {
        lastUse[$0] == at
      }
      if lastUse[operation.result] == nil { tiles.release(operation.result) }
    }

    let pieces = isPhase ? (count: 1, splitsReduced: false) : piecesFor(cluster)
    let resultCount = cluster.form.outer * cluster.form.inner
    let reductions = try zip(cluster.reductions, program.reductions).map { reduction, tile in
      let source = try tiles.reducible(tile.source)
      let place = local.places[reduction]
      return fk_reduction(
        kind: tile.kind, source: source, is_local: place == nil ? 0 : 1,
        offset: Int64(place?.offset ?? 0), block_count: Int64(place?.blockCount ?? 0),
        result: place == nil ? try floats(reduction) : nil,
        partials: pieces.splitsReduced ? allocations.floats(resultCount * pieces.count) : nil)
    }
    guard tiles.slots <= scratch.slots else {
      throw TensorError("internal error: a cluster needs \(tiles.slots) tiles")
    }
    let sizes = cluster.sizes.isEmpty ? [1] : cluster.sizes
    return fk_cluster(
      rank: Int32(sizes.count), sizes: packed(sizes), outer: Int64(cluster.form.outer),
      reduced: Int64(cluster.form.reduced), inner: Int64(cluster.form.inner),
      tile: Int64(tile(sizes, slots: tiles.slots)),
      pieces: Int32(pieces.count), splits_reduced: pieces.splitsReduced ? 1 : 0,
      register_count: Int32(tiles.registers.count), operation_count: Int32(tiles.operations.count),
      reduction_count: Int32(reductions.count),
      registers: UnsafePointer(allocations.array(tiles.registers)),
      operations: UnsafePointer(allocations.array(tiles.operations)),
      reductions: UnsafePointer(allocations.array(reductions)),
      gate: try cluster.gate.map { UnsafePointer(try floats($0)) }, scratch: scratch.base,
      scratch_slots: Int32(scratch.slots))
  }

  /// Assigns registers and scratch slots to the values of a cluster.
  private struct Tiles {
    let emitter: Emitter
    let local: LocalMemory
    var registers: [fk_register] = []
    var operations: [fk_operation] = []
    var slots = 0
    private var free: [Int32] = []
    private var register: [Int: Int32] = [:]

    init(emitter: Emitter, local: LocalMemory) {
      self.emitter = emitter
      self.local = local
    }

    private var listing: Listing { emitter.listing }

    private mutating func newSlot() -> Int32 {
      if let slot = free.popLast() { return slot }
      slots += 1
      return Int32(slots - 1)
    }

    private mutating func add(_ r: fk_register) -> Int32 {
      registers.append(r)
      return Int32(registers.count - 1)
    }

    /// A register for an array, `skipped` elements into it.
    private mutating func memory(_ home: fk_home, _ array: Int, skipped: Int = 0) throws
      -> fk_register
    {
      var r = fk_register()
      r.home = home
      r.type = emitter.type(array)
      if let place = local.places[array] {
        r.is_local = 1
        r.offset = Int64(place.offset + 4 * skipped)
        r.block_count = Int64(place.blockCount)
      } else {
        r.base = try emitter.address(array) + skipped * (r.type == FK_BF16 ? 2 : 4)
      }
      return r
    }

    mutating func load(_ array: Int) throws {
      var r = try memory(FK_DENSE, array)
      if r.type == FK_BF16 { r.slot = newSlot() }
      register[array] = add(r)
    }

    mutating func view(_ view: Int, over sizes: [Int]) throws {
      let instruction = listing.instructions[view]
      let sources = instruction.inputs.map { listing.home($0) }
      if case .concatenate(let axis) = instruction.operation {
        var r = try memory(FK_JOINED, sources[0])
        r.second = UnsafeRawPointer(try emitter.address(sources[1]))
        let widths = instruction.inputs.map {
          Int64(listing.instructions[$0].shape[axis...].reduce(1, *))
        }
        (r.width, r.second_width) = (widths[0], widths[1])
        r.slot = newSlot()
        register[view] = add(r)
        return
      }
      let axes = listing.viewAxes(view)
      let skipped = listing.viewOffset(view)
      if axes.allSatisfy({ $0.stride == 0 }) {
        register[view] = add(try memory(FK_SCALAR, sources[0], skipped: skipped))
      } else if axes.count == 1 && axes[0].stride == 1 {
        var r = try memory(FK_DENSE, sources[0], skipped: skipped)
        if r.type == FK_BF16 { r.slot = newSlot() }
        register[view] = add(r)
      } else {
        var r = try memory(FK_STRIDED, sources[0], skipped: skipped)
        r.slot = newSlot()
        r.strides = packed(refined(axes, over: sizes))
        register[view] = add(r)
      }
    }

    /// A register for a result, in memory if it is stored.
    private mutating func result(_ value: Int, isStored: Bool) throws -> Int32 {
      guard isStored else {
        var r = fk_register()
        r.home = FK_SCRATCH
        r.slot = newSlot()
        return add(r)
      }
      var r = try memory(FK_DENSE, value)
      if r.type == FK_BF16 { r.slot = newSlot() }
      return add(r)
    }

    private mutating func copied(_ from: Int32) -> Int32 {
      var r = fk_register()
      r.home = FK_SCRATCH
      r.slot = newSlot()
      let to = add(r)
      operations.append(
        fk_operation(function: Int32(FK_COPY.rawValue), out: to, a: from, b: 0, c: 0))
      return to
    }

    private func isScalar(_ r: Int32) -> Bool { registers[Int(r)].home == FK_SCALAR }

    /// - Parameter isLast: Whether a value is read for the last time here.
    mutating func compute(
      _ operation: TileOperation, isStored: Bool, isLast: (Int) -> Bool
    ) throws {
      var operands = operation.operands.compactMap { register[$0] }
      guard operands.count == operation.operands.count else {
        throw TensorError(
          "internal error: %\(operation.result) reads a value that its cluster lacks")
      }
      if operation.function != FK_COPY, operands.allSatisfy({ isScalar($0) }) {
        operands[0] = copied(operands[0])
      }
      // Operands read for the last time here give their slots up, to this very result if it wants
      // one.
      for operand in Set(operation.operands) where isLast(operand) { release(operand) }
      let out = try result(operation.result, isStored: isStored)
      if operation.result != operation.operands[0] || operation.function != FK_COPY {
        register[operation.result] = out
      }
      operations.append(
        fk_operation(
          function: Int32(operation.function.rawValue), out: out, a: operands[0],
          b: operands.count > 1 ? operands[1] : 0, c: operands.count > 2 ? operands[2] : 0))
    }

    /// Gives up the slot of a value that has been computed here.
    mutating func release(_ value: Int) {
      guard let r = register[value] else { return }
      let isComputed = operations.contains { $0.out == r }
      let home = registers[Int(r)].home
      let hasSlot =
        home == FK_SCRATCH || home == FK_DENSE && registers[Int(r)].type == FK_BF16 && isComputed
      if hasSlot { free.append(registers[Int(r)].slot) }
    }

    /// A register that can be reduced.
    mutating func reducible(_ value: Int) throws -> Int32 {
      guard let r = register[value] else {
        throw TensorError("internal error: a cluster lacks %\(value), which it reduces")
      }
      return isScalar(r) ? copied(r) : r
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
  }

  /// How a cluster is cut, as a function of its shape alone.
  private func piecesFor(_ cluster: Cluster) -> (count: Int, splitsReduced: Bool) {
    let wanted = Swift.min(16, Swift.max(1, cluster.count / 16_384))
    if cluster.reductions.isEmpty { return (wanted, false) }
    if cluster.form.outer >= 4 || wanted == 1 {
      return (Swift.min(wanted, cluster.form.outer), false)
    }
    let count = Swift.min(wanted, 8, cluster.form.reduced)
    return count > 1 ? (count, true) : (1, false)
  }

  /// A whole number of the longest inner block that fits, so that tiles begin at the same phase;
  /// many tiles at once are short ones, for the first-level cache.
  private func tile(_ sizes: [Int], slots: Int) -> Int {
    let longest = slots < 9 ? Int(FK_TILE) : Int(FK_TILE) / 2
    var block = 1
    for size in sizes.reversed() {
      guard block * size <= longest else { break }
      block *= size
    }
    return block * (longest / block)
  }
}
