/// A small square matrix in row-major order.
struct SquareMatrix: Equatable, Sendable {
  let size: Int
  var elements: [Double]

  subscript(row: Int, column: Int) -> Double {
    get { elements[row * size + column] }
    set { elements[row * size + column] = newValue }
  }

  init(size: Int, elements: [Double]) {
    self.size = size
    self.elements = elements
  }

  init(zerosOfSize size: Int) {
    self.init(size: size, elements: [Double](repeating: 0, count: size * size))
  }

  var trace: Double { (0..<size).reduce(0) { $0 + self[$1, $1] } }

  /// The lower triangular L with L Lᵀ = self, or the index of the first pivot that is not positive.
  func cholesky() -> (factor: SquareMatrix, failure: Int?) {
    var l = SquareMatrix(zerosOfSize: size)
    for i in 0..<size {
      for j in 0...i {
        var rest = self[i, j]
        for k in 0..<j { rest -= l[i, k] * l[j, k] }
        if i == j {
          guard rest > 0 else { return (l, i) }
          l[i, i] = rest.squareRoot()
        } else {
          l[i, j] = rest / l[j, j]
        }
      }
    }
    return (l, nil)
  }

  /// A lower triangular L with L Lᵀ = self up to rounding, for a positive semidefinite matrix.
  ///
  /// A pivot no larger than the rounding error of the largest one counts as zero, and so does the
  /// rest of its column, whose elements are bounded by the root of the product of two pivots.
  func semidefiniteFactor() -> SquareMatrix {
    var l = SquareMatrix(zerosOfSize: size)
    let largest = (0..<size).reduce(0) { max($0, self[$1, $1]) }
    let least = Double(size) * .ulpOfOne * largest
    for j in 0..<size {
      var pivot = self[j, j]
      for k in 0..<j { pivot -= l[j, k] * l[j, k] }
      guard pivot > least else { continue }
      let root = pivot.squareRoot()
      l[j, j] = root
      for i in j + 1..<max(size, j + 1) {
        var rest = self[i, j]
        for k in 0..<j { rest -= l[i, k] * l[j, k] }
        l[i, j] = rest / root
      }
    }
    return l
  }

  /// Solves self y = b for a lower triangular matrix.
  func solvingLower(_ b: [Double]) -> [Double] {
    var y = b
    for i in 0..<size {
      for k in 0..<i { y[i] -= self[i, k] * y[k] }
      y[i] /= self[i, i]
    }
    return y
  }

  /// The product selfᵀ other.
  func transposedTimes(_ other: SquareMatrix) -> SquareMatrix {
    var result = SquareMatrix(zerosOfSize: size)
    for k in 0..<size {
      for i in 0..<size where self[k, i] != 0 {
        for j in 0..<size { result[i, j] += self[k, i] * other[k, j] }
      }
    }
    return result
  }

  /// The singular values, by one-sided Jacobi rotations of the rows (Hestenes 1958).
  func singularValues() -> [Double] {
    var a = self
    let tolerance = 1e-15 * Double(size)
    for _ in 0..<60 {
      var rotated = false
      for p in 0..<size {
        for q in (p + 1)..<max(size, p + 1) {
          var (pp, qq, pq) = (0.0, 0.0, 0.0)
          for k in 0..<size {
            pp += a[p, k] * a[p, k]
            qq += a[q, k] * a[q, k]
            pq += a[p, k] * a[q, k]
          }
          guard pq.magnitude > tolerance * (pp * qq).squareRoot() else { continue }
          rotated = true
          let zeta = (qq - pp) / (2 * pq)
          let tangent =
            (zeta < 0 ? -1.0 : 1.0) / (zeta.magnitude + (1 + zeta * zeta).squareRoot())
          let cosine = 1 / (1 + tangent * tangent).squareRoot()
          let sine = cosine * tangent
          for k in 0..<size {
            let (x, y) = (a[p, k], a[q, k])
            a[p, k] = cosine * x - sine * y
            a[q, k] = sine * x + cosine * y
          }
        }
      }
      if !rotated { break }
    }
    return (0..<size).map { row in
      (0..<size).reduce(0) { $0 + a[row, $1] * a[row, $1] }.squareRoot()
    }
  }
}
