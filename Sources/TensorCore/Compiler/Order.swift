/// The order in which kernels run, and which variables are written in place.
package struct Schedule: Sendable {
  package var listing: Listing
  package var kernels: [KernelListing.Kernel]
  /// How many kernels, in their order, run side by side each time: none reads what another writes.
  package var groups: [Int] = []
  /// Arrays of 16-bit numbers; all others have 32.
  package var halves: Set<Int> = []
  /// What contractions multiply.
  package var precision = Precision.fp32
  /// Updates whose value is computed straight into the variable's memory: value to variable.
  package var inPlace: [Int: Variable]

  /// The bytes of an array.
  package func bytes(_ position: Int) -> Int {
    listing.instructions[position].count * width(position)
  }

  private func width(_ position: Int) -> Int { halves.contains(position) ? 2 : 4 }

  /// The bytes that a kernel reads and writes: each array once, of a slice only what is in it.
  func traffic(_ kernel: KernelListing.Kernel) -> Int {
    var read: [Int: Int] = [:]
    for array in kernel.reads + kernel.writes { read[array] = listing.instructions[array].count }
    if case .clusters(let phases) = kernel.body {
      var sliced: [Int: Int] = [:]
      var whole = Set(kernel.writes).union(phases.clusters.flatMap(\.loads))
      for view in Set(phases.clusters.flatMap(\.views)) {
        let sources = listing.instructions[view].inputs.map { listing.home($0) }
        if case .slice = listing.instructions[view].operation {
          sliced[sources[0], default: 0] += listing.instructions[view].count
        } else {
          whole.formUnion(sources)
        }
      }
      for (array, count) in sliced where !whole.contains(array) {
        read[array] = read[array].map { Swift.min($0, count) }
      }
    }
    return read.reduce(0) { $0 + $1.value * width($1.key) }
  }
}

/// Orders the kernels so that each time the ready one that frees most memory runs, among equals that which frees
/// what was made last, and beside it every ready one that is small or needs no new memory.
///
/// A variable is written after every read of its old value.
package func order(_ fused: KernelListing, halves: Set<Int> = []) -> Schedule {
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
  for update in listing.updates where update.rows == nil {
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
  var result: [KernelListing.Kernel] = []
  var groups: [Int] = []
  var made: [Int: Int] = [:]  // when, by array
  var pendingReads = readers.mapValues(\.count)
  func gain(_ k: Int) -> Int {
    var bytes = 0
    for read in kernels[k].reads
    where pendingReads[read] == 1 && !kept.contains(read) && !listing.isSource(read) {
      bytes += size(read)
    }
    for write in kernels[k].writes where inPlace[write] == nil { bytes -= size(write) }
    return bytes
  }
  /// How many kernels ago the largest array that it frees was made.
  func age(_ k: Int) -> Int {
    let read = kernels[k].reads.filter { pendingReads[$0] == 1 && made[$0] != nil }
      .max { size($0) < size($1) }
    return result.count - (read.flatMap { made[$0] } ?? 0)
  }
  func size(_ i: Int) -> Int { listing.instructions[i].count * (halves.contains(i) ? 2 : 4) }
  // A step costs microseconds to begin and to end, so what is done sooner runs beside others.
  func isLight(_ k: Int) -> Bool {
    let new = kernels[k].writes.filter { inPlace[$0] == nil }.reduce(0) { $0 + size($1) }
    switch kernels[k].body {
    case .contraction: return new + kernels[k].reads.reduce(0) { $0 + size($1) } <= 1 << 19
    default: return new <= 1 << 16
    }
  }

  var ready = Set(kernels.indices.filter { waiting[$0] == 0 })
  var remaining = Set(kernels.indices)
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
    var (bestGain, bestAge) = (Int.min, 0)
    for k in ready.sorted() {
      let (gain, age) = (gain(k), age(k))
      if gain > bestGain || gain == bestGain && age < bestAge {
        (best, bestGain, bestAge) = (k, gain, age)
      }
    }
    let group = [best] + ready.sorted().filter { $0 != best && isLight($0) }
    groups.append(group.count)
    for k in group {
      ready.remove(k)
      remaining.remove(k)
      for write in kernels[k].writes { made[write] = result.count }
      result.append(kernels[k])
      for read in kernels[k].reads { pendingReads[read, default: 0] -= 1 }
    }
    for k in group {
      for next in successors[k] {
        waiting[next] -= 1
        if waiting[next] == 0 { ready.insert(next) }
      }
    }
  }
  return Schedule(
    listing: listing, kernels: result, groups: groups, halves: halves, inPlace: inPlace)
}

extension KernelListing.Kernel {
  var isElementwise: Bool {
    switch body {
    case .clusters, .scalars: true
    case .contraction, .instruction: false
    }
  }
}

extension Listing {
  /// Whether a kernel may write `value` where it reads `old`: element by element, the last read no
  /// later than the write.
  package func canOverwrite(_ old: Int, with value: Int, in kernel: KernelListing.Kernel) -> Bool {
    switch kernel.body {
    case .instruction, .contraction: return false
    case .scalars: return true  // All are computed before any is stored.
    case .clusters(let phases):
      // A phase has finished a block before the next begins it, so earlier phases may read `old`
      // wherever they read it element by element.
      guard let at = phases.clusters.firstIndex(where: { $0.stores.contains(value) }) else {
        return false
      }
      for (c, cluster) in phases.clusters.enumerated() {
        let isRead =
          cluster.loads.contains(old)
          || cluster.reductions.contains { home(instructions[$0].inputs[0]) == old }
        guard
          !cluster.views.contains(where: {
            instructions[$0].inputs.contains { home($0) == old }
          }), c <= at || !isRead
        else { return false }
      }
      let cluster = phases.clusters[at]
      guard instructions[old].count == cluster.count,
        !cluster.reductions.contains(where: { home(instructions[$0].inputs[0]) == old })
      else { return false }
      return cluster.members.allSatisfy { member in
        member <= value || !instructions[member].inputs.contains { home($0) == old }
      }
    }
  }
}
