/// A mean over examples, or another statistic of them, with its standard error.
package struct Statistic: Equatable, Sendable {
  /// The mean, or the value of the statistic; NaN without examples.
  package let mean: Double
  /// The standard error; NaN for fewer than two examples.
  package let standardError: Double
  /// Number of examples.
  package let count: Int

  /// The mean of `values`, computed in double precision.
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
  /// - Parameter parts: The statistic with each of the equal blocks of examples left out. The
  ///   relative error of the standard error is about 1 / √(2 (blocks - 1)).
  package init(jackknife whole: Double, leavingOut parts: [Double], count: Int) {
    (mean, self.count) = (whole, count)
    let blocks = Double(parts.count)
    let middle = parts.reduce(0, +) / blocks
    let squares = parts.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    standardError =
      parts.count > 1 ? (squares * (blocks - 1) / blocks).squareRoot() : .nan
  }

  /// The mean of `a - b` over the same examples; its standard error is smaller than that of a
  /// difference of two independent means, because variation that both scores share cancels.
  package static func paired(_ a: [Double], _ b: [Double]) -> Statistic {
    Statistic(zip(a, b).map { $0 - $1 })
  }

  /// The 95 % confidence interval, by the normal approximation.
  package var interval: (lower: Double, upper: Double) {
    (mean - 1.96 * standardError, mean + 1.96 * standardError)
  }
}
