import Support

/// Values on a grid of equal cells over a rectangle of the plane.
public struct Grid: Equatable, Sendable {
  /// Values `[rows, columns]`, row-major; the first row is the lowest, at the lower bound of
  /// `yRange`.
  public let values: [Double]
  /// Number of cells from bottom to top.
  public let rows: Int
  /// Number of cells from left to right.
  public let columns: Int
  /// The horizontal extent of the grid.
  public let xRange: ClosedRange<Double>
  /// The vertical extent of the grid.
  public let yRange: ClosedRange<Double>

  /// Creates a grid from values, one for each cell.
  public init(
    _ values: some Collection<some BinaryFloatingPoint>, rows: Int, columns: Int,
    xRange: ClosedRange<Double>, yRange: ClosedRange<Double>
  ) throws(FigmentError) {
    guard rows > 0, columns > 0 else {
      throw FigmentError("a grid cannot have \(rows) rows and \(columns) columns")
    }
    // A product that overflows cannot equal the number of values.
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard !overflow, values.count == count else {
      throw FigmentError("\(values.count) values do not make a grid of \(rows) x \(columns)")
    }
    for range in [xRange, yRange] {
      guard range.lowerBound.isFinite, range.upperBound.isFinite,
        range.lowerBound < range.upperBound
      else { throw FigmentError("the range \(range) is no side of a grid") }
    }
    self.values = values.map { Double($0) }
    (self.rows, self.columns) = (rows, columns)
    (self.xRange, self.yRange) = (xRange, yRange)
  }

  /// Creates a grid from the values of a function at the cell centres.
  public init(
    rows: Int, columns: Int, xRange: ClosedRange<Double>, yRange: ClosedRange<Double>,
    value: (_ x: Double, _ y: Double) -> Double
  ) throws(FigmentError) {
    let middles = Self.middles(rows: rows, columns: columns, xRange: xRange, yRange: yRange)
    try self.init(
      middles.map { value($0.x, $0.y) }, rows: rows, columns: columns, xRange: xRange,
      yRange: yRange)
  }

  /// The cell centres of a grid, in the order of its values.
  public static func middles(
    rows: Int, columns: Int, xRange: ClosedRange<Double>, yRange: ClosedRange<Double>
  ) -> [(x: Double, y: Double)] {
    func middle(_ index: Int, of count: Int, _ range: ClosedRange<Double>) -> Double {
      range.lowerBound
        + (Double(index) + 0.5) / Double(count) * (range.upperBound - range.lowerBound)
    }
    return (0..<max(rows, 0)).flatMap { row in
      (0..<max(columns, 0)).map { column in
        (x: middle(column, of: columns, xRange), y: middle(row, of: rows, yRange))
      }
    }
  }
}

/// A grid shown as colours: the mapping from values to colours, and the label of the colour bar.
public struct Heat: Sendable {
  /// The values.
  public var grid: Grid
  /// The label above the colour bar.
  public var label: String
  /// The values of the first and last colour; if nil, the range of the finite values.
  ///
  /// On a logarithmic scale the default is the range of the positive values, at most six decades.
  /// Values outside get the nearer of the two colours.
  public var range: ClosedRange<Double>?
  /// True if equal steps of colour are equal ratios.
  ///
  /// Zero is then below every range, and negative values are shown as missing.
  public var isLogarithmic: Bool
  /// The colours.
  public var colors: ColorMap
  /// True to draw a colour bar.
  public var showsBar: Bool

  /// Creates a coloured grid.
  public init(
    _ grid: Grid, label: String = "", range: ClosedRange<Double>? = nil,
    isLogarithmic: Bool = false, colors: ColorMap = .paper, showsBar: Bool = true
  ) {
    (self.grid, self.label, self.range) = (grid, label, range)
    (self.isLogarithmic, self.colors, self.showsBar) = (isLogarithmic, colors, showsBar)
  }

  /// The scale of the colours.
  func scale() throws(FigmentError) -> Scale {
    if range != nil { return try Images.scale([], range, isLogarithmic: isLogarithmic) }
    guard isLogarithmic else { return Scale(covering: grid.values, room: 0) }
    let covering = Scale(covering: grid.values, isLogarithmic: true, room: 0).range
    let floor = max(covering.lowerBound, 1e-6 * covering.upperBound)
    return Scale(floor...covering.upperBound, isLogarithmic: true)
  }

  /// Returns true if `value` has a colour on the scale.
  func isShown(_ value: Double) -> Bool { value.isFinite && (value >= 0 || !isLogarithmic) }

  /// Legend entries for the values that have no colour.
  func remarks() -> [LegendEntry] {
    let notFinite = grid.values.count { !$0.isFinite }
    let negative = grid.values.count { !isShown($0) } - notFinite
    let words =
      (notFinite > 0 ? ["\(notFinite) not finite"] : [])
      + (negative > 0 ? ["\(negative) negative"] : [])
    return words.isEmpty
      ? [] : [LegendEntry(words.joined(separator: ", "), colors.missing)]
  }
}

extension Chart {
  /// Colours every pixel of the frame inside the grid by the cell that contains its centre.
  mutating func paint(_ heat: Heat, _ scale: Scale) {
    let grid = heat.grid
    let cells = grid.values.map { value in
      heat.isShown(value)
        ? heat.colors.color(at: scale.fraction(of: value)) : heat.colors.missing
    }
    let frame = axes.frame
    func cell(_ fraction: Double, _ axis: Scale, _ range: ClosedRange<Double>, _ count: Int) -> Int?
    {
      let value = axis.range.lowerBound + fraction * axis.length
      let place = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
      return (0..<1).contains(place) ? min(Int(place * Double(count)), count - 1) : nil
    }
    let columns = (0..<frame.width).map {
      cell((Double($0) + 0.5) / Double(frame.width), axes.x, grid.xRange, grid.columns)
    }
    for y in 0..<frame.height {
      let fraction = 1 - (Double(y) + 0.5) / Double(frame.height)
      guard let row = cell(fraction, axes.y, grid.yRange, grid.rows) else { continue }
      for (x, column) in columns.enumerated() {
        guard let column else { continue }
        bitmap.fill(
          Rectangle(x: frame.x + x, y: frame.y + y, width: 1, height: 1),
          cells[row * grid.columns + column])
      }
    }
  }
}
