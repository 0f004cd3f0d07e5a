import TensorCore

/// Which points lie in the balls around others that reach to their k-th neighbours: the manifold of
/// those.
///
/// See Kynkäänniemi et al. 2019, arXiv 1904.06991, eq. 1 and 2.
package struct Coverage: Equatable, Sendable {
  /// Whether each sample lies in the manifold of the data.
  package let samples: [Bool]
  /// Whether each example of the data lies in the manifold of the samples.
  package let data: [Bool]

  /// The share of samples that could be data.
  package var precision: Double { share(samples) }
  /// The share of the data that could be samples.
  package var recall: Double { share(data) }

  private func share(_ flags: [Bool]) -> Double {
    Double(flags.count { $0 }) / Double(max(1, flags.count))
  }
}

extension Neighbours {
  /// Which of `samples` could be data, and which of `data` could be samples: [n, width] each.
  ///
  /// Both rise with k and change with the number of points, so that only
  /// figures of one k and one number are compared.
  ///
  /// - Throws: `TensorError` where either has not more than k points.
  package func coverage(of samples: [Float], by data: [Float], k: Int) throws -> Coverage {
    func radii(_ points: [Float]) throws -> [Double] {
      let nearest = try nearest(k, to: points, among: points, excludingSelf: true)
      return stride(from: k - 1, to: nearest.squaredDistances.count, by: k).map {
        nearest.squaredDistances[$0]
      }
    }
    return Coverage(
      samples: try areWithin(samples, balls: data, squaredRadii: try radii(data)),
      data: try areWithin(data, balls: samples, squaredRadii: try radii(samples)))
  }
}
