import Support

/// A Gaussian distribution of n variables with any positive definite covariance.
///
/// Densities are with respect to Lebesgue measure; logarithms are natural, so divergences are in
/// nats. Meant for small n: construction costs n³/3 operations, a Wasserstein distance about 50 n³.
public struct Gaussian: Equatable, Sendable {
  /// Mean: n numbers.
  public let mean: [Double]
  private let matrix: SquareMatrix
  /// Cholesky factor L with L Lᵀ = Σ.
  private let factor: SquareMatrix

  /// Creates the distribution with a mean and a covariance.
  ///
  /// - Parameters:
  ///   - mean: n numbers.
  ///   - covariance: n × n numbers in row-major order; symmetric and positive definite.
  /// - Throws: `FigmentError` if there are not n² finite numbers, or they are not symmetric
  ///   within 1e-9 of the largest, or not positive definite.
  public init(mean: [Double], covariance: [Double]) throws {
    let n = mean.count
    try check(mean, count: n, name: "a Gaussian mean")
    try check(covariance, count: n * n, name: "a Gaussian covariance")
    let matrix = SquareMatrix(size: n, elements: covariance)
    let allowed = 1e-9 * covariance.reduce(0) { max($0, $1.magnitude) }
    for i in 0..<n {
      for j in 0..<i where (matrix[i, j] - matrix[j, i]).magnitude > allowed {
        throw FigmentError(
          "a Gaussian covariance has \(matrix[i, j]) at (\(i), \(j)) and \(matrix[j, i]) at "
            + "(\(j), \(i)); expected a symmetric matrix")
      }
    }
    let (factor, failure) = matrix.cholesky()
    if let failure {
      throw FigmentError(
        "a Gaussian covariance has no positive pivot in row \(failure); "
          + "expected a positive definite matrix")
    }
    self.mean = mean
    self.matrix = matrix
    self.factor = factor
  }

  /// Creates the same distribution as a Gaussian of independent variables.
  public init(_ diagonal: DiagonalGaussian) {
    mean = diagonal.mean
    var matrix = SquareMatrix(zerosOfSize: diagonal.dimension)
    var factor = matrix
    for (i, deviation) in diagonal.standardDeviation.enumerated() {
      matrix[i, i] = deviation * deviation
      factor[i, i] = deviation
    }
    self.matrix = matrix
    self.factor = factor
  }

  /// Number of variables n.
  public var dimension: Int { mean.count }
  /// Covariance Σ: n × n numbers in row-major order.
  public var covariance: [Double] { matrix.elements }
  /// Logarithm of the determinant of Σ.
  public var logDeterminant: Double { 2 * factor.logDiagonal }

  /// Differential entropy n/2 log(2πe) + log(det Σ)/2, in nats.
  public var entropy: Double {
    Double(dimension) / 2 * ((2 * Double.pi).logarithm + 1) + factor.logDiagonal
  }

  /// Logarithm of the density at a point of n numbers.
  ///
  /// - Throws: `FigmentError` unless there are n finite numbers.
  public func logDensity(_ point: [Double]) throws -> Double {
    try check(point, count: dimension, name: "a point")
    let z = factor.solvingLower(zip(point, mean).map { $0 - $1 })
    return -dot(z, z) / 2 - factor.logDiagonal - Double(dimension) / 2 * (2 * Double.pi).logarithm
  }

  /// KL(self || other) = ½ [Δᵀ Σ_q⁻¹ Δ - log det(Σ_q⁻¹ Σ_p) + tr(Σ_q⁻¹ Σ_p) - n], in nats.
  ///
  /// - Throws: `FigmentError` if the dimensions differ.
  public func divergence(to other: Gaussian) throws -> Double {
    try checkSameDimension(dimension, other.dimension)
    let z = other.factor.solvingLower(zip(mean, other.mean).map { $0 - $1 })
    // tr(Σ_q⁻¹ Σ_p) = |L_q⁻¹ L_p|², one column at a time.
    let trace = (0..<dimension).reduce(0.0) { sum, column in
      let solved = other.factor.solvingLower((0..<dimension).map { factor[$0, column] })
      return sum + dot(solved, solved)
    }
    let halves = (dot(z, z) + trace - Double(dimension)) / 2
    return max(halves + other.factor.logDiagonal - factor.logDiagonal, 0)
  }

  /// The squared 2-Wasserstein distance; symmetric.
  ///
  /// It is |Δ|² + tr Σ_p + tr Σ_q - 2 tr (Σ_p^½ Σ_q Σ_p^½)^½ (Dowson and Landau 1982). The last
  /// trace is the sum of the singular values of L_qᵀ L_p.
  ///
  /// - Throws: `FigmentError` if the dimensions differ.
  public func squaredWassersteinDistance(to other: Gaussian) throws -> Double {
    try checkSameDimension(dimension, other.dimension)
    let difference = zip(mean, other.mean).map { $0 - $1 }
    return dot(difference, difference) + factor.squaredWassersteinDistance(to: other.factor)
  }

  /// Draws a point of n numbers.
  public func draw(using generator: inout some RandomNumberGenerator) -> [Double] {
    let z = mean.map { _ in generator.normal() }
    return mean.indices.map { i in
      (0...i).reduce(mean[i]) { $0 + factor[i, $1] * z[$1] }
    }
  }
}

extension SquareMatrix {
  /// tr Σ_p + tr Σ_q - 2 tr (Σ_p^½ Σ_q Σ_p^½)^½ for Σ_p = L Lᵀ of this L, and Σ_q of another.
  func squaredWassersteinDistance(to other: SquareMatrix) -> Double {
    // tr L Lᵀ is the sum of the squares of all elements.
    let traces = dot(elements, elements) + dot(other.elements, other.elements)
    return max(traces - 2 * other.transposedTimes(self).singularValues().reduce(0, +), 0)
  }

  /// Σ log of the diagonal elements: half of log det Σ for a Cholesky factor.
  fileprivate var logDiagonal: Double {
    (0..<size).reduce(0) { $0 + self[$1, $1].logarithm }
  }
}
