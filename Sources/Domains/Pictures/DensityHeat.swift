import Datasets
import Images

extension Plane {
  /// Heat map of a log density over the window of the data.
  ///
  /// - Parameter logDensity: log p of points in data coordinates, in nats.
  package func heat(
    label: String = "log density, nats", _ logDensity: ([Point]) throws -> [Double]
  ) throws -> Heat {
    let (lower, upper) = window
    let (width, height) = (upper.x - lower.x, upper.y - lower.y)
    let cell = max(width, height) / 280
    let (rows, columns) = (
      max(1, Int((height / cell).rounded())), max(1, Int((width / cell).rounded()))
    )
    let (xRange, yRange) = (lower.x...upper.x, lower.y...upper.y)
    let middles = Grid.middles(rows: rows, columns: columns, xRange: xRange, yRange: yRange)
    let values = try logDensity(middles.map { Point(x: $0.x, y: $0.y) })
    let grid = try Grid(
      values.map { max($0, -1e4) }, rows: rows, columns: columns, xRange: xRange,
      yRange: yRange)
    let peak = grid.values.max() ?? 0
    // A range of 8 nats reaches four standard deviations of a Gaussian.
    return Heat(grid, label: label, range: peak - 8...peak)
  }
}
