import Glibc

/// A lower bound of log p(x) = log Σ_y p(y) p(x|y) from noisy bounds L_y of log p(x|y).
///
/// For any probabilities r_y, log p(x) >= Σ_y r_y (L_y + log p(y) - log r_y). The expectation over
/// the noise of L_y keeps that if r is independent of it. So the draws are divided into sets, each
/// with its own estimate of every L_y, and each set's r come from the means of the others: r_y is in
/// proportion to p(y) exp(L_y). The log-sum-exp of the same L_y would be too high, since its
/// expectation rises with the noise (Jensen). The classes are equally probable.
package struct MixtureBound: Sendable {
  /// The bound, the mean over the sets.
  package let value: Double
  /// Σ_y r_y log(r_y/p(y)), the mean over the sets, from 0 to the logarithm of the number of classes.
  package let divergence: Double
  /// r_y by set and class.
  package let weights: [[Double]]
  /// The probabilities of the classes given x, from all sets.
  package let probabilities: [Double]

  /// Computes the bound.
  ///
  /// - Parameters:
  ///   - bounds: L_y by set and class; at least two sets and one class.
  ///   - shares: The weight of each set in means; together 1.
  package init(_ bounds: [[Double]], shares: [Double]) {
    let classes = bounds.first?.count ?? 0
    func mean(without left: Int?) -> [Double] {
      (0..<classes).map { y in
        var (sum, share) = (0.0, 0.0)
        for s in bounds.indices where s != left {
          sum += shares[s] * bounds[s][y]
          share += shares[s]
        }
        return sum / share
      }
    }
    weights = bounds.indices.map { softmax(mean(without: $0)) }
    probabilities = softmax(mean(without: nil))
    var (value, divergence) = (0.0, 0.0)
    for s in bounds.indices {
      for (y, r) in weights[s].enumerated() where r > 0 {
        let ratio = log(r * Double(classes))
        value += shares[s] * r * (bounds[s][y] - ratio)
        divergence += shares[s] * r * ratio
      }
    }
    (self.value, self.divergence) = (value, divergence)
  }
}

/// Probabilities in proportion to the exponentials of `values`.
private func softmax(_ values: [Double]) -> [Double] {
  let largest = values.max() ?? 0
  let weights = values.map { exp($0 - largest) }
  let sum = weights.reduce(0, +)
  return weights.map { $0 / sum }
}
