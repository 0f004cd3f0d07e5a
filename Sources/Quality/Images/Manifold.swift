import TensorCore

/// Membership of samples in the manifold of the data and vice versa, where a manifold is the union
/// of balls around points that reach to their k-th neighbours.
///
/// See Kynkäänniemi et al. 2019, arXiv 1904.06991, eq. 1 and 2.
package struct ManifoldMembership: Equatable, Sendable {
  /// Flags of the samples: true for those in the manifold of the data.
  package let samples: [Bool]
  /// Flags of the data: true for examples in the manifold of the samples.
  package let data: [Bool]

  /// The fraction of samples in the manifold of the data.
  package var precision: Double { fraction(samples) }
  /// The fraction of the data in the manifold of the samples.
  package var recall: Double { fraction(data) }

  private func fraction(_ flags: [Bool]) -> Double {
    Double(flags.count { $0 }) / Double(max(1, flags.count))
  }
}

/// The union of balls around points that reach to their k-th neighbours.
package struct Manifold: Equatable, Sendable {
  /// Centres of the balls, [n, width].
  fileprivate let points: [Float]
  /// Squared radius of each ball, [n].
  fileprivate let squaredRadii: [Double]
}

extension Neighbours {
  /// Makes the manifold of points, [n, width].
  ///
  /// - Throws: `TensorError` unless there are more than k points.
  package func manifold(of points: [Float], k: Int) throws -> Manifold {
    let nearest = try nearest(k, to: points, among: points, excludingSelf: true)
    return Manifold(
      points: points,
      squaredRadii: stride(from: k - 1, to: nearest.squaredDistances.count, by: k).map {
        nearest.squaredDistances[$0]
      })
  }

  /// Makes the manifolds of points, [n, width], without each group in turn, in about the time of one.
  ///
  /// - Parameter groups: Group of each point, from 0, [n]; no group may be empty.
  /// - Throws: `TensorError` unless there are more than k points outside each group.
  package func manifolds(of points: [Float], leavingOut groups: [Int], k: Int) throws -> [Manifold]
  {
    let count = groups.count
    // Of so many neighbours hardly ever all but two are in one group.
    let found = min(k + 12, count - 1)
    let nearest = try nearest(found, to: points, among: points, excludingSelf: true)
    return try (0...(groups.max() ?? 0)).map { group in
      let rows = (0..<count).filter { groups[$0] != group }
      let rest = rows.flatMap { points[$0 * width..<($0 + 1) * width] }
      let radii = rows.compactMap { row -> Double? in
        (row * found..<(row + 1) * found).lazy
          .filter { groups[nearest.indices[$0]] != group }.dropFirst(k - 1).first
          .map { nearest.squaredDistances[$0] }
      }
      guard radii.count == rows.count else { return try manifold(of: rest, k: k) }
      return Manifold(points: rest, squaredRadii: radii)
    }
  }

  /// Computes which points of `samples` and of `data` are in the manifold of the other.
  ///
  /// Both fractions rise with k and depend on the numbers of points, the less the more there are: only
  /// metrics with equal k and equal numbers are comparable. The numbers of samples and of data may differ.
  package func manifoldMembership(of samples: Manifold, in data: Manifold) throws
    -> ManifoldMembership
  {
    ManifoldMembership(
      samples: try areWithin(samples.points, balls: data.points, squaredRadii: data.squaredRadii),
      data: try areWithin(
        data.points, balls: samples.points, squaredRadii: samples.squaredRadii))
  }
}
