/// Gathers elementwise instructions and reductions into clusters.
///
/// Values with one full-size operand are recomputed wherever they are read: that reads no more than
/// the stored value would. Others that are read more than once are stored. Clusters over the same
/// space that share what they read, or of which one reads what the other stores, then merge
/// wherever no path leads out of the pair and back; stores that nobody outside reads disappear.
///
/// - Parameter isFusing: Otherwise every instruction is a kernel by itself, which stores its result:
///   to find out which of them goes wrong.
package func fuse(_ unanchored: Listing, isFusing: Bool = true) throws -> KernelListing {
  var fusion = Fusion(unanchored.anchored(), isFusing: isFusing)
  try fusion.formClusters()
  if isFusing {
    // First what reads the other's result, so that it need not be stored; then what reads the same.
    fusion.merge(sharing: false)
    fusion.merge(sharing: true)
    fusion.formPhases()
  }
  return fusion.finished()
}

struct Fusion {
  let listing: Listing
  let absorption: Absorption
  /// The input positions of each instruction, reshapes looked through.
  let operands: [[Int]]
  /// Elementwise instructions that get an array.
  var stored: Set<Int> = []
  let kept: Set<Int>

  struct Unit {
    var phases: Phases?  // nil for an instruction with its own kernel, or single numbers
    var positions: [Int]
    var reads: Set<Int> = []
    var writes: Set<Int> = []
    var isScalar = false

    var cluster: Cluster? { phases.flatMap { $0.clusters.count == 1 ? $0.clusters[0] : nil } }
  }
  var units: [Unit] = []
  var producer: [Int: Int] = [:]  // position to unit

  init(_ listing: Listing, isFusing: Bool) {
    self.listing = listing
    let absorption = isFusing ? Absorption(listing) : Absorption()
    self.absorption = absorption
    operands = listing.instructions.indices.map { i in
      let sum = absorption.contractions[i]
      let inputs = listing.instructions[sum?.position ?? i].inputs
      return inputs.map { listing.home($0) } + [sum?.bias, sum?.addend].compactMap { $0 }
    }
    kept = Set(listing.roots.map { listing.home($0) })
    if !isFusing {
      stored = Set(listing.instructions.indices.filter { listing.isElementwise($0) })
    }
  }

  func count(_ position: Int) -> Int { listing.instructions[position].count }
  func isElementwise(_ position: Int) -> Bool {
    listing.isElementwise(position) && absorption.contractions[position] == nil
  }
  func isView(_ position: Int) -> Bool { listing.isView(position) }

  /// The instructions that make an array or a value inside a cluster.
  var homes: [Int] {
    listing.instructions.indices.filter {
      listing.home($0) == $0 && !absorption.inner.contains($0)
    }
  }

  // MARK: Which values are stored

  mutating func chooseStored() {
    var readers = [Int](repeating: 0, count: listing.instructions.count)
    for i in homes {
      let fuses = isElementwise(i) && !isView(i) || listing.isReduction(i)
      for operand in Set(operands[i]) {
        readers[operand] += 1
        if isElementwise(operand), !fuses || (count(i) == 1 && isElementwise(i)) {
          stored.insert(operand)
        }
      }
    }
    stored.formUnion(kept.filter { isElementwise($0) })
    var roots = [Set<Int>](repeating: [], count: listing.instructions.count)
    var sizes = [Int](repeating: 0, count: listing.instructions.count)
    for i in homes where isElementwise(i) && count(i) > 1 {
      if !isView(i) {
        for operand in Set(operands[i]) {
          if isElementwise(operand), !stored.contains(operand) {
            roots[i].formUnion(roots[operand])
            sizes[i] += sizes[operand]
          } else {
            roots[i].insert(operand)
          }
        }
      } else if case .slice = listing.instructions[i].operation {
        roots[i].insert(operands[i][0])
      } else if listing.isJoin(i) {
        roots[i].insert(i)  // Reading both parts is reading one array.
      }
      sizes[i] += 1
      if sizes[i] > maximumRecomputed || readers[i] > 1 && (roots[i].count > 1 || sizes[i] > 24) {
        stored.insert(i)
      }
    }
  }

