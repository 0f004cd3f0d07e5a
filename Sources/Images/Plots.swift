import Support

/// Points in the plane on equal axes, later series over earlier ones.
///
/// Without ranges the axes show every point.  The legend says how many points of a series are
/// outside or not finite.  The shorter range is widened, so that units are equal.  `size` is the
/// width; the height follows from what stands above and below the square of the
/// data.
public func scatter(
  _ series: [Series], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  yRange: ClosedRange<Double>? = nil, size: Int = 640
) throws(FigmentError) -> Bitmap {
  try scatterChart(series, labels: labels, xRange: xRange, yRange: yRange, size: size).bitmap
}

/// Where numbers are in the picture that `scatter` makes of the same arguments.
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
  // The scales are made equal with the frame, and only then is it known what they show.
  var chart = try chart(try chart(nil).axes)
  chart.draw(series)
  chart.drawFrame()
  return chart
}

extension Chart {
  /// Draws dots, smaller and more transparent where there are many, with edges of another colour
  /// where one is given.
  mutating func draw(_ series: [Series], edges: Color? = nil) {
    let unit = Double(textScale)
    let count = series.reduce(0) { $0 + $1.points.count }
    // One size for all: smaller dots would vanish behind larger ones.
    let (radius, opacity): (Double, Double) =
      switch count {
      case ...600: (edges == nil ? 2 * unit : 1.3 * unit, 0.8)
      case ...6000: (edges == nil ? 1.2 * unit : 0.7 * unit, 0.55)
      default: (edges == nil ? 0.8 * unit : 0.5 * unit, 0.4)
      }
    // Edges of many would hide what is behind them.
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

/// The scale that was asked for, or the one that shows all values; without room at its ends where
/// it is to be snug.
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

/// The names of the series that have one, with remarks.
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

/// The same series, those without a colour coloured in order from the colour at `first`.
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
