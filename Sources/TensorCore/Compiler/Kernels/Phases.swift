/// Runs clusters that read each other's results block by block of examples, so that the next finds in the
/// cache the results of the one before: a normalization reads its input from memory once.
///
/// Both must keep examples apart, and no path may lead out of the pair and back.
func formPhases(_ kernels: KernelListing, _ caches: CacheSizes) -> KernelListing {
  let fusion = PhaseFusion(listing: kernels.listing, caches: caches)
  var graph = KernelGraph(kernels.kernels)
  for k in graph.kernels.indices {
    while case .clusters = graph.kernels[k].body {
      var found: (KernelIndex, KernelListing.Kernel)?
      for c in graph.producers(of: graph.kernels[k], except: k).sorted(by: >)
      where found == nil && graph.canMerge(c, k) {
        found = fusion.joined(graph.kernels[c], graph.kernels[k]).map { (c, $0) }
      }
      guard let (c, joined) = found else { break }
      graph.merge(c, into: k, as: joined)
    }
  }
  var result = kernels
  result.kernels = graph.remaining
  return result
}

private struct PhaseFusion {
  let listing: Listing
  let caches: CacheSizes

  let maximumPhases = 24

  /// Two kernels as phases of one, the first before the second, or nil if they do not fit.
  func joined(_ first: KernelListing.Kernel, _ second: KernelListing.Kernel)
    -> KernelListing.Kernel?
  {
    guard case .clusters(let a) = first.body, case .clusters(let b) = second.body else {
      return nil
    }
    let clusters = a.clusters + b.clusters
    let rows = clusters.reduce(0) { gcd($0, examples($1)) }
    let writes = Set(first.writes + second.writes)
    // A sum that threads would split is rounded otherwise in a phase, and caches must not decide that.
    guard rows > 1, clusters.count <= maximumPhases,
      !clusters.contains(where: { CutPieces($0).splitsReduced }),
      clusters.allSatisfy({ keepsApart($0, rows: rows, writes) })
    else { return nil }
    // The bytes that all phases touch of one example.
    let touched = clusters.reduce(writes) { $0.union(listing.reads($1)) }
    let bytes = touched.reduce(0) { $0 + 4 * listing[$1].count } / rows
    guard bytes <= caches.phaseBytes else { return nil }
    var phases = Phases(clusters: clusters, blocks: rows)
    // As many examples a block as fit the cache, but enough blocks for every worker.
    for share in 2...Swift.max(2, rows / 16)
    where rows % share == 0 && bytes * share <= caches.blockBytes {
      phases.blocks = rows / share
    }
    return KernelListing.Kernel(
      body: .clusters(phases),
      reads: Set(first.reads + second.reads).subtracting(writes).sorted(), writes: writes.sorted())
  }

  /// The length of the axis that a cluster can be cut along.
  private func examples(_ cluster: Cluster) -> Int {
    let sample =
      cluster.stores.first ?? cluster.reductions.first.map { listing.operands($0)[0] }
      ?? cluster.loads[0]
    let outermost = listing[sample].shape.first { $0 > 1 } ?? 1
    return cluster.reductions.isEmpty ? outermost : gcd(outermost, cluster.form.outer)
  }

  /// True if each of `rows` equal parts of the cluster's space depends on the same part of the written buffers
  /// and on no other.
  private func keepsApart(_ cluster: Cluster, rows: Int, _ written: Set<Buffer>) -> Bool {
    guard cluster.count % rows == 0, cluster.reductions.isEmpty || cluster.form.outer % rows == 0
    else { return false }
    let parts = EqualParts(count: rows)
    return cluster.views.allSatisfy { view in
      let instruction = listing[view]
      return parts.correspond(
        instruction.operation, instruction.shape, of: instruction.inputs.map { listing[$0].shape },
        isDependent: listing.operands(view).map { written.contains($0) })
    }
  }
}

private func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }
