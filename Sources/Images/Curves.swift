import Support

/// One of the charts that `lineCharts` stacks.
public struct LineChart: Sendable {
  /// Above its vertical axis.
  public var label: String
  /// Its lines; one of the same name has the same colour in every chart.
  public var series: [Series]
  /// What the vertical axis shows; where there is none, every point.
  public var range: ClosedRange<Double>?
  /// Whether the vertical axis is logarithmic.
  public var isLogarithmic: Bool
  /// Whether a bold line shows the running mean of each series over its faint raw line, see
  /// `runningMean`.
  public var isSmoothed: Bool

  /// One of the charts of a stack.
  public init(
    _ label: String, _ series: [Series], range: ClosedRange<Double>? = nil,
    isLogarithmic: Bool = false, isSmoothed: Bool = false
  ) {
    (self.label, self.series, self.range) = (label, series, range)
    (self.isLogarithmic, self.isSmoothed) = (isLogarithmic, isSmoothed)
  }
}

/// Lines through points, later series over earlier ones.
///
/// Without ranges the axes show every point.  A line is broken where a point has no place: where it
/// is not finite, or not positive on a logarithmic axis; the legend says how many there are.
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

/// Line charts one above the other with one horizontal axis and one legend, see `lineChart`.
///
/// The label of the vertical axis in `labels` is not used: each chart has its own.  `frameHeight`
/// is that of each chart's frame; the height of the picture follows.
public func lineCharts(
  _ charts: [LineChart], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  logarithmicX: Bool = false, width: Int = 900, frameHeight: Int = 180
) throws(FigmentError) -> Bitmap {
  guard !charts.isEmpty else { throw FigmentError("a stack of no charts") }
  guard (50...10_000).contains(frameHeight) else {
    throw FigmentError("a frame cannot be \(frameHeight) pixels high: 50 to 10000, please")
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
  // One entry for a name, whatever the number of charts: a name and a remark for each of them.
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
  // Once to learn how much stands around each frame, once how far its labels reach to the left.
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

/// Means of up to a twentieth of the values around each, nearer ones counting more: a mean of
/// means of a fortieth to either side.
///
/// The window shrinks to nothing at the first value, where curves fall fast, and is cut off at the
/// last.
///
/// - Parameter half: How many values to either side, where it is not of their number.
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

/// The remarks on the points of a series that have no place.
private func missing(_ series: Series, x: Scale, y: Scale) -> [String] {
  let strange = series.points.count { !$0.x.isFinite || !$0.y.isFinite }
  let all = series.points.count { !(x.hasPlace(for: $0.x) && y.hasPlace(for: $0.y)) }
  return (strange > 0 ? ["\(strange) not finite"] : [])
    + (all > strange ? ["\(all - strange) not positive"] : [])
}

/// How far the running means of the series of one chart reach to either side, in units of the horizontal axis.
///
/// It is one window for all, that of the series where an eightieth of its points reaches farthest. Nil where all
/// have so few points that a smoothed line would hide what there is.
public func smoothingReach(_ series: [Series]) -> Double? {
  series.filter { $0.points.count >= 40 }
    .map { Double(max(1, $0.points.count / 80)) * spacing($0) }.max()
}

/// The mean distance of the points of a series along the horizontal axis.
private func spacing(_ series: Series) -> Double {
  let places = series.points.map(\.x).filter(\.isFinite)
  guard let first = places.min(), let last = places.max(), first < last else { return 0 }
  return (last - first) / Double(places.count - 1)
}

extension Chart {
  /// Draws each series as lines between its gaps, and the frame.
  mutating func drawLines(_ series: [Series], isSmoothed: Bool) {
    let unit = Double(textScale)
    let reach = isSmoothed ? smoothingReach(series) : nil
    /// The points to either side that the reach has room for.
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
        // Gaps stay gaps, but the mean runs on over them.
        let shown = series.points.indices.filter { axes.hasPlace(series.points[$0]) }
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
    // A single point between two gaps is a dot.
    for part in series.points.split(whereSeparator: { !axes.hasPlace($0) }) {
      bitmap.polyline(
        part.map { axes.position(x: $0.x, y: $0.y) }, thickness: thickness,
        color: series.color ?? .black, opacity: opacity, clip: axes.frame)
    }
  }
}
