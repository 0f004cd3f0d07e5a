import Glibc
import TensorCore

/// The running log-mean-exp of log-weights, in constant memory.
///
/// The largest logarithm is stored separately, so that nothing overflows and the order affects only
/// rounding.
package struct LogMeanExp: Sendable {
  /// Number of added weights.
  package private(set) var count = 0
  private var largest = -Double.infinity
  private var sum = 0.0
  private var squares = 0.0

  /// Creates a mean of no weights.
  package init() {}

  /// Adds a weight given by its logarithm; minus infinity is a weight of zero.
  package mutating func add(_ logarithm: Double) {
    count += 1
    if logarithm > largest {
      let factor = largest.isFinite ? exp(largest - logarithm) : 0
      (sum, squares, largest) = (sum * factor + 1, squares * factor * factor + 1, logarithm)
    } else if logarithm > -.infinity {
      let weight = exp(logarithm - largest)
      sum += weight
      squares += weight * weight
    } else if logarithm.isNaN {
      largest = .nan
    }
  }

  /// The log-mean-exp log (1/K Σ w).
  package var value: Double {
    largest.isNaN ? .nan : largest + log(sum) - log(Double(count))
  }

  /// The effective sample size (Σ w)² / Σ w², from 1 to K.
  package var effectiveCount: Double { sum * sum / squares }
}