  // So that a cluster of one value, which has up to three operands, has a tile for each.
  let maximumRecomputed = 40

  // MARK: One cluster per stored value and reduction

  mutating func formClusters() throws {
    chooseStored()
    // A view that does not fit the others' axes is stored by itself, and the clusters are formed
    // anew.
    while true {
      units = []
      producer = [:]
      var misfits: Set<Int> = []
      for i in homes where !listing.isSource(i) {
        if isElementwise(i) {
          if count(i) == 1 {
            add(Unit(phases: nil, positions: [i], isScalar: true))
          } else if stored.contains(i) {
            misfits.formUnion(addCluster(stores: [i], reductions: []))
          }
        } else if listing.isReduction(i) {
          misfits.formUnion(addCluster(stores: [], reductions: [i]))
        } else {
          add(Unit(phases: nil, positions: [i]))
        }
      }
      if misfits.isEmpty { return }
      guard !misfits.isSubset(of: stored) else {
        throw TensorError("internal error: a cluster needs more than \(maximumRank) axes")
      }
      stored.formUnion(misfits)
    }
  }

  private mutating func add(_ unit: Unit) {
    var unit = unit
    for position in unit.positions {
      unit.reads.formUnion(operands[position])
      unit.writes.insert(position)
    }
    for write in unit.writes { producer[write] = units.count }
    units.append(unit)
  }

  /// Adds a cluster; returns the views that do not fit, if any.
  private mutating func addCluster(stores: [Int], reductions: [Int]) -> Set<Int> {
    let space =
      stores.first.map { count($0) } ?? reductions.first.map { count(operands[$0][0]) } ?? 1
    let form =
      reductions.first.map { listing.form($0) } ?? .init(outer: space, reduced: 1, inner: 1)
    var cluster = Cluster(count: space, stores: stores, reductions: reductions, form: form)
    let misfits = complete(&cluster)
    var unit = Unit(phases: Phases(clusters: [cluster]), positions: stores + reductions)
    (unit.reads, unit.writes) = (reads(cluster), Set(stores + reductions))
    for write in unit.writes { producer[write] = units.count }
    units.append(unit)
    return misfits
  }

  func reads(_ cluster: Cluster) -> Set<Int> {
    Set(cluster.loads + cluster.views.flatMap { operands[$0] })
  }

  /// Finds what a cluster computes and reads, from what it stores and reduces; returns views that
  /// do not fit.
  func complete(_ cluster: inout Cluster) -> Set<Int> {
    let own = Set(cluster.stores)
    var members: Set<Int> = []
    var loads: Set<Int> = []
    var views: Set<Int> = []
    var stack = cluster.stores + cluster.reductions.map { operands[$0][0] }
    while let i = stack.popLast() {
      if isElementwise(i), own.contains(i) || !stored.contains(i) {
        guard members.insert(i).inserted else { continue }
        if isView(i) { views.insert(i) } else { stack += operands[i] }
      } else {
        loads.insert(i)
      }
    }
    cluster.members = members.sorted()
    cluster.loads = loads.sorted()
    cluster.views = views.sorted()

    var bounds: Set<Int> = [1, cluster.count]
    if !cluster.reductions.isEmpty {
      bounds.formUnion([cluster.form.inner, cluster.form.inner * cluster.form.reduced])
    }
    var misfits: Set<Int> = []
    for view in cluster.views where !listing.isJoin(view) {
      var wanted = bounds
      var size = 1
      for axis in listing.viewAxes(view).reversed() {
        size *= axis.size
        wanted.insert(size)
      }
      if axes(wanted) != nil { bounds = wanted } else { misfits.insert(view) }
    }
    cluster.sizes = axes(bounds) ?? []
    return misfits
  }

  let maximumRank = 6

