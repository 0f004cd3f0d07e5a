import TensorCore

/// Nearest neighbour search among points, by blocked matrix products.
///
/// |x - y|² = |x|² + |y|² - 2 x·y in single precision selects candidates, which are compared in
/// double precision.
package final class Neighbours {
  /// Number of coordinates of a point.
  package let width: Int
  private let program: Program
  private let left, right, squares: Tensor
  /// Number of points in a block.
  private static let rows = 512, columns = 2048

  /// Creates the search for points of `width` coordinates.
  ///
  /// - Throws: `TensorError` if memory runs out.
  package init(width: Int, _ runtime: Runtime) throws {
    self.width = width
    left = .input("left", [Self.rows, width])
    right = .input("right", [Self.columns, width])
    let lengths = right.squared().sum(1).reshape([1, Self.columns])
    squares =
      left.squared().sum(1, keep: true) + lengths
      - 2 * left.matmul(right, transposedRight: true)
    program = try runtime.compile("neighbours", [squares], sharesDraws: true)
  }

  /// The nearest points to each query.
  package struct Nearest: Sendable {
    /// Number of neighbours per query.
    package let k: Int
    /// Indices of the neighbours, nearest first: [count, k].
    package let indices: [Int]
    /// Squared distances to the neighbours: [count, k].
    package let squaredDistances: [Double]
  }

  /// Finds the k nearest of `points`, [n, width], to each of `queries`, [count, width]; on ties,
  /// the first ones.
  ///
  /// - Parameter excludingSelf: True if both are the same points, to exclude each from its own
  ///   neighbours.
  /// - Throws: `TensorError` if there are fewer than k points.
  package func nearest(
    _ k: Int, to queries: [Float], among points: [Float], excludingSelf: Bool = false
  ) throws -> Nearest {
    let count = points.count / width
    guard k >= 1, k <= count - (excludingSelf ? 1 : 0) else {
      throw TensorError("\(k) neighbours among \(count) points; expected fewer, and at least 1")
    }
    // A few more than k, because single precision may swap points at similar distances.
    let kept = min(count - (excludingSelf ? 1 : 0), k + 4)
    let total = queries.count / width
    var distances = [Float](repeating: .infinity, count: total * kept)
    var indices = [Int](repeating: 0, count: total * kept)
    try forEachBlock(queries, points, centre(points)) { rows, columns, squares in
      for row in rows {
        let last = (row + 1) * kept - 1
        let start = (row - rows.lowerBound) * Self.columns
        for column in columns {
          let square = squares[start + column - columns.lowerBound]
          guard square < distances[last], !(excludingSelf && row == column) else { continue }
          var place = last
          while place > row * kept, distances[place - 1] > square {
            distances[place] = distances[place - 1]
            indices[place] = indices[place - 1]
            place -= 1
          }
          (distances[place], indices[place]) = (square, column)
        }
      }
    }
    var (found, squared): ([Int], [Double]) = ([], [])
    for row in 0..<total {
      let exact = indices[row * kept..<(row + 1) * kept].map { index in
        (square: squaredDistance(queries, row, points, index), index: index)
      }.sorted { $0 < $1 }
      found += exact.prefix(k).map(\.index)
      squared += exact.prefix(k).map(\.square)
    }
    return Nearest(k: k, indices: found, squaredDistances: squared)
  }

  /// Returns for each of `queries`, [count, width], whether it is in a ball around one of `centres`,
  /// [n, width].
  ///
  /// - Parameter squaredRadii: Squared radii of the balls, [n].
  package func areWithin(
    _ queries: [Float], balls centres: [Float], squaredRadii: [Double]
  ) throws -> [Bool] {
    var within = [Bool](repeating: false, count: queries.count / width)
    let radii = squaredRadii.map { Float($0) }
    // A margin above the single-precision error of the largest distance.
    let centre = centre(centres)
    let slack = 1e-5 * (largestSquare(queries, centre) + largestSquare(centres, centre))
    try forEachBlock(queries, centres, centre) { rows, columns, squares in
      for row in rows where !within[row] {
        let start = (row - rows.lowerBound) * Self.columns
        for column in columns {
          let excess = squares[start + column - columns.lowerBound] - radii[column]
          guard excess <= slack else { continue }
          guard
            excess < -slack
              || squaredDistance(queries, row, centres, column) <= squaredRadii[column]
          else { continue }
          within[row] = true
          break
        }
      }
    }
    return within
  }

  /// The number of points that have each point among their k nearest, [n]; the sum is k n.
  ///
  /// Points with a high number are hubs, which exist in high dimensions (Radovanović et al. 2010).
  ///
  /// - Throws: `TensorError` unless there are more than k points.
  package func inDegrees(_ points: [Float], k: Int) throws -> [Int] {
    var degrees = [Int](repeating: 0, count: points.count / width)
    let nearest = try nearest(k, to: points, among: points, excludingSelf: true)
    for index in nearest.indices { degrees[index] += 1 }
    return degrees
  }

  /// The mean, which is subtracted from all points to reduce cancellation.
  private func centre(_ points: [Float]) -> [Float] {
    var sums = [Double](repeating: 0, count: width)
    for i in points.indices { sums[i % width] += Double(points[i]) }
    return sums.map { Float($0 / Double(max(1, points.count / width))) }
  }

  private func largestSquare(_ points: [Float], _ centre: [Float]) -> Float {
    stride(from: 0, to: points.count, by: width).reduce(0) { largest, start in
      let square = centre.indices.reduce(Float(0)) { sum, axis in
        let x = points[start + axis] - centre[axis]
        return sum + x * x
      }
      return max(largest, square)
    }
  }

  private func squaredDistance(_ a: [Float], _ i: Int, _ b: [Float], _ j: Int) -> Double {
    (0..<width).reduce(0.0) { sum, axis in
      let difference = Double(a[i * width + axis]) - Double(b[j * width + axis])
      return sum + difference * difference
    }
  }

  /// Calls `body` with the squared distances of each block, row-major; each row has the length
  /// of a full block of columns.
  private func forEachBlock(
    _ a: [Float], _ b: [Float], _ centre: [Float],
    _ body: (_ rows: Range<Int>, _ columns: Range<Int>, _ squares: Span<Float>) -> Void
  ) throws {
    func fill(_ input: Tensor, _ points: [Float], _ range: Range<Int>) throws {
      try program.fill(input) { span in
        for row in 0..<range.count {
          for axis in 0..<width {
            span[row * width + axis] =
              points[(range.lowerBound + row) * width + axis] - centre[axis]
          }
        }
      }
    }
    let (m, n) = (a.count / width, b.count / width)
    for first in stride(from: 0, to: m, by: Self.rows) {
      let rows = first..<min(m, first + Self.rows)
      try fill(left, a, rows)
      for start in stride(from: 0, to: n, by: Self.columns) {
        let columns = start..<min(n, start + Self.columns)
        try fill(right, b, columns)
        program.run(at: 0)
        try program.read(squares) { body(rows, columns, $0) }
      }
    }
  }
}
