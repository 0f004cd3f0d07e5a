/// A mean over examples.
package struct Figure: Equatable, Sendable {
  /// The mean; NaN of nothing.
  package let mean: Double
  /// Its standard error; NaN of fewer than two examples.
  package let standardError: Double
  /// How many there were.
  package let count: Int

  /// The mean of `values`, in double precision.
  package init(_ values: [Double]) {
    count = values.count
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    self.mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardError = values.count > 1 ? (squares / (n - 1) / n).squareRoot() : .nan
  }

  /// A statistic of `count` examples, with the standard error of the delete-a-block jackknife (Efron and
  /// Stein 1981).
  ///
  /// - Parameter parts: The statistic without each of equal blocks of the examples. The error is itself
  ///   known to one part in √(2 (blocks - 1)).
  package init(jackknife whole: Double, leavingOut parts: [Double], count: Int) {
    (mean, self.count) = (whole, count)
    let blocks = Double(parts.count)
    let middle = parts.reduce(0, +) / blocks
    let squares = parts.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    standardError =
      parts.count > 1 ? (squares * (blocks - 1) / blocks).squareRoot() : .nan
  }

  /// The mean of `a - b` over examples that both scored, which a difference of means does not know
  /// as well: what makes an example hard for both cancels.
  package static func paired(_ a: [Double], _ b: [Double]) -> Figure {
    Figure(zip(a, b).map { $0 - $1 })
  }

  /// Where the truth is with a probability of 95 %, by the normal approximation.
  package var interval: (lower: Double, upper: Double) {
    (mean - 1.96 * standardError, mean + 1.96 * standardError)
  }
}
