import TensorCore

/// A selection of latent variables that are hubs: those that are among the nearest neighbours of
/// many others.
///
/// See Liang et al. 2022, arXiv 2206.06014.
///
/// Each seed determines a latent point, and seeds 10,000 p to 10,000 p + 9,999 form a pool. In each
/// pool a fixed number of points is kept, those that are most often among the 5 nearest neighbours
/// of others, the first on ties; seed s is replaced by the one at index s modulo that number in
/// pool s / that number. So a seed always gives the same point, different seeds give different
/// points, and each is a point of an ordinary draw.
///
/// The selection is by rank and not by a threshold of the in-degree, because in few dimensions no
/// point has a high one.
package struct HubSelection: Equatable, Sendable {
  /// Number of points that are compared with each other.
  package static let pool = 10_000
  /// Number of neighbours of each point.
  package static let neighbours = 5
  /// Number of points kept from each pool.
  package let kept: Int

  /// Creates a selection of the points above a quantile of the in-degree.
  ///
  /// - Throws: `TensorError` if no point would be kept, or `quantile` is out of range.
  package init(quantile: Double) throws {
    guard quantile >= 0, quantile <= 1 else {
      throw TensorError("a quantile of hubs must be at least 0 and below 1, not \(quantile)")
    }
    kept = Int(((1 - quantile) * Double(Self.pool)).rounded())
    guard kept >= 1 else {
      throw TensorError(
        "hubs above quantile \(quantile) of \(Self.pool) points are none; expected at most "
          + "\(1 - 1 / Double(Self.pool))")
    }
  }

  /// Replaces each of `seeds` by the seed of an ordinary draw that is a hub.
  ///
  /// - Parameters:
  ///   - points: Computes the latent points of ordinary draws, [seeds.count, width].
  ///   - report: Called with the number of pools done, out of `pools`; an error it throws ends the
  ///     work.
  package func plainSeeds(
    for seeds: [UInt64], _ neighbours: Neighbours, report: (Int) throws -> Void = { _ in },
    points: (_ seeds: [UInt64]) throws -> [Float]
  ) throws -> [UInt64] {
    var chosen: [UInt64: [UInt64]] = [:]
    for pool in Set(seeds.map(pool)).sorted() {
      let first = pool &* UInt64(Self.pool)
      let all = (0..<Self.pool).map { first &+ UInt64($0) }
      let degrees = try neighbours.inDegrees(try points(all), k: Self.neighbours)
      let hubs = all.indices.sorted { (degrees[$1], $0) < (degrees[$0], $1) }.prefix(kept)
      chosen[pool] = hubs.sorted().map { all[$0] }
      try report(chosen.count)
    }
    return seeds.compactMap { seed in chosen[pool(seed)]?[Int(seed % UInt64(kept))] }
  }

  private func pool(_ seed: UInt64) -> UInt64 { seed / UInt64(kept) }
}
