import Support

/// A Gaussian of n independent variables.
///
/// Densities are with respect to Lebesgue measure; logarithms are natural, so divergences are in
/// nats. The formulas are those of `Gaussian` with diagonal covariances.
public struct DiagonalGaussian: Equatable, Sendable {
  /// n numbers.
  public let mean: [Double]
  /// n standard deviations, greater than 0.
  public let deviation: [Double]

  /// The Gaussian of these means and standard deviations.
  ///
  /// - Throws: `FigmentError` if their counts differ, a number is not finite, or a deviation
  ///   is not greater than 0.
  public init(mean: [Double], deviation: [Double]) throws {
    try check(mean, count: mean.count, name: "a Gaussian mean")
    try check(deviation, count: mean.count, name: "a Gaussian deviation")
    if let index = deviation.firstIndex(where: { $0 <= 0 }) {
      throw FigmentError(
        "a Gaussian deviation is \(deviation[index]) at index \(index); expected more than 0")
    }
    self.mean = mean
    self.deviation = deviation
  }

  /// n.
  public var dimension: Int { mean.count }

  /// n/2 log(2πe) + Σ log σ, in nats.
  public var entropy: Double {
    deviation.reduce(Double(dimension) / 2 * (2 * Double.pi).logarithm + Double(dimension) / 2) {
      $0 + $1.logarithm
    }
  }

  /// The logarithm of the density at a point of n numbers.
  ///
  /// - Throws: `FigmentError` unless there are n finite numbers.
  public func logDensity(_ point: [Double]) throws -> Double {
    try check(point, count: dimension, name: "a point")
    return mean.indices.reduce(-Double(dimension) / 2 * (2 * Double.pi).logarithm) { sum, i in
      let z = (point[i] - mean[i]) / deviation[i]
      return sum - z * z / 2 - deviation[i].logarithm
    }
  }

  /// KL(self || other), in nats; 0 only for equal Gaussians.
  ///
  /// - Throws: `FigmentError` if the dimensions differ.
  public func divergence(to other: DiagonalGaussian) throws -> Double {
    try sum(other) { difference, p, q in
      // (s² - 1)/2 - log s for s = p/q = 1 + e, which keeps its digits when s is near 1.
      let e = (p - q) / q
      let z = difference / q
      return e * (2 + e) / 2 - e.logarithmOfOneMore + z * z / 2
    }
  }

  /// The squared 2-Wasserstein distance |μ_p - μ_q|² + Σ (σ_p - σ_q)²; symmetric.
  ///
  /// - Throws: `FigmentError` if the dimensions differ.
  public func squaredWassersteinDistance(to other: DiagonalGaussian) throws -> Double {
    try sum(other) { difference, p, q in difference * difference + (p - q) * (p - q) }
  }

  /// A point of n numbers.
  public func draw(using generator: inout some RandomNumberGenerator) -> [Double] {
    zip(mean, deviation).map { $0 + $1 * generator.normal() }
  }

  /// The sum over the variables of a function of the means' difference and the two deviations.
  private func sum(
    _ other: DiagonalGaussian, _ term: (Double, Double, Double) -> Double
  ) throws -> Double {
    try checkSameDimension(dimension, other.dimension)
    return mean.indices.reduce(0) {
      $0 + term(mean[$1] - other.mean[$1], deviation[$1], other.deviation[$1])
    }
  }
}

func checkSameDimension(_ a: Int, _ b: Int) throws {
  guard a == b else {
    throw FigmentError("Gaussians of \(a) and \(b) dimensions; expected the same")
  }
}