  /// The lengths of axes whose inner products are `bounds`, outermost first, or nil if they do not
  /// nest.
  func axes(_ bounds: Set<Int>) -> [Int]? {
    let sorted = bounds.sorted()
    var sizes: [Int] = []
    for (small, large) in zip(sorted, sorted.dropFirst()) {
      guard large % small == 0 else { return nil }
      sizes.append(large / small)
    }
    return sizes.count <= maximumRank ? sizes.reversed() : nil
  }

  // MARK: Merging

  /// Puts the units in an order in which each comes after those that it reads.
  mutating func sortUnits() {
    for (u, unit) in units.enumerated() {
      for write in unit.writes { producer[write] = u }
    }
    var order: [Int] = []
    var isPlaced = [Bool](repeating: false, count: units.count)
    var stack = Array(units.indices.reversed())
    while let u = stack.last {
      let missing = units[u].reads.compactMap { producer[$0] }.filter { $0 != u && !isPlaced[$0] }
      guard missing.isEmpty else {
        stack += missing.sorted(by: >)
        continue
      }
      stack.removeLast()
      guard !isPlaced[u] else { continue }
      isPlaced[u] = true
      order.append(u)
    }
    units = order.map { units[$0] }
    for (u, unit) in units.enumerated() {
      for write in unit.writes { producer[write] = u }
    }
  }

  fileprivate mutating func merge(sharing: Bool) {
    sortUnits()
    var graph = UnitGraph(units: units, producer: producer)
    var merged = [Bool](repeating: false, count: units.count)
    // Which live units write an array, or read it too, so that only those that share one are tried.
    var users: [Int: [Int]] = [:]
    for u in units.indices {
      guard units[u].isScalar || units[u].cluster != nil else { continue }
      var tried: Set<Int> = []
      let keys = units[u].isScalar ? [-1] : (units[u].cluster?.loads ?? [])
      for key in keys {
        for candidate in (users[key] ?? []).reversed()
        where !merged[candidate] && tried.insert(candidate).inserted {
          guard let together = union(candidate, u), graph.canMerge(candidate, u) else { continue }
          graph.merge(candidate, into: u)
          merged[candidate] = true
          units[u] = together
          for write in together.writes { producer[write] = u }
        }
      }
      let mine =
        units[u].isScalar
        ? [-1] : units[u].cluster.map { $0.stores + (sharing ? $0.loads : []) } ?? []
      for key in mine { users[key, default: []].append(u) }
    }
    units = units.indices.filter { !merged[$0] }.map { units[$0] }
  }

  private func union(_ a: Int, _ b: Int) -> Unit? {
    if units[a].isScalar && units[b].isScalar {
      var unit = units[b]
      unit.positions = (units[a].positions + units[b].positions).sorted()
      unit.writes.formUnion(units[a].writes)
      unit.reads = units[a].reads.union(units[b].reads).subtracting(unit.writes)
      return unit
    }
    guard let x = units[a].cluster, let y = units[b].cluster, x.count == y.count else { return nil }
    guard x.reductions.isEmpty || y.reductions.isEmpty || x.form == y.form else { return nil }
    // What one stores the other may read element by element, not through a view, nor may it read a
    // reduction.
    let (xWrites, yWrites) = (units[a].writes, units[b].writes)
    guard xWrites.isDisjoint(with: y.views.flatMap { operands[$0] }),
      yWrites.isDisjoint(with: x.views.flatMap { operands[$0] }),
      xWrites.isDisjoint(with: Set(y.loads).subtracting(x.stores)),
      yWrites.isDisjoint(with: Set(x.loads).subtracting(y.stores))
    else { return nil }
    var cluster = Cluster(
      count: x.count, stores: (x.stores + y.stores).sorted(),
      reductions: (x.reductions + y.reductions).sorted(),
      form: x.reductions.isEmpty ? y.form : x.form)
    guard complete(&cluster).isEmpty, cluster.members.count <= maximumMembers else { return nil }
    var unit = Unit(
      phases: Phases(clusters: [cluster]), positions: cluster.stores + cluster.reductions)
    (unit.reads, unit.writes) = (reads(cluster), xWrites.union(yWrites))
    return unit
  }

