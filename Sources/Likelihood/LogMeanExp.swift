import Glibc
import TensorCore

/// The running logarithm of a mean of weights that are given by their logarithms, in constant memory.
///
/// The largest so far is kept apart, so that nothing overflows and the order matters only to rounding.
package struct LogMeanExp: Sendable {
  /// How many weights were added.
  package private(set) var count = 0
  private var largest = -Double.infinity
  private var sum = 0.0
  private var squares = 0.0

  /// Of no weights yet.
  package init() {}

  /// Adds a weight, given its logarithm; minus infinity is a weight of zero.
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

  /// log (1/K Σ w).
  package var value: Double {
    largest.isNaN ? .nan : largest + log(sum) - log(Double(count))
  }

  /// (Σ w)² / Σ w², from 1 to K.
  package var effectiveCount: Double { sum * sum / squares }
}
