extension Fusion {
  /// Lets clusters that read each other's results run block by block of examples, so that what one
  /// leaves in the cache the next finds there: a normalization reads its input from memory once.
  ///
  /// Both must treat examples alike, and no path may lead out of the pair and back.
  mutating func formPhases() {
    sortUnits()
    var graph = UnitGraph(units: units, producer: producer)
    var merged = [Bool](repeating: false, count: units.count)
    for u in units.indices where units[u].phases != nil {
      while true {
        let candidates = Set(units[u].reads.compactMap { producer[$0] }).subtracting([u])
        var found: (Int, Unit)?
        for c in candidates.sorted(by: >) where found == nil && graph.canMerge(c, u) {
          found = joined(c, u).map { (c, $0) }
        }
        guard let (c, together) = found else { break }
        graph.merge(c, into: u)
        merged[c] = true
        units[u] = together
        for write in together.writes { producer[write] = u }
      }
    }
    units = units.indices.filter { !merged[$0] }.map { units[$0] }
  }

  /// Two units as phases of one, the first before the second, or nil if they do not fit.
  private func joined(_ first: Int, _ second: Int) -> Unit? {
    guard let a = units[first].phases, let b = units[second].phases else { return nil }
    let clusters = a.clusters + b.clusters
    let rows = clusters.reduce(0) { gcd($0, examples($1)) }
    let writes = units[first].writes.union(units[second].writes)
    guard rows > 1, clusters.count <= maximumPhases,
      clusters.allSatisfy({ treatsAlike($0, rows: rows, writes) })
    else { return nil }
    // What all phases touch of one example.
    let touched = clusters.reduce(writes) { $0.union(reads($1)) }
    let bytes = touched.reduce(0) { $0 + 4 * count($1) } / rows
    guard bytes <= maximumBytes else { return nil }
    var phases = Phases(clusters: clusters, blocks: rows)
    // As many examples a block as fit the cache, but enough blocks for every worker.
    for share in 2...Swift.max(2, rows / 16)
    where rows % share == 0 && bytes * share <= comfortableBytes {
      phases.blocks = rows / share
    }
    var unit = Unit(phases: phases, positions: units[first].positions + units[second].positions)
    unit.writes = writes
    unit.reads = units[first].reads.union(units[second].reads).subtracting(writes)
    return unit
  }

  private var maximumPhases: Int { 24 }
  // Of a second-level cache of two megabytes.
  private var maximumBytes: Int { 1_600_000 }
  private var comfortableBytes: Int { 256_000 }

  /// The length of the axis that a cluster can be cut along.
  private func examples(_ cluster: Cluster) -> Int {
    let sample =
      cluster.stores.first ?? cluster.reductions.first.map { operands[$0][0] } ?? cluster.loads[0]
    let outermost = listing.instructions[sample].shape.first { $0 > 1 } ?? 1
    return cluster.reductions.isEmpty ? outermost : gcd(outermost, cluster.form.outer)
  }

  /// Whether each of `rows` equal parts of the cluster's space needs no more of what the others
  /// write than the same part of it.
  private func treatsAlike(_ cluster: Cluster, rows: Int, _ written: Set<Int>) -> Bool {
    guard cluster.count % rows == 0, cluster.reductions.isEmpty || cluster.form.outer % rows == 0
    else { return false }
    return cluster.views.allSatisfy { view in
      let sources = operands[view]
      guard !written.isDisjoint(with: sources) else { return true }
      if case .concatenate(let axis) = listing.instructions[view].operation {
        return listing.instructions[view].shape[..<axis].reduce(1, *) % rows == 0
      }
      guard let outer = listing.viewAxes(view).first, outer.size % rows == 0 else { return false }
      return outer.size / rows * outer.stride * rows == count(sources[0])
    }
  }
}

private func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }
