import Support

/// Mean and covariance of vectors, which determine their Fréchet distance.
///
/// Unlike that of a `Gaussian`, the covariance may be singular.
public struct Moments: Sendable {
  /// Mean: n numbers.
  public let mean: [Double]
  /// Number of vectors.
  public let count: Int
  /// Covariance Σ: n × n numbers in row-major order.
  public var covariance: [Double] { matrix.elements }
  private let matrix: SquareMatrix
  /// Factor L with L Lᵀ = Σ.
  private let factor: SquareMatrix

  /// Computes the moments of selected rows of a table in double precision; the covariance divides
  /// by one less than the number of rows.
  ///
  /// - Parameters:
  ///   - vectors: The table of `width` columns in row-major order.
  ///   - rows: Indices of the rows; all rows if nil.
  /// - Throws: `FigmentError` for fewer than two rows, or a number that is not finite.
  public init(_ vectors: [Float], width: Int, rows: [Int]? = nil) throws {
    let rows = rows ?? Array(0..<vectors.count / max(1, width))
    guard width > 0, rows.count > 1 else {
      throw FigmentError("the moments of \(rows.count) vectors; expected at least 2")
    }
    let n = Double(rows.count)
    var sums = [Double](repeating: 0, count: width)
    for row in rows {
      for i in 0..<width { sums[i] += Double(vectors[row * width + i]) }
    }
    let mean = sums.map { $0 / n }
    var matrix = SquareMatrix(zerosOfSize: width)
    var centred = mean
    for row in rows {
      for i in 0..<width { centred[i] = Double(vectors[row * width + i]) - mean[i] }
      for i in 0..<width {
        let x = centred[i] / (n - 1)
        for j in 0...i { matrix.elements[i * width + j] += x * centred[j] }
      }
    }
    for i in 0..<width {
      for j in 0..<i { matrix[j, i] = matrix[i, j] }
    }
    try check(mean, count: width, name: "a mean")
    try check(matrix.elements, count: width * width, name: "a covariance")
    (self.mean, self.matrix, count) = (mean, matrix, rows.count)
    factor = matrix.semidefiniteFactor()
  }

  /// The squared Fréchet distance, which is the squared 2-Wasserstein distance of Gaussians with these
  /// moments: |Δ|² + tr Σ_p + tr Σ_q - 2 tr (Σ_p^½ Σ_q Σ_p^½)^½ (Dowson and Landau 1982).
  ///
  /// - Throws: `FigmentError` if the dimensions differ.
  public func squaredFrechetDistance(to other: Moments) throws -> Double {
    try checkSameDimension(mean.count, other.mean.count)
    let difference = zip(mean, other.mean).map { $0 - $1 }
    return dot(difference, difference) + factor.squaredWassersteinDistance(to: other.factor)
  }
}
