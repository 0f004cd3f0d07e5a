/// Orders the kernels so that each time the ready one that frees most memory runs, among equals the one that frees
/// the buffer made last, and with it every ready one that is small or needs no new memory.
///
/// A variable is written after every read of its old value.
func order(_ kernels: KernelListing, _ caches: CacheSizes) -> Schedule {
  var ordering = Ordering(kernels, caches)
  ordering.chooseInPlace()
  return ordering.ordered()
}

private struct Ordering {
  typealias Kernel = KernelListing.Kernel

  private let listing: Listing
  private let kernels: Table<Kernel, Kernel>
  private let halves: Set<Buffer>
  private let caches: CacheSizes
  private let liveOut: Set<Buffer>
  private var producer: [Buffer: KernelIndex] = [:]
  private var readers: [Buffer: [KernelIndex]] = [:]

  private var inPlace: [Buffer: Variable] = [:]
  /// Updates in place by kernel, and how many kernels it waits for only because of each.
  private var held: [KernelIndex: [(value: Buffer, edges: Int)]] = [:]
  /// The number of kernels that a kernel still waits for, and those that wait for it.
  private var waiting: Table<Kernel, Int>
  private var successors: Table<Kernel, [KernelIndex]>
  private var ready: Set<KernelIndex> = []
  private var remaining: Set<KernelIndex>

  private var result: Table<Kernel, Kernel> = Table()
  private var groups: [Int] = []
  /// The number of kernels that had run when a buffer was made.
  private var made: [Buffer: Int] = [:]
  private var pendingReads: [Buffer: Int]

  init(_ fused: KernelListing, _ caches: CacheSizes) {
    (listing, kernels, halves) = (fused.listing, fused.kernels, fused.halves)
    self.caches = caches
    liveOut = listing.liveOutBuffers
    waiting = Table(repeating: 0, for: kernels)
    successors = Table(repeating: [], for: kernels)
    remaining = Set(kernels.indices)
    for k in kernels.indices {
      for write in kernels[k].writes { producer[write] = k }
      for read in kernels[k].reads { readers[read, default: []].append(k) }
    }
    pendingReads = readers.mapValues(\.count)
    for k in kernels.indices { wait(k) { _ in true } }
  }

  /// Lets kernel `k` wait for those whose results it reads, as far as `isIncluded`.
  private mutating func wait(_ k: KernelIndex, for isIncluded: (KernelIndex) -> Bool) {
    for p in Set(kernels[k].reads.compactMap { producer[$0] }) where isIncluded(p) {
      successors[p].append(k)
      waiting[k] += 1
    }
  }

  /// Finds the updates that may be computed in their variable's memory; their kernels wait for every reader of
  /// the old value.
  mutating func chooseInPlace() {
    var variables: [Variable: Buffer] = [:]
    for buffer in listing.buffers {
      if case .variable(let variable) = listing[buffer].operation { variables[variable] = buffer }
    }
    for update in listing.updates where update.rows == nil {
      let value = listing.buffer(of: update.value)
      guard let k = producer[value] else { continue }
      let old = variables[update.variable]
      guard
        old.map({ listing.canOverwrite($0, with: value, in: kernels[k]) })
          ?? kernels[k].isElementwise
      else { continue }
      inPlace[value] = update.variable
      let others = (old.flatMap { readers[$0] } ?? []).filter { $0 != k }
      for reader in others { successors[reader].append(k) }
      waiting[k] += others.count
      held[k, default: []].append((value, others.count))
    }
  }

  mutating func ordered() -> Schedule {
    ready = remaining.filter { waiting[$0] == 0 }
    while !remaining.isEmpty {
      if ready.isEmpty {
        guard breakCircle() else { break }
        continue
      }
      let best = bestReady()
      run([best] + ready.sorted().filter { $0 != best && isLight($0) })
    }
    return Schedule(
      listing: listing, kernels: result, groups: groups, halves: halves, inPlace: inPlace)
  }

  private mutating func run(_ group: [KernelIndex]) {
    groups.append(group.count)
    for k in group {
      ready.remove(k)
      remaining.remove(k)
      for write in kernels[k].writes { made[write] = result.count }
      result.append(kernels[k])
      for read in kernels[k].reads { pendingReads[read, default: 0] -= 1 }
    }
    for next in group.flatMap({ successors[$0] }) {
      waiting[next] -= 1
      if waiting[next] == 0 { ready.insert(next) }
    }
  }

  /// Copies one of the variables that wait for each other, instead of writing it in place; returns false if there
  /// is none.
  private mutating func breakCircle() -> Bool {
    guard let k = remaining.filter({ held[$0]?.isEmpty == false }).min() else { return false }
    for (value, _) in held[k] ?? [] { inPlace[value] = nil }
    held[k] = nil
    // Its remaining predecessors in place must not count it down again.
    for p in remaining { successors[p].removeAll { $0 == k } }
    waiting[k] = 0
    let left = remaining
    wait(k) { left.contains($0) }
    if waiting[k] == 0 { ready.insert(k) }
    return true
  }

  // MARK: Choosing

  private func bestReady() -> KernelIndex {
    var best = KernelIndex(-1)
    var (bestGain, bestAge) = (Int.min, 0)
    for k in ready.sorted() {
      let (gain, age) = (gain(k), age(k))
      if gain > bestGain || gain == bestGain && age < bestAge {
        (best, bestGain, bestAge) = (k, gain, age)
      }
    }
    return best
  }

  private func size(_ buffer: Buffer) -> Int {
    listing[buffer].count * (halves.contains(buffer) ? 2 : 4)
  }

  /// Bytes of the buffers that a kernel makes, outside of variables.
  private func newBytes(_ k: KernelIndex) -> Int {
    kernels[k].writes.reduce(0) { inPlace[$1] == nil ? $0 + size($1) : $0 }
  }

  /// Bytes that a kernel frees, less those that it takes.
  private func gain(_ k: KernelIndex) -> Int {
    let freed = kernels[k].reads.filter {
      pendingReads[$0] == 1 && !liveOut.contains($0) && !listing.isSource($0)
    }
    return freed.reduce(0) { $0 + size($1) } - newBytes(k)
  }

  /// The number of kernels that have run since the largest buffer was made that `k` frees.
  private func age(_ k: KernelIndex) -> Int {
    let read = kernels[k].reads.filter { pendingReads[$0] == 1 && made[$0] != nil }
      .max { size($0) < size($1) }
    return result.count - (read.flatMap { made[$0] } ?? 0)
  }

  // A step costs microseconds to begin and to end, so shorter kernels run together with others.
  private func isLight(_ k: KernelIndex) -> Bool {
    if case .contraction = kernels[k].body {
      let bytes = newBytes(k) + kernels[k].reads.reduce(0) { $0 + size($1) }
      return bytes <= caches.lightContractionBytes
    }
    return newBytes(k) <= caches.lightKernelBytes
  }
}

extension KernelListing.Kernel {
  var isElementwise: Bool {
    switch body {
    case .clusters, .scalars: true
    case .contraction, .instruction: false
    }
  }
}
