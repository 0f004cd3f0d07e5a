/// Finds what a cluster computes and reads, from what it stores and reduces.
struct ClusterBuilder {
  let listing: Listing
  /// Elementwise results that are in memory: clusters load them.
  var materialized: Set<Buffer>
  /// The results of contractions with an epilogue, which no cluster computes.
  var epilogues: Set<Buffer> = []

  /// The most axes that a cluster's iteration space may have.
  static let maximumRank = 6

  init(_ listing: Listing, materialized: Set<Buffer> = []) {
    (self.listing, self.materialized) = (listing, materialized)
  }

  func isElementwise(_ buffer: Buffer) -> Bool {
    listing.isElementwise(buffer) && !epilogues.contains(buffer)
  }

  /// A cluster without members yet.
  func cluster(stores: [Buffer] = [], reductions: [Buffer] = []) -> Cluster {
    let sample = stores.first ?? reductions.first.map { listing.operands($0)[0] }
    let count = sample.map { listing[$0].count } ?? 1
    return Cluster(
      count: count, stores: stores, reductions: reductions,
      form: reductions.first.map { listing.form($0) } ?? .init(outer: count, reduced: 1, inner: 1))
  }

  /// A kernel of one complete cluster.
  ///
  /// - Throws: `TensorError` where it needs more axes than there are.
  func single(stores: [Buffer] = [], reductions: [Buffer] = []) throws -> Phases {
    var cluster = cluster(stores: stores, reductions: reductions)
    guard complete(&cluster).isEmpty else {
      throw TensorError("internal error: a cluster needs more than \(Self.maximumRank) axes")
    }
    return Phases(clusters: [cluster])
  }

  /// Fills in the members, loads, views and axes; returns the views whose axes do not fit the others'.
  func complete(_ cluster: inout Cluster) -> Set<Buffer> {
    let own = Set(cluster.stores)
    var members: Set<Buffer> = []
    var loads: Set<Buffer> = []
    var views: Set<Buffer> = []
    var stack = cluster.stores + cluster.reductions.map { listing.operands($0)[0] }
    while let buffer = stack.popLast() {
      if isElementwise(buffer), own.contains(buffer) || !materialized.contains(buffer) {
        guard members.insert(buffer).inserted else { continue }
        if listing.isView(buffer) {
          views.insert(buffer)
        } else {
          stack += listing.operands(buffer)
        }
      } else {
        loads.insert(buffer)
      }
    }
    cluster.members = members.sorted()
    cluster.loads = loads.sorted()
    cluster.views = views.sorted()

    var bounds: Set<Int> = [1, cluster.count]
    if !cluster.reductions.isEmpty {
      bounds.formUnion([cluster.form.inner, cluster.form.inner * cluster.form.reduced])
    }
    var misfits: Set<Buffer> = []
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

  /// The lengths of axes whose inner products are `bounds`, outermost first, or nil if they do not
  /// nest.
  private func axes(_ bounds: Set<Int>) -> [Int]? {
    let sorted = bounds.sorted()
    var sizes: [Int] = []
    for (small, large) in zip(sorted, sorted.dropFirst()) {
      guard large % small == 0 else { return nil }
      sizes.append(large / small)
    }
    return sizes.count <= Self.maximumRank ? sizes.reversed() : nil
  }
}
