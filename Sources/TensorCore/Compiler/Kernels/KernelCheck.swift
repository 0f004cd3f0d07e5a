extension KernelListing: Checkable {
  /// The first kernel that reads a buffer that is not there, or other breach of what scheduling relies on.
  package var mistake: String? {
    var writer: [Buffer: KernelIndex] = [:]
    for k in kernels.indices {
      for write in kernels[k].writes {
        if writer.updateValue(k, forKey: write) != nil { return "two kernels write \(write)" }
      }
    }
    for kernel in kernels {
      if let read = kernel.reads.first(where: { writer[$0] == nil && !listing.isSource($0) }) {
        return "no kernel writes \(read), which one reads"
      }
      if let problem = mistake(in: kernel) { return problem }
    }
    if let missing = listing.liveOutBuffers.first(where: {
      writer[$0] == nil && !listing.isSource($0)
    }) {
      return "no kernel writes the live-out \(missing)"
    }
    if let half = halves.first(where: { writer[$0] == nil || listing.liveOutBuffers.contains($0) })
    {
      return "\(half) has 16 bits and is no result within a run"
    }
    return isAcyclic(writer) ? nil : "kernels wait for each other in a circle"
  }

  /// A cluster that reads or computes what it does not say it does.
  private func mistake(in kernel: Kernel) -> String? {
    guard case .clusters(let phases) = kernel.body else { return nil }
    var known = Set(kernel.reads)
    for cluster in phases.clusters {
      let reads = listing.reads(cluster)
      if let unknown = reads.first(where: { !known.contains($0) && !cluster.stores.contains($0) }) {
        return "a cluster reads \(unknown), which its kernel does not"
      }
      let inside = Set(cluster.members + cluster.loads)
      for member in cluster.members where !listing.isView(member) {
        if let unknown = listing.operands(member).first(where: { !inside.contains($0) }) {
          return "the cluster of \(member) lacks its operand \(unknown)"
        }
      }
      known.formUnion(cluster.stores + cluster.reductions)
    }
    return nil
  }

  /// True if the kernels can be run one after the other, each after those whose results it reads.
  private func isAcyclic(_ writer: [Buffer: KernelIndex]) -> Bool {
    var (pending, done): (Array, Set<KernelIndex>) = (Array(kernels.indices), [])
    while !pending.isEmpty {
      let before = pending.count
      pending.removeAll { k in
        let producers = kernels[k].reads.compactMap { writer[$0] }
        guard producers.allSatisfy({ $0 == k || done.contains($0) }) else { return false }
        done.insert(k)
        return true
      }
      if pending.count == before { return false }
    }
    return true
  }
}
