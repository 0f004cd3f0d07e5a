import Formats
import Support

/// Points of the plane from a user's file.
public struct UserPoints: Sendable, Equatable {
  /// Number of points, at least 2.
  public let count: Int
  /// Coordinates [count, 2] with x before y, in data coordinates; all finite.
  ///
  /// Double precision, so that standardisation loses nothing even far from the origin.
  public let values: [Double]
  /// The mean over the rows of `Split.train`.
  public let mean: Point
  /// The standard deviation of each coordinate over the rows of `Split.train`, dividing by their
  /// number; above 0.
  public let standardDeviation: Point
  /// The minimum of each coordinate.
  public let lower: Point
  /// The maximum of each coordinate.
  public let upper: Point
  /// Remarks about how the points were read.
  public let notes: [DataNote]

  /// Creates points from [count, 2] numbers; errors start with `name`.
  ///
  /// Throws `FigmentError` for fewer than 2 points, a number that is not finite, a column that is
  /// constant over the rows of `Split.train`, and numbers too large or too close for a standard
  /// deviation.
  init(_ values: [Double], name: String, notes: [DataNote] = []) throws {
    self.notes = notes
    count = values.count / 2
    guard count >= 2 else {
      throw FigmentError("\(name): \(counted(count, "point")), expected at least 2")
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw FigmentError(
        "\(name): value [\(index / 2), \(index % 2)] is \(values[index]), expected a finite number")
    }
    self.values = values
    let rows = Split.train.rows(of: count)
    func moments(_ axis: Int) throws -> (mean: Double, standardDeviation: Double) {
      let first = values[2 * rows[0] + axis]
      guard rows.contains(where: { values[2 * $0 + axis] != first }) else {
        throw FigmentError(
          "\(name): column \(axis + 1) is \(first) in all \(rows.count) training rows, expected "
            + "values that differ")
      }
      let mean = rows.reduce(0) { $0 + values[2 * $1 + axis] } / Double(rows.count)
      let square = rows.reduce(0) { sum, row in
        let difference = values[2 * row + axis] - mean
        return sum + difference * difference
      }
      let standardDeviation = (square / Double(rows.count)).squareRoot()
      guard standardDeviation.isFinite, standardDeviation >= .leastNormalMagnitude else {
        throw FigmentError(
          "\(name): column \(axis + 1) has standard deviation \(standardDeviation) in double precision, "
            + "expected a finite one above 0")
      }
      return (mean, standardDeviation)
    }
    let (x, y) = (try moments(0), try moments(1))
    mean = Point(x: x.mean, y: y.mean)
    standardDeviation = Point(x: x.standardDeviation, y: y.standardDeviation)
    var (lower, upper) = (Point(x: values[0], y: values[1]), Point(x: values[0], y: values[1]))
    for row in 0..<count {
      let (x, y) = (values[2 * row], values[2 * row + 1])
      lower = Point(x: min(lower.x, x), y: min(lower.y, y))
      upper = Point(x: max(upper.x, x), y: max(upper.y, y))
    }
    (self.lower, self.upper) = (lower, upper)
    for (value, (mean, standardDeviation)) in zip(
      [lower.x, upper.x, lower.y, upper.y], [x, x, y, y])
    {
      guard Float((value - mean) / standardDeviation).isFinite else {
        throw FigmentError(
          "\(name): value \(value) is too many standard deviations (\(standardDeviation)) from the mean"
        )
      }
    }
  }

  /// The points of a split, or all points, standardised to mean 0 and standard deviation 1 along
  /// each axis of the training rows: [rows, 2].
  public func standardised(_ split: Split? = nil) -> [Float] {
    let rows = split.map { $0.rows(of: count) } ?? Array(0..<count)
    var result: [Float] = []
    result.reserveCapacity(2 * rows.count)
    for row in rows {
      result.append(Float((values[2 * row] - mean.x) / standardDeviation.x))
      result.append(Float((values[2 * row + 1] - mean.y) / standardDeviation.y))
    }
    return result
  }
}
