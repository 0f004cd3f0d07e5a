import Support

/// A chart in the stack drawn by `lineCharts`.
public struct LineChart: Sendable {
  /// The label above the vertical axis.
  public var label: String
  /// The lines; series of the same name have the same colour in every chart.
  public var series: [Series]
  /// The range of the vertical axis; if nil, it includes every point.
  public var range: ClosedRange<Double>?
  /// True if the vertical axis is logarithmic.
  public var isLogarithmic: Bool
  /// True to draw the running mean of each series as a bold line over the faint raw line; see
  /// `runningMean`.
  public var isSmoothed: Bool

  /// Creates a chart of a stack.
  public init(
    _ label: String, _ series: [Series], range: ClosedRange<Double>? = nil,
    isLogarithmic: Bool = false, isSmoothed: Bool = false
  ) {
    (self.label, self.series, self.range) = (label, series, range)
    (self.isLogarithmic, self.isSmoothed) = (isLogarithmic, isSmoothed)
  }
}

/// Draws lines through points, later series over earlier ones.
///
/// Without ranges the axes include every point. A line is broken at points that cannot be
/// represented: those that are not finite, or not positive on a logarithmic axis; the legend shows
/// their number.
public func lineChart(
  _ series: [Series], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  yRange: ClosedRange<Double>? = nil, logarithmicX: Bool = false, logarithmicY: Bool = false,
  isSmoothed: Bool = false, width: Int = 900, height: Int = 560
) throws(FigmentError) -> Bitmap {
  let series = colored(series)
  let points = series.flatMap(\.points)
  let x = try scale(points.lazy.map(\.x), xRange, isLogarithmic: logarithmicX, snug: true)
  let y = try scale(points.lazy.map(\.y), yRange, isLogarithmic: logarithmicY)
  var chart = try Chart(
    width: width, shape: .fixed(height: height), x: x, y: y, labels: labels,
    legend: legend(series) { missing($0, x: x, y: y) })
  chart.drawLines(series, isSmoothed: isSmoothed)
  return chart.bitmap
}

/// Draws line charts above each other, with a common horizontal axis and legend; see `lineChart`.
///
/// The label of the vertical axis in `labels` is ignored: each chart has its own. `frameHeight`
/// is the height of each chart's frame, which determines the height of the picture.
public func lineCharts(
  _ charts: [LineChart], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  logarithmicX: Bool = false, width: Int = 900, frameHeight: Int = 180
) throws(FigmentError) -> Bitmap {
  guard !charts.isEmpty else { throw FigmentError("a stack needs at least one chart") }
  guard (50...10_000).contains(frameHeight) else {
    throw FigmentError("a frame cannot be \(frameHeight) pixels high; expected 50 to 10000")
  }
  var names: [String] = []
  for name in charts.flatMap(\.series).map(\.name) where !names.contains(name) && !name.isEmpty {
    names.append(name)
  }
  let charts = charts.map { chart in
    var chart = chart
    chart.series = colored(
      chart.series.map { series in
        var series = series
        series.color = series.color ?? names.firstIndex(of: series.name).map(Color.series)
        return series
      })
    return chart
  }
  let values = charts.flatMap(\.series).flatMap(\.points).lazy.map(\.x)
  let x = try scale(values, xRange, isLogarithmic: logarithmicX, snug: true)
  let textScale = Chart.textScale(size: min(width, 600))
  var scales: [Scale] = []
  // A name has one legend entry, with the remarks of all charts.
  var named: [(series: Series, remarks: [String])] = []
  for chart in charts {
    let values = chart.series.flatMap(\.points).lazy.map(\.y)
    let y = try scale(values, chart.range, isLogarithmic: chart.isLogarithmic)
    scales.append(y)
    let place = charts.count > 1 && !chart.label.isEmpty ? " in \(chart.label)" : ""
    for series in chart.series {
      let remarks = missing(series, x: x, y: y).map { $0 + place }
      let known = named.firstIndex { $0.series.name == series.name && !series.name.isEmpty }
      if let known {
        named[known].remarks += remarks
      } else {
        named.append((series, remarks))
      }
    }
  }
  let entries = named.flatMap { item in legend([item.series]) { _ in item.remarks } }
  func rows(left: Int, heights: [Int]) throws(FigmentError) -> [Chart] {
    var rows: [Chart] = []
    for (index, (chart, y)) in zip(charts, scales).enumerated() {
      let isFirst = index == 0
      let isLast = index == charts.count - 1
      rows.append(
        try Chart(
          width: width, shape: .fixed(height: heights[index]), x: x, y: y,
          labels: Labels(
            title: isFirst ? labels.title : "", x: isLast ? labels.x : "", y: chart.label),
          legend: isFirst ? entries : [], textScale: textScale, left: left, showsX: isLast))
    }
    return rows
  }
  // The first pass measures the space around each frame, the second how far the labels reach to the
  // left.
  let enough = 2 * frameHeight + 1000
  let heights = try rows(left: 0, heights: charts.map { _ in enough }).map {
    enough - $0.axes.frame.height + frameHeight
  }
  let left = try rows(left: 0, heights: heights).reduce(0) { max($0, $1.axes.frame.x) }
  var result = Bitmap(width: width, height: heights.reduce(0, +), channels: 3)
  var top = 0
  for (var row, chart) in zip(try rows(left: left, heights: heights), charts) {
    row.drawLines(chart.series, isSmoothed: chart.isSmoothed)
    result.paste(row.bitmap, x: 0, y: top)
    top += row.bitmap.height
  }
  return result
}

