/// The order in which kernels run, and which variables are written in place.
package struct Schedule: Sendable {
  package var listing: Listing
  package var kernels: [KernelListing.Kernel]
  /// Updates whose value is computed straight into the variable's memory: value to variable.
  package var inPlace: [Int: Variable]
}

/// Orders the kernels so that each time the ready one that frees most memory runs, the earliest
/// among equals.
///
/// A variable is written after every read of its old value.
package func order(_ fused: KernelListing) -> Schedule {
  let (listing, kernels) = (fused.listing, fused.kernels)
  var producer: [Int: Int] = [:]
  var readers: [Int: [Int]] = [:]
  for (k, kernel) in kernels.enumerated() {
    for write in kernel.writes { producer[write] = k }
    for read in kernel.reads { readers[read, default: []].append(k) }
  }
  var variables: [Variable: Int] = [:]
  for (i, instruction) in listing.instructions.enumerated() {
    if case .variable(let variable) = instruction.operation { variables[variable] = i }
  }

  var waiting = [Int](repeating: 0, count: kernels.count)
  var successors = [[Int]](repeating: [], count: kernels.count)
  for (k, kernel) in kernels.enumerated() {
    for p in Set(kernel.reads.compactMap { producer[$0] }) {
      successors[p].append(k)
      waiting[k] += 1
    }
  }
  var inPlace: [Int: Variable] = [:]
  // By kernel: what it waits for only to write in place.
  var held: [Int: [(value: Int, edges: Int)]] = [:]
  for update in listing.updates {
    let value = listing.home(update.value)
    guard let k = producer[value] else { continue }
    let old = variables[update.variable]
    guard
      old.map({ listing.canOverwrite($0, with: value, in: kernels[k]) }) ?? kernels[k].isElementwise
    else {
      continue
    }
    inPlace[value] = update.variable
    var edges = 0
    for reader in old.flatMap({ readers[$0] }) ?? [] where reader != k {
      successors[reader].append(k)
      edges += 1
    }
    waiting[k] += edges
    held[k, default: []].append((value, edges))
  }

  let kept = Set(listing.roots.map { listing.home($0) })
  var pendingReads = readers.mapValues(\.count)
  func gain(_ k: Int) -> Int {
    var bytes = 0
    for read in kernels[k].reads
    where pendingReads[read] == 1 && !kept.contains(read) && !listing.isSource(read) {
      bytes += listing.instructions[read].count
    }
    for write in kernels[k].writes { bytes -= listing.instructions[write].count }
    return bytes
  }

  var ready = Set(kernels.indices.filter { waiting[$0] == 0 })
  var remaining = Set(kernels.indices)
  var result: [KernelListing.Kernel] = []
  while !remaining.isEmpty {
    if ready.isEmpty {
      // Variables that wait for each other: one of them gets a copy instead.
      guard let k = remaining.filter({ held[$0]?.isEmpty == false }).min() else { break }
      for (value, edges) in held[k] ?? [] {
        inPlace[value] = nil
        waiting[k] -= edges
      }
      held[k] = nil
      // Its remaining in-place predecessors must not count it down again.
      for p in kernels.indices where remaining.contains(p) {
        successors[p].removeAll { $0 == k }
      }
      waiting[k] = 0
      for p in Set(kernels[k].reads.compactMap { producer[$0] }) where remaining.contains(p) {
        successors[p].append(k)
        waiting[k] += 1
      }
      if waiting[k] == 0 { ready.insert(k) }
      continue
    }
    var best = -1
    var bestGain = Int.min
    for k in ready.sorted() {
      let g = gain(k)
      if g > bestGain { (best, bestGain) = (k, g) }
    }
    ready.remove(best)
    remaining.remove(best)
    result.append(kernels[best])
    for read in kernels[best].reads { pendingReads[read, default: 0] -= 1 }
    for next in successors[best] {
      waiting[next] -= 1
      if waiting[next] == 0 { ready.insert(next) }
    }
  }
  return Schedule(listing: listing, kernels: result, inPlace: inPlace)
}

extension KernelListing.Kernel {
  var isElementwise: Bool {
    switch body {
    case .cluster, .scalars: true
    case .instruction: false
    }
  }
}

extension Listing {
  /// Whether a kernel may write `value` where it reads `old`: element by element, the last read no
  /// later than the write.
  package func canOverwrite(_ old: Int, with value: Int, in kernel: KernelListing.Kernel) -> Bool {
    switch kernel.body {
    case .instruction: return false
    case .scalars: return true  // All are computed before any is stored.
    case .cluster(let cluster):
      guard instructions[old].count == cluster.count, cluster.stores.contains(value) else {
        return false
      }
      guard !cluster.views.contains(where: { home(instructions[$0].inputs[0]) == old }),
        !cluster.reductions.contains(where: { home(instructions[$0].inputs[0]) == old })
      else { return false }
      return cluster.members.allSatisfy { member in
        member <= value || !instructions[member].inputs.contains { home($0) == old }
      }
    }
  }
}
