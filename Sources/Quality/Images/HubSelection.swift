import TensorCore

/// Draws latent variables that are hubs: those that many others have among their nearest.
///
/// See Liang et al. 2022, arXiv 2206.06014.
/// Seeds stand for latent points, and those from 10,000 p to 10,000 p + 9,999 are a pool. Of each pool a
/// fixed number is kept, those that most points have among their 5 nearest, the first of equal ones; seed
/// s becomes the one at place s modulo that number in pool s / that number. So a seed always gives the
/// same point, different seeds give different ones, and each is a point that a plain draw gives as well.
///
/// A number of points is kept, not those whose in-degree is above a threshold: in few dimensions there
/// are no high ones.
package struct HubSelection: Equatable, Sendable {
  /// Points that are compared with each other.
  package static let pool = 10_000
  /// Neighbours of each.
  package static let neighbours = 5
  /// How many of a pool are kept.
  package let kept: Int

  /// Keeps the points above a quantile of the in-degree.
  ///
  /// - Throws: `TensorError` where that would be none, or `quantile` is out of range.
  package init(quantile: Double) throws {
    guard quantile >= 0, quantile <= 1 else {
      throw TensorError("a quantile of hubs is from 0 to below 1, not \(quantile)")
    }
    kept = Int(((1 - quantile) * Double(Self.pool)).rounded())
    guard kept >= 1 else {
      throw TensorError(
        "hubs above quantile \(quantile) of \(Self.pool) points are none; expected at most "
          + "\(1 - 1 / Double(Self.pool))")
    }
  }

  /// The seed of a plain draw for each of `seeds`.
  ///
  /// - Parameters:
  ///   - points: The latent points of plain draws, [seeds.count, width].
  ///   - report: Given the number of pools done, of all of `pools`; what it throws ends the work.
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
