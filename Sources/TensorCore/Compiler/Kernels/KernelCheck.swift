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

  private func isAcyclic(_ writer: [Buffer: KernelIndex]) -> Bool {
    var waiting = kernels.indices.map { k in
      Set(kernels[k].reads.compactMap { writer[$0] }.filter { $0 != k }).count
    }
    var readers: [KernelIndex: [KernelIndex]] = [:]
    for k in kernels.indices {
      for w in Set(kernels[k].reads.compactMap { writer[$0] }) where w != k {
        readers[w, default: []].append(k)
      }
    }
    var ready = kernels.indices.filter { waiting[$0.offset] == 0 }
    var done = 0
    while let k = ready.popLast() {
      done += 1
      for reader in readers[k] ?? [] {
        waiting[reader.offset] -= 1
        if waiting[reader.offset] == 0 { ready.append(reader) }
      }
    }
    return done == kernels.count
  }
}
