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

extension Neighbours {
  /// Computes which of `samples` and of `data`, [n, width] each, are in the manifold of the other.
  ///
  /// Both fractions rise with k and depend on the number of points, so that only
  /// metrics with equal k and equal numbers are comparable.
  ///
  /// - Throws: `TensorError` unless both have more than k points.
  package func manifoldMembership(of samples: [Float], in data: [Float], k: Int) throws
    -> ManifoldMembership
  {
    func radii(_ points: [Float]) throws -> [Double] {
      let nearest = try nearest(k, to: points, among: points, excludingSelf: true)
      return stride(from: k - 1, to: nearest.squaredDistances.count, by: k).map {
        nearest.squaredDistances[$0]
      }
    }
    return ManifoldMembership(
      samples: try areWithin(samples, balls: data, squaredRadii: try radii(data)),
      data: try areWithin(data, balls: samples, squaredRadii: try radii(samples)))
  }
}
