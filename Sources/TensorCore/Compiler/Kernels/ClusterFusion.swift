/// Gathers elementwise kernels and reductions into clusters.
///
/// Results with one full-size operand are recomputed wherever they are read: that reads no more than
/// the materialized result would. Others that are read more than once are materialized. Clusters over the same
/// space that read a buffer in common, or of which one reads a result of the other, then merge
/// unless a path leads out of the pair and back.
func fuseClusters(_ kernels: KernelListing) throws -> KernelListing {
  var fusion = ClusterFusion(kernels)
  fusion.chooseMaterialized()
  try fusion.formClusters()
  // Producers with their readers first, so that the result need not be stored; then readers of one buffer.
  fusion.merge(sharingLoads: false)
  fusion.merge(sharingLoads: true)
  var result = kernels
  result.kernels = fusion.kernels
  return result
}

private struct ClusterFusion {
  typealias Kernel = KernelListing.Kernel

  let listing: Listing
  var kernels: Table<Kernel, Kernel>
  var builder: ClusterBuilder

  // So that a cluster of one value, which has up to three operands, has a tile for each.
  let maximumRecomputed = 40
  // Tiles of more values than this no longer fit the first-level cache well.
  let maximumMembers = 96

  /// - Parameter kernels: One buffer each.
  init(_ kernels: KernelListing) {
    listing = kernels.listing
    self.kernels = kernels.kernels
    builder = ClusterBuilder(listing)
    for case .contraction(let sum) in kernels.kernels.map(\.body) {
      builder.epilogues.insert(sum.result)
    }
  }

  // MARK: Which results are materialized

  mutating func chooseMaterialized() {
    func count(_ buffer: Buffer) -> Int { listing[buffer].count }
    var readers: [Buffer: Int] = [:]
    var materialized = listing.liveOutBuffers.filter { builder.isElementwise($0) }
    for kernel in kernels {
      let buffer = kernel.writes[0]
      let isScalar = count(buffer) == 1 && builder.isElementwise(buffer)
      for operand in kernel.reads {
        readers[operand, default: 0] += 1
        if builder.isElementwise(operand), !fuses(buffer) || isScalar {
          materialized.insert(operand)
        }
      }
    }
    // The materialized buffers that a result is computed from, and by how many operations.
    var roots: [Buffer: Set<Buffer>] = [:]
    var sizes: [Buffer: Int] = [:]
    for kernel in kernels {
      let buffer = kernel.writes[0]
      guard builder.isElementwise(buffer), count(buffer) > 1 else { continue }
      var (ownRoots, size): (Set<Buffer>, Int) = ([], 1)
      if !listing.isView(buffer) {
        for operand in kernel.reads {
          if builder.isElementwise(operand), !materialized.contains(operand) {
            ownRoots.formUnion(roots[operand] ?? [])
            size += sizes[operand] ?? 0
          } else {
            ownRoots.insert(operand)
          }
        }
      } else if case .slice = listing[buffer].operation {
        ownRoots.insert(kernel.reads[0])
      } else if listing.isJoin(buffer) {
        ownRoots.insert(buffer)  // Reading both parts is reading one array.
      }
      (roots[buffer], sizes[buffer]) = (ownRoots, size)
      let isShared = readers[buffer, default: 0] > 1
      if size > maximumRecomputed || isShared && (ownRoots.count > 1 || size > 24) {
        materialized.insert(buffer)
      }
    }
    builder.materialized = materialized
  }

  /// True if a kernel for this buffer can read elementwise results that are not materialized.
  private func fuses(_ buffer: Buffer) -> Bool {
    if listing[buffer].operation.role == .reduction { return true }
    return builder.isElementwise(buffer) && !listing.isView(buffer)
  }

  // MARK: One cluster per materialized result and reduction

