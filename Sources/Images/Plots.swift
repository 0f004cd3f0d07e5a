/// Points in the plane on equal axes, later series over earlier ones.
///
/// Without ranges the axes show every point.  The legend says how many points of a series are
/// outside or not finite.  The shorter range is widened, so that units are equal.  `size` is the
/// width; the height follows from what stands above and below the square of the
/// data.
public func scatter(
  _ series: [Series], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  yRange: ClosedRange<Double>? = nil, size: Int = 640
) throws(ImageError) -> Bitmap {
  try scatterChart(series, labels: labels, xRange: xRange, yRange: yRange, size: size).bitmap
}

/// Where numbers are in the picture that `scatter` makes of the same arguments.
package func scatterAxes(
  _ series: [Series], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  yRange: ClosedRange<Double>? = nil, size: Int = 640
) throws(ImageError) -> Axes {
  try scatterChart(series, labels: labels, xRange: xRange, yRange: yRange, size: size).axes
}

/// Lines through points, later series over earlier ones.
///
/// Without ranges the axes show every point.  A line is broken where a point has no place: where it
/// is not finite, or not positive on a logarithmic axis; the legend says how many there are.
public func lineChart(
  _ series: [Series], labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  yRange: ClosedRange<Double>? = nil, logarithmicX: Bool = false, logarithmicY: Bool = false,
  width: Int = 900, height: Int = 560
) throws(ImageError) -> Bitmap {
  let series = colored(series)
  let points = series.flatMap(\.points)
  let x = try scale(points.lazy.map(\.x), xRange, isLogarithmic: logarithmicX, snug: true)
  let y = try scale(points.lazy.map(\.y), yRange, isLogarithmic: logarithmicY)
  let axes = Axes(x: x, y: y, frame: Rectangle(x: 0, y: 0, width: 1, height: 1))
  var chart = try Chart(
    width: width, height: height, x: x, y: y, labels: labels,
    legend: legend(series) { series in
      let missing = series.points.count { !axes.hasPlace($0) }
      let why = logarithmicX || logarithmicY ? "not positive" : "not finite"
      return missing > 0 ? ["\(missing) \(why)"] : []
    })
  let clip = chart.axes.frame
  let thickness = 0.9 * Double(chart.textScale)
  for series in series {
    var previous: (x: Double, y: Double)?
    for point in series.points {
      guard axes.hasPlace(point) else {
        previous = nil
        continue
      }
      let here = chart.axes.position(x: point.x, y: point.y)
      // A point after a gap is a dot until a line leaves it.
      chart.bitmap.line(
        from: previous ?? here, to: here, thickness: thickness, color: series.color ?? .black,
        clip: clip)
      previous = here
    }
  }
  chart.drawFrame()
  return chart.bitmap
}

private func scatterChart(
  _ series: [Series], labels: Labels, xRange: ClosedRange<Double>?, yRange: ClosedRange<Double>?,
  size: Int
) throws(ImageError) -> Chart {
  let series = colored(series)
  let points = series.flatMap(\.points)
  let x = try scale(points.lazy.map(\.x), xRange)
  let y = try scale(points.lazy.map(\.y), yRange)
  func chart(_ axes: Axes?) throws(ImageError) -> Chart {
    try Chart(
      width: size, height: nil, x: x, y: y, labels: labels,
      legend: legend(series) { series in
        let strange = series.points.count { !$0.x.isFinite || !$0.y.isFinite }
        let outside = series.points.count { axes?.shows($0) == false } - strange
        return (outside > 0 ? ["\(outside) outside"] : [])
          + (strange > 0 ? ["\(strange) not finite"] : [])
      })
  }
  // The scales are made equal with the frame, and only then is it known what they show.
  var chart = try chart(try chart(nil).axes)
  let unit = Double(chart.textScale)
  // One size for all: smaller dots would vanish behind larger ones.
  let (radius, opacity): (Double, Double) =
    switch points.count {
    case ...600: (2 * unit, 0.8)
    case ...6000: (1.2 * unit, 0.55)
    default: (0.8 * unit, 0.4)
    }
  for series in series {
    for point in series.points where point.x.isFinite && point.y.isFinite {
      let (px, py) = chart.axes.position(x: point.x, y: point.y)
      chart.bitmap.disc(
        x: px, y: py, radius: radius, color: series.color ?? .black, opacity: opacity,
        clip: chart.axes.frame)
    }
  }
  chart.drawFrame()
  return chart
}

/// The scale that was asked for, or the one that shows all values; without room at its ends where
/// it is to be snug.
private func scale(
  _ values: some Sequence<Double>, _ range: ClosedRange<Double>?, isLogarithmic: Bool = false,
  snug: Bool = false
) throws(ImageError) -> Scale {
  guard let range else {
    return Scale(covering: values, isLogarithmic: isLogarithmic, room: snug ? 0 : 0.04)
  }
  guard range.lowerBound.isFinite, range.upperBound.isFinite, range.lowerBound < range.upperBound,
    range.lowerBound > 0 || !isLogarithmic
  else {
    throw ImageError(
      "the range \(range) is no \(isLogarithmic ? "logarithmic " : "")axis")
  }
  return Scale(range, isLogarithmic: isLogarithmic)
}

/// The names of the series that have one, with remarks.
private func legend(
  _ series: [Series], remarks: (Series) -> [String]
) -> [(name: String, color: Color)] {
  series.compactMap { series in
    let remarks = remarks(series)
    guard !series.name.isEmpty || !remarks.isEmpty else { return nil }
    let words = [series.name] + (remarks.isEmpty ? [] : ["(\(remarks.joined(separator: ", ")))"])
    return (words.joined(separator: " "), series.color ?? .black)
  }
}

/// The same series, those without a colour coloured in order.
private func colored(_ series: [Series]) -> [Series] {
  var next = 0
  return series.map { series in
    guard series.color == nil else { return series }
    var series = series
    series.color = .series(next)
    next += 1
    return series
  }
}
