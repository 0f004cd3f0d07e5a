import Support

/// Draws points in the plane on equal axes, later series over earlier ones.
///
/// Without ranges the axes include every point. The legend shows how many points of a series are
/// outside or not finite. The shorter range is widened, so that units are equal. `size` is the
/// width; the height is that of the square frame and the texts above and below.
public func scatter(
  _ series: [Series], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  yRange: ClosedRange<Double>? = nil, size: Int = 640
) throws(FigmentError) -> Bitmap {
  try scatterChart(series, labels: labels, xRange: xRange, yRange: yRange, size: size).bitmap
}

/// The axes of the picture that `scatter` draws for the same arguments.
public func scatterAxes(
  _ series: [Series], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  yRange: ClosedRange<Double>? = nil, size: Int = 640
) throws(FigmentError) -> Axes {
  try scatterChart(series, labels: labels, xRange: xRange, yRange: yRange, size: size).axes
}

private func scatterChart(
  _ series: [Series], labels: Labels, xRange: ClosedRange<Double>?, yRange: ClosedRange<Double>?,
  size: Int
) throws(FigmentError) -> Chart {
  let series = colored(series)
  let points = series.flatMap(\.points)
  let x = try scale(points.lazy.map(\.x), xRange)
  let y = try scale(points.lazy.map(\.y), yRange)
  func chart(_ axes: Axes?) throws(FigmentError) -> Chart {
    try Chart(
      width: size, shape: .square, x: x, y: y, labels: labels,
      legend: legend(series) { series in
        let strange = series.points.count { !$0.x.isFinite || !$0.y.isFinite }
        let outside = series.points.count { axes?.shows($0) == false } - strange
        return (outside > 0 ? ["\(outside) outside"] : [])
          + (strange > 0 ? ["\(strange) not finite"] : [])
      })
  }
  // The scales are equalized together with the frame; only then are the visible points known.
  var chart = try chart(try chart(nil).axes)
  chart.draw(series)
  chart.drawFrame()
  return chart
}

extension Chart {
  /// Draws dots, smaller and more transparent if there are many, with edges of another colour
  /// if one is given.
  mutating func draw(_ series: [Series], edges: Color? = nil) {
    let unit = Double(textScale)
    let count = series.reduce(0) { $0 + $1.points.count }
    // One size for all: smaller dots would disappear behind larger ones.
    let (radius, opacity): (Double, Double) =
      switch count {
      case ...600: (edges == nil ? 2 * unit : 1.3 * unit, 0.8)
      case ...6000: (edges == nil ? 1.2 * unit : 0.7 * unit, 0.55)
      default: (edges == nil ? 0.8 * unit : 0.5 * unit, 0.4)
      }
    // Edges of many dots would hide the data behind them.
    let edges = count <= 600 ? edges : nil
    for series in series {
      for point in series.points where point.x.isFinite && point.y.isFinite {
        let (px, py) = axes.position(x: point.x, y: point.y)
        if let edges {
          bitmap.disc(
            x: px, y: py, radius: radius + 0.4 * unit, color: edges, opacity: opacity,
            clip: axes.frame)
        }
        bitmap.disc(
          x: px, y: py, radius: radius, color: series.color ?? .black,
          opacity: edges == nil ? opacity : 1, clip: axes.frame)
      }
    }
  }
}

/// The requested scale, or the one that includes all values; without a margin if `snug`.
func scale(
  _ values: some Sequence<Double>, _ range: ClosedRange<Double>?, isLogarithmic: Bool = false,
  snug: Bool = false
) throws(FigmentError) -> Scale {
  guard let range else {
    return Scale(covering: values, isLogarithmic: isLogarithmic, room: snug ? 0 : 0.04)
  }
  guard range.lowerBound.isFinite, range.upperBound.isFinite, range.lowerBound < range.upperBound,
    range.lowerBound > 0 || !isLogarithmic
  else {
    throw FigmentError(
      "the range \(range) is no \(isLogarithmic ? "logarithmic " : "")axis")
  }
  return Scale(range, isLogarithmic: isLogarithmic)
}

/// Legend entries of the series that have a name, with remarks.
func legend(
  _ series: [Series], remarks: (Series) -> [String]
) -> [LegendEntry] {
  series.compactMap { series in
    let remarks = remarks(series)
    guard !series.name.isEmpty || !remarks.isEmpty else { return nil }
    let words = [series.name] + (remarks.isEmpty ? [] : ["(\(remarks.joined(separator: ", ")))"])
    return LegendEntry(words.joined(separator: " "), series.color ?? .black)
  }
}

/// The series with colours: those without one get colours in order, starting at `first`.
func colored(_ series: [Series], from first: Int = 0) -> [Series] {
  var next = first
  return series.map { series in
    guard series.color == nil else { return series }
    var series = series
    series.color = .series(next)
    next += 1
    return series
  }
}
