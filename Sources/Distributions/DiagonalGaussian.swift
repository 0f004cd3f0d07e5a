import Support

/// A Gaussian distribution of n independent variables.
///
/// Densities are with respect to Lebesgue measure; logarithms are natural, so divergences are in
/// nats. The formulas are those of `Gaussian` with diagonal covariances.
public struct DiagonalGaussian: Equatable, Sendable {
  /// Mean: n numbers.
  public let mean: [Double]
  /// Standard deviations: n numbers greater than 0.
  public let standardDeviation: [Double]

  /// Creates the distribution with these means and standard deviations.
  ///
  /// - Throws: `FigmentError` if their counts differ, a number is not finite, or a standard
  ///   standard deviation is not greater than 0.
  public init(mean: [Double], standardDeviation: [Double]) throws {
    try check(mean, count: mean.count, name: "a Gaussian mean")
    try check(standardDeviation, count: mean.count, name: "a Gaussian standard deviation")
    if let index = standardDeviation.firstIndex(where: { $0 <= 0 }) {
      throw FigmentError(
        "a Gaussian standard deviation is \(standardDeviation[index]) at index \(index); expected more than 0"
      )
    }
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// Number of variables n.
  public var dimension: Int { mean.count }

  /// Differential entropy n/2 log(2πe) + Σ log σ, in nats.
  public var entropy: Double {
    standardDeviation.reduce(
      Double(dimension) / 2 * (2 * Double.pi).logarithm + Double(dimension) / 2
    ) {
      $0 + $1.logarithm
    }
  }

  /// Logarithm of the density at a point of n numbers.
  ///
  /// - Throws: `FigmentError` unless there are n finite numbers.
  public func logDensity(_ point: [Double]) throws -> Double {
    try check(point, count: dimension, name: "a point")
    return mean.indices.reduce(-Double(dimension) / 2 * (2 * Double.pi).logarithm) { sum, i in
      let z = (point[i] - mean[i]) / standardDeviation[i]
      return sum - z * z / 2 - standardDeviation[i].logarithm
    }
  }

  /// KL(self || other), in nats; 0 only for equal Gaussians.
  ///
  /// - Throws: `FigmentError` if the dimensions differ.
  public func divergence(to other: DiagonalGaussian) throws -> Double {
    try sum(other) { difference, p, q in
      // (s² - 1)/2 - log s for s = p/q = 1 + e, which keeps its precision when s is near 1.
      let e = (p - q) / q
      let z = difference / q
      return e * (2 + e) / 2 - e.logOnePlusSelf + z * z / 2
    }
  }

  /// The squared 2-Wasserstein distance |μ_p - μ_q|² + Σ (σ_p - σ_q)²; symmetric.
  ///
  /// - Throws: `FigmentError` if the dimensions differ.
  public func squaredWassersteinDistance(to other: DiagonalGaussian) throws -> Double {
    try sum(other) { difference, p, q in difference * difference + (p - q) * (p - q) }
  }

  /// Draws a point of n numbers.
  public func draw(using generator: inout some RandomNumberGenerator) -> [Double] {
    zip(mean, standardDeviation).map { $0 + $1 * generator.normal() }
  }

  /// The sum over the variables of a function of the difference of means and the two standard
  /// deviations.
  private func sum(
    _ other: DiagonalGaussian, _ term: (Double, Double, Double) -> Double
  ) throws -> Double {
    try checkSameDimension(dimension, other.dimension)
    return mean.indices.reduce(0) {
      $0 + term(mean[$1] - other.mean[$1], standardDeviation[$1], other.standardDeviation[$1])
    }
  }
}

func checkSameDimension(_ a: Int, _ b: Int) throws {
  guard a == b else {
    throw FigmentError("Gaussians of \(a) and \(b) dimensions; expected the same")
  }
}
