import CKernels

extension Emitter {
  /// The places of buffers that only later phases read, in a worker's local memory.
  struct LocalMemory {
    struct Place {
      var offset: Int
      /// Elements of one block.
      var blockCount: Int
    }
    var places: [Buffer: Place] = [:]
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

  /// Emits the clusters one block after another.
  mutating func emitClusters(_ phases: Phases, local: UnsafeMutableRawPointer) throws {
    let memory = localMemory(phases)
    let isPhase = phases.clusters.count > 1
    let clusters = try phases.clusters.map { try emitted($0, isPhase, memory) }
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

  private func emitted(_ cluster: Cluster, _ isPhase: Bool, _ local: LocalMemory) throws
    -> fk_cluster
  {
    var tiles = TileAllocation(emitter: self, local: local)
    try tiles.assign(cluster)
    let pieces = isPhase ? CutPieces(count: 1, splitsReduced: false) : CutPieces(cluster)
    let reductions = try zip(cluster.reductions, cluster.tiles.reductions).map {
      try reduction($0, $1, cluster.form, pieces, local.places[$0], &tiles)
    }
    guard tiles.slots <= surroundings.scratch.slots else {
      throw TensorError("internal error: a cluster needs \(tiles.slots) tiles")
    }
    let sizes = cluster.sizes.isEmpty ? [1] : cluster.sizes
    return fk_cluster(
      rank: Int32(sizes.count), sizes: packed(sizes), outer: Int64(cluster.form.outer),
      reduced: Int64(cluster.form.reduced), inner: Int64(cluster.form.inner),
      tile: Int64(tileLength(sizes, slots: tiles.slots)),
      pieces: Int32(pieces.count), splits_reduced: pieces.splitsReduced ? 1 : 0,
      register_count: Int32(tiles.registers.count), operation_count: Int32(tiles.operations.count),
      reduction_count: Int32(reductions.count),
      registers: UnsafePointer(allocations.array(tiles.registers)),
      operations: UnsafePointer(allocations.array(tiles.operations)),
      reductions: UnsafePointer(allocations.array(reductions)),
      gate: try cluster.gate.map { UnsafePointer(try floats($0)) },
      scratch: surroundings.scratch.base, scratch_slots: Int32(surroundings.scratch.slots))
  }

  private func reduction(
    _ buffer: Buffer, _ tile: TileReduction, _ form: ReductionForm, _ pieces: CutPieces,
    _ place: LocalMemory.Place?, _ tiles: inout TileAllocation
  ) throws -> fk_reduction {
    let kind: fk_reduction_kind =
      switch tile.kind {
      case .sum: FK_SUM
      case .maximum: FK_MAX
      case .sumOfSquares: FK_SUM_OF_SQUARES
      }
    return fk_reduction(
      kind: kind, source: try tiles.reducible(tile.source), is_local: place == nil ? 0 : 1,
      offset: Int64(place?.offset ?? 0), block_count: Int64(place?.blockCount ?? 0),
      result: place == nil ? try floats(buffer) : nil,
      partials: pieces.splitsReduced
        ? allocations.floats(form.outer * form.inner * pieces.count) : nil)
  }

  /// A whole number of the longest inner block that fits, so that tiles begin at the same phase;
  /// many tiles at once are short ones, for the first-level cache.
  private func tileLength(_ sizes: [Int], slots: Int) -> Int {
    let longest = slots < 9 ? Int(FK_TILE) : Int(FK_TILE) / 2
    var block = 1
    for size in sizes.reversed() {
      guard block * size <= longest else { break }
      block *= size
    }
    return block * (longest / block)
  }
}

/// The pieces that threads take of a cluster: a function of its shape alone, so that results do not depend on the
/// number of threads.
struct CutPieces {
  let count: Int
  /// True if the pieces cut through the reduced axis, so that partial results have to be combined.
  let splitsReduced: Bool

  init(count: Int, splitsReduced: Bool) {
    (self.count, self.splitsReduced) = (count, splitsReduced)
  }

  init(_ cluster: Cluster) {
    let wanted = Swift.min(16, Swift.max(1, cluster.count / 16_384))
    if cluster.reductions.isEmpty {
      self.init(count: wanted, splitsReduced: false)
    } else if cluster.form.outer >= 4 || wanted == 1 {
      self.init(count: Swift.min(wanted, cluster.form.outer), splitsReduced: false)
    } else {
      let count = Swift.min(wanted, 8, cluster.form.reduced)
      self.init(count: count, splitsReduced: count > 1)
    }
  }
}