  // Tiles of more values than this no longer fit the first-level cache well.
  let maximumMembers = 96

  // MARK: The result

  func finished() -> KernelListing {
    // What is read outside of the cluster that makes it; phases read each other.
    var readElsewhere: Set<Int> = kept
    for unit in units {
      readElsewhere.formUnion(unit.reads)
      for cluster in unit.phases?.clusters ?? [] {
        readElsewhere.formUnion(reads(cluster).subtracting(cluster.stores))
      }
    }
    var readOutside: Set<Int> = kept
    for unit in units { readOutside.formUnion(unit.reads) }
    let kernels = units.compactMap { unit -> KernelListing.Kernel? in
      if var phases = unit.phases {
        for c in phases.clusters.indices {
          phases.clusters[c].stores.removeAll { !readElsewhere.contains($0) }
        }
        phases.clusters.removeAll { $0.stores.isEmpty && $0.reductions.isEmpty }
        guard !phases.clusters.isEmpty else { return nil }
        // Local memory does not serve joins.
        let joined = phases.clusters.flatMap(\.views).filter { listing.isJoin($0) }
        phases.locals = phases.writes.subtracting(readOutside)
          .subtracting(joined.flatMap { operands[$0] })
        return .init(
          body: .clusters(phases), reads: unit.reads.sorted(),
          writes: phases.writes.subtracting(phases.locals).sorted())
      }
      if unit.isScalar {
        let writes = unit.positions.filter { readElsewhere.contains($0) }
        return .init(body: .scalars(unit.positions), reads: unit.reads.sorted(), writes: writes)
      }
      let position = unit.positions[0]
      let sum =
        absorption.contractions[position]
        ?? (listing.isContraction(position)
          ? Contraction(position: position, result: position) : nil)
      return .init(
        body: sum.map { .contraction($0) } ?? .instruction(position), reads: unit.reads.sorted(),
        writes: [position])
    }
    return KernelListing(listing: listing, kernels: kernels)
  }
}

/// Which units depend on which, kept closed under composition while units merge.
struct UnitGraph {
  private var direct: [Set<Int>]
  private var ancestors: [[UInt64]]
  private let words: Int

  init(units: [Fusion.Unit], producer: [Int: Int]) {
    words = (units.count + 63) / 64
    direct = units.indices.map { u in
      Set(units[u].reads.compactMap { producer[$0] }.filter { $0 != u })
    }
    ancestors = []
    for u in units.indices {
      var set = [UInt64](repeating: 0, count: words)
      for d in direct[u] {
        set[d / 64] |= 1 << UInt64(d % 64)
        for w in 0..<words { set[w] |= ancestors[d][w] }
      }
      ancestors.append(set)
    }
  }

  private func reaches(_ a: Int, _ b: Int) -> Bool {
    ancestors[b][a / 64] >> UInt64(a % 64) & 1 == 1
  }

  /// Whether no path from one to the other leads through a third.
  func canMerge(_ a: Int, _ b: Int) -> Bool {
    !direct[b].contains { $0 != a && reaches(a, $0) }
      && !direct[a].contains { $0 != b && reaches(b, $0) }
  }

  mutating func merge(_ a: Int, into b: Int) {
    direct[b].formUnion(direct[a])
    direct[b].subtract([a, b])
    for w in 0..<words { ancestors[b][w] |= ancestors[a][w] }
    ancestors[b][a / 64] &= ~(1 << UInt64(a % 64))
    ancestors[b][b / 64] &= ~(1 << UInt64(b % 64))
    for u in direct.indices where u != a && u != b {
      if direct[u].remove(a) != nil { direct[u].insert(b) }
      guard reaches(a, u) || reaches(b, u) else { continue }
      for w in 0..<words { ancestors[u][w] |= ancestors[b][w] }
      ancestors[u][a / 64] &= ~(1 << UInt64(a % 64))
      ancestors[u][b / 64] |= 1 << UInt64(b % 64)
    }
  }
}
