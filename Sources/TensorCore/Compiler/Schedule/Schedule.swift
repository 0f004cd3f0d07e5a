/// The order in which kernels run, and which variables are written in place.
package struct Schedule: Sendable {
  package typealias Kernel = KernelListing.Kernel

  package var listing: Listing
  package var kernels: Table<Kernel, Kernel>
  /// Numbers of kernels, in their order, that run side by side: none reads what another of its group writes.
  package var groups: [Int] = []
  /// Buffers of 16-bit numbers; all others have 32 bits.
  package var halves: Set<Buffer> = []
  /// The precision in which contractions multiply.
  package var precision = Precision.fp32
  /// Updates that are computed straight into their variable's memory.
  package var inPlace: [Buffer: Variable] = [:]

  /// Bytes of a buffer.
  package func bytes(_ buffer: Buffer) -> Int { listing[buffer].count * width(buffer) }

  private func width(_ buffer: Buffer) -> Int { halves.contains(buffer) ? 2 : 4 }

  /// The group of each kernel.
  var groupOfKernel: Table<Kernel, Int> {
    Table(groups.enumerated().flatMap { group, size in Array(repeating: group, count: size) })
  }

  /// Bytes that a kernel reads and writes: each buffer once, of a slice only what is in it.
  func traffic(_ kernel: Kernel) -> Int {
    var counts: [Buffer: Int] = [:]
    for buffer in kernel.reads + kernel.writes { counts[buffer] = listing[buffer].count }
    if case .clusters(let phases) = kernel.body {
      var sliced: [Buffer: Int] = [:]
      var whole = Set(kernel.writes).union(phases.clusters.flatMap(\.loads))
      for view in Set(phases.clusters.flatMap(\.views)) {
        let sources = listing.operands(view)
        if case .slice = listing[view].operation {
          sliced[sources[0], default: 0] += listing[view].count
        } else {
          whole.formUnion(sources)
        }
      }
      for (buffer, count) in sliced where !whole.contains(buffer) {
        counts[buffer] = counts[buffer].map { Swift.min($0, count) }
      }
    }
    return counts.reduce(0) { $0 + $1.value * width($1.key) }
  }
}

extension Listing {
  /// True if a kernel may write `value` to the memory from which it reads `old`: element by element, the last read
  /// no later than the write.
  package func canOverwrite(_ old: Buffer, with value: Buffer, in kernel: KernelListing.Kernel)
    -> Bool
  {
    switch kernel.body {
    case .instruction, .contraction: return false
    case .scalars: return true  // All are computed before any is stored.
    case .clusters(let phases):
      guard let at = phases.clusters.firstIndex(where: { $0.stores.contains(value) }) else {
        return false
      }
      // A phase has finished a block before the next begins it, so earlier phases may read `old`
      // wherever they read it element by element.
      for (c, cluster) in phases.clusters.enumerated() {
        let isViewed = cluster.views.contains { operands($0).contains(old) }
        let isRead =
          cluster.loads.contains(old)
          || cluster.reductions.contains { operands($0)[0] == old }
        guard !isViewed, c <= at || !isRead else { return false }
      }
      let cluster = phases.clusters[at]
      return self[old].count == cluster.count
        && !cluster.reductions.contains { operands($0)[0] == old }
        && cluster.members.allSatisfy { $0 <= value || !operands($0).contains(old) }
    }
  }
}