/// Weighted means over a window of up to a twentieth of the values around each: a moving average of
/// a moving average over a fortieth to either side.
///
/// The window shrinks to nothing at the first value, where curves fall fast, and is cut off at the
/// last.
///
/// - Parameter half: Number of values to either side; if nil, derived from the number of values.
public func runningMean(_ values: [Double], half: Int? = nil) -> [Double] {
  let half = half ?? max(1, values.count / 80)
  func pass(_ values: [Double]) -> [Double] {
    values.indices.map { index in
      let reach = min(half, index)
      let window = values[index - reach...min(index + reach, values.count - 1)]
      let share = 1 / Double(window.count)
      return window.reduce(0) { $0 + share * $1 }
    }
  }
  return pass(pass(values))
}

/// Remarks on the points of a series that cannot be represented.
private func missing(_ series: Series, x: Scale, y: Scale) -> [String] {
  let strange = series.points.count { !$0.x.isFinite || !$0.y.isFinite }
  let all = series.points.count { !(x.canRepresent($0.x) && y.canRepresent($0.y)) }
  return (strange > 0 ? ["\(strange) not finite"] : [])
    + (all > strange ? ["\(all - strange) not positive"] : [])
}

/// The reach to either side of the running means of one chart, in units of the horizontal axis.
///
/// All series have the same window, that of the series where an eightieth of its points reaches
/// farthest. Nil if all have so few points that smoothing would hide the data.
public func smoothingReach(_ series: [Series]) -> Double? {
  series.filter { $0.points.count >= 40 }
    .map { Double(max(1, $0.points.count / 80)) * spacing($0) }.max()
}

/// The mean distance of consecutive points of a series along the horizontal axis.
private func spacing(_ series: Series) -> Double {
  let places = series.points.map(\.x).filter(\.isFinite)
  guard let first = places.min(), let last = places.max(), first < last else { return 0 }
  return (last - first) / Double(places.count - 1)
}

extension Chart {
  /// Draws each series as lines between its gaps, then the frame.
  mutating func drawLines(_ series: [Series], isSmoothed: Bool) {
    let unit = Double(textScale)
    let reach = isSmoothed ? smoothingReach(series) : nil
    /// The number of points to either side within the reach.
    func half(_ series: Series) -> Int {
      let spacing = spacing(series)
      guard let reach, spacing > 0 else { return 0 }
      return Int(min((reach / spacing).rounded(), Double(series.points.count)))
    }
    func isSmooth(_ series: Series) -> Bool { half(series) > 0 }
    let opacity = series.count <= 2 ? 0.3 : 0.15
    for series in series where isSmooth(series) {
      draw(series, thickness: 0.7 * unit, opacity: opacity)
    }
    for var series in series {
      if isSmooth(series) {
        // The lines keep their gaps, but the mean continues across them.
        let shown = series.points.indices.filter { axes.canRepresent(series.points[$0]) }
        let means = runningMean(shown.map { series.points[$0].y }, half: half(series))
        for (index, mean) in zip(shown, means) {
          series.points[index].y = mean
        }
      }
      draw(series, thickness: (isSmooth(series) ? 1.2 : 0.9) * unit, opacity: 1)
    }
    drawFrame()
  }

  private mutating func draw(_ series: Series, thickness: Double, opacity: Double) {
    // A single point between two gaps is drawn as a dot.
    for part in series.points.split(whereSeparator: { !axes.canRepresent($0) }) {
      bitmap.polyline(
        part.map { axes.position(x: $0.x, y: $0.y) }, thickness: thickness,
        color: series.color ?? .black, opacity: opacity, clip: axes.frame)
    }
  }
}
