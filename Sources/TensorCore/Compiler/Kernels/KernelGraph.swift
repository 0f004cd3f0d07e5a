/// Kernels while they merge, and the transitive closure of their dependences.
struct KernelGraph {
  typealias Kernel = KernelListing.Kernel

  /// The kernels, each after those whose results it reads.
  private(set) var kernels: Table<Kernel, Kernel>
  private var producer: [Buffer: KernelIndex] = [:]
  private var merged: Set<KernelIndex> = []
  /// The kernels whose results a kernel reads.
  private var direct: Table<Kernel, Set<KernelIndex>>
  /// All kernels that a kernel depends on, a bit each.
  private var ancestors: Table<Kernel, [UInt64]>
  private let words: Int

  /// Sorts `kernels`; those that do not depend on each other stay in their order as far as they can.
  init(_ kernels: Table<Kernel, Kernel>) {
    self.kernels = Self.sorted(kernels)
    words = (kernels.count + 63) / 64
    direct = Table(repeating: [], for: kernels)
    ancestors = Table(repeating: [UInt64](repeating: 0, count: words), for: kernels)
    for k in self.kernels.indices {
      for write in self.kernels[k].writes { producer[write] = k }
      direct[k] = producers(of: self.kernels[k], except: k)
      for d in direct[k] {
        ancestors[k][d.offset / 64] |= 1 << UInt64(d.offset % 64)
        for w in 0..<words { ancestors[k][w] |= ancestors[d][w] }
      }
    }
  }

  private static func sorted(_ kernels: Table<Kernel, Kernel>) -> Table<Kernel, Kernel> {
    var producer: [Buffer: KernelIndex] = [:]
    for k in kernels.indices { for write in kernels[k].writes { producer[write] = k } }
    var order: [KernelIndex] = []
    var placed: Set<KernelIndex> = []
    var stack = Array(kernels.indices.reversed())
    while let k = stack.last {
      let missing = kernels[k].reads.compactMap { producer[$0] }.filter {
        $0 != k && !placed.contains($0)
      }
      guard missing.isEmpty else {
        stack += missing.sorted(by: >)
        continue
      }
      stack.removeLast()
      if placed.insert(k).inserted { order.append(k) }
    }
    return Table(order.map { kernels[$0] })
  }

  /// The kernels whose results `kernel` reads.
  func producers(of kernel: Kernel, except k: KernelIndex) -> Set<KernelIndex> {
    Set(kernel.reads.compactMap { producer[$0] }.filter { $0 != k })
  }

  /// The kernels that have not been merged into others.
  var remaining: Table<Kernel, Kernel> {
    Table(kernels.indices.filter { !merged.contains($0) }.map { kernels[$0] })
  }

  func isMerged(_ k: KernelIndex) -> Bool { merged.contains(k) }

  private func reaches(_ a: KernelIndex, _ b: KernelIndex) -> Bool {
    ancestors[b][a.offset / 64] >> UInt64(a.offset % 64) & 1 == 1
  }

  /// True if no path from one kernel to the other leads through a third.
  func canMerge(_ a: KernelIndex, _ b: KernelIndex) -> Bool {
    !direct[b].contains { $0 != a && reaches(a, $0) }
      && !direct[a].contains { $0 != b && reaches(b, $0) }
  }

  /// Replaces kernel `b` by `union`, which does the work of `a` too.
  mutating func merge(_ a: KernelIndex, into b: KernelIndex, as union: Kernel) {
    kernels[b] = union
    merged.insert(a)
    for write in union.writes { producer[write] = b }

    func clear(_ k: KernelIndex, in set: inout [UInt64]) {
      set[k.offset / 64] &= ~(1 << UInt64(k.offset % 64))
    }
    direct[b].formUnion(direct[a])
    direct[b].subtract([a, b])
    for w in 0..<words { ancestors[b][w] |= ancestors[a][w] }
    clear(a, in: &ancestors[b])
    clear(b, in: &ancestors[b])
    for k in direct.indices where k != a && k != b {
      guard reaches(a, k) || reaches(b, k) else { continue }
      if direct[k].remove(a) != nil { direct[k].insert(b) }
      for w in 0..<words { ancestors[k][w] |= ancestors[b][w] }
      clear(a, in: &ancestors[k])
      ancestors[k][b.offset / 64] |= 1 << UInt64(b.offset % 64)
    }
  }
}