  /// - Throws: `TensorError` where a view by itself has more axes than there are.
  mutating func formClusters() throws {
    // A view that does not fit the others' axes is materialized, and the clusters are formed again.
    while true {
      var misfits: Set<Buffer> = []
      var formed: Table<Kernel, Kernel> = Table()
      for kernel in kernels {
        guard case .clusters(let phases) = kernel.body else {
          formed.append(kernel)
          continue
        }
        var cluster = builder.cluster(
          stores: phases.clusters[0].stores, reductions: phases.clusters[0].reductions)
        guard cluster.stores.allSatisfy({ builder.materialized.contains($0) }) else { continue }
        misfits.formUnion(builder.complete(&cluster))
        formed.append(
          Kernel(
            body: .clusters(Phases(clusters: [cluster])), reads: listing.reads(cluster).sorted(),
            writes: kernel.writes))
      }
      guard !misfits.isEmpty else {
        kernels = formed
        return
      }
      guard !misfits.isSubset(of: builder.materialized) else {
        throw TensorError(
          "internal error: a cluster needs more than \(ClusterBuilder.maximumRank) axes")
      }
      builder.materialized.formUnion(misfits)
    }
  }

  // MARK: Merging

  /// - Parameter sharingLoads: True to also merge kernels that read a buffer in common; otherwise one of the pair has to
  ///   read a result of the other.
  mutating func merge(sharingLoads: Bool) {
    var graph = KernelGraph(kernels)
    // The live kernels that write a buffer, or read it too, so that only those that share one are tried; those of
    // single numbers are under nil.
    var users: [Buffer?: [KernelIndex]] = [:]
    for k in graph.kernels.indices {
      let kernel = graph.kernels[k]
      guard kernel.isScalar || kernel.cluster != nil else { continue }
      var tried: Set<KernelIndex> = []
      let loads: [Buffer?] = kernel.isScalar ? [nil] : kernel.cluster?.loads ?? []
      for key in loads {
        for candidate in (users[key] ?? []).reversed()
        where !graph.isMerged(candidate) && tried.insert(candidate).inserted {
          guard let union = union(graph.kernels[candidate], graph.kernels[k]),
            graph.canMerge(candidate, k)
          else { continue }
          graph.merge(candidate, into: k, as: union)
        }
      }
      let cluster = graph.kernels[k].cluster
      let own: [Buffer?] = (cluster?.stores ?? []) + (sharingLoads ? cluster?.loads ?? [] : [])
      for key in kernel.isScalar ? [nil] : own { users[key, default: []].append(k) }
    }
    kernels = graph.remaining
  }

  /// The work of both kernels as one, or nil if they do not fit.
  private func union(_ a: Kernel, _ b: Kernel) -> Kernel? {
    if case .scalars(let first) = a.body, case .scalars(let second) = b.body {
      let writes = Set(a.writes).union(b.writes)
      return Kernel(
        body: .scalars((first + second).sorted()),
        reads: Set(a.reads + b.reads).subtracting(writes).sorted(), writes: writes.sorted())
    }
    guard let x = a.cluster, let y = b.cluster, x.count == y.count else { return nil }
    guard x.reductions.isEmpty || y.reductions.isEmpty || x.form == y.form else { return nil }
    // Either may read the other's stores element by element, but not through a view, and not its reductions.
    guard isElementwiseOnly(y, on: a.writes, stored: x.stores),
      isElementwiseOnly(x, on: b.writes, stored: y.stores)
    else { return nil }
    var cluster = Cluster(
      count: x.count, stores: (x.stores + y.stores).sorted(),
      reductions: (x.reductions + y.reductions).sorted(),
      form: x.reductions.isEmpty ? y.form : x.form)
    guard builder.complete(&cluster).isEmpty, cluster.members.count <= maximumMembers else {
      return nil
    }
    return Kernel(
      body: .clusters(Phases(clusters: [cluster])), reads: listing.reads(cluster).sorted(),
      writes: (a.writes + b.writes).sorted())
  }

  /// True if a cluster reads nothing that another writes except its stores, and these element by element.
  private func isElementwiseOnly(_ reader: Cluster, on writes: [Buffer], stored: [Buffer]) -> Bool {
    Set(writes).isDisjoint(with: reader.views.flatMap { listing.operands($0) })
      && Set(writes).isDisjoint(with: Set(reader.loads).subtracting(stored))
  }
}

extension KernelListing.Kernel {
  /// The only cluster of the kernel, if it has one.
  var cluster: Cluster? {
    guard case .clusters(let phases) = body, phases.clusters.count == 1 else { return nil }
    return phases.clusters[0]
  }

  var isScalar: Bool { if case .scalars = body { true } else { false } }
}
