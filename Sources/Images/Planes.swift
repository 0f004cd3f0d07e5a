import Support

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Draws a grid of values as colours on axes with equal units, with optional points on top.
///
/// Cells that are not finite have the colour map's `missing` colour, and the legend shows their
/// number; the colour bar has a pointed end if values lie beyond it. `size` is the width.
public func heatMap(
  _ heat: Heat, points: [Series] = [], labels: Labels = Labels(),
  xRange: ClosedRange<Double>? = nil, yRange: ClosedRange<Double>? = nil, size: Int = 640
) throws(FigmentError) -> Bitmap {
  try heatChart(
    heat, points: points, labels: labels, xRange: xRange, yRange: yRange, size: size
  ).bitmap
}

/// The axes of the picture that `heatMap` draws for the same arguments.
public func heatMapAxes(
  _ heat: Heat, points: [Series] = [], labels: Labels = Labels(),
  xRange: ClosedRange<Double>? = nil, yRange: ClosedRange<Double>? = nil, size: Int = 640
) throws(FigmentError) -> Axes {
  try heatChart(
    heat, points: points, labels: labels, xRange: xRange, yRange: yRange, size: size
  ).axes
}

private func heatChart(
  _ heat: Heat, points: [Series], labels: Labels, xRange: ClosedRange<Double>?,
  yRange: ClosedRange<Double>?, size: Int
) throws(FigmentError) -> Chart {
  var plane = Plane(labels: labels, xRange: xRange, yRange: yRange, size: size)
  plane.background = heat
  plane.points = points
  return try plane.chart()
}

/// Vectors in the cells of a grid.
public struct VectorGrid: Sendable {
  /// The first components of the vectors.
  public let x: Grid
  /// The second components of the vectors.
  public let y: Grid

  /// Creates vectors from `[rows, columns, 2]` numbers, row-major; the first row is the lowest.
  public init(
    _ values: some Collection<some BinaryFloatingPoint>, rows: Int, columns: Int,
    xRange: ClosedRange<Double>, yRange: ClosedRange<Double>
  ) throws(FigmentError) {
    let values = values.map { Double($0) }
    guard values.count.isMultiple(of: 2) else {
      throw FigmentError("\(values.count) numbers are no whole number of vectors (x, y)")
    }
    func grid(_ component: Int) throws(FigmentError) -> Grid {
      try Grid(
        stride(from: component, to: values.count, by: 2).map { values[$0] }, rows: rows,
        columns: columns, xRange: xRange, yRange: yRange)
    }
    (x, y) = (try grid(0), try grid(1))
  }

  /// The length of each vector.
  public var lengths: [Double] { zip(x.values, y.values).map { hypot($0, $1) } }
}

/// The rule for the length of arrows.
public enum ArrowLength: Sendable {
  /// Proportional to the length of the vectors.
  case proportional
  /// Proportional to the square root of the length, so that short vectors stay visible.
  case squareRoot
  /// Equal for all vectors except zero.
  case equal
}

/// Draws arrows on a grid, over an optional coloured grid, on axes with equal units.
///
/// Each arrow is centred in its cell. A vector of length `longest` (by default, the longest finite
/// vector) has an arrow of 0.9 cells, and so have longer ones; shorter vectors
/// have shorter arrows by the rule `length`, and zero is a dot. Without a colour, arrows are dark
/// on a light background and light on a dark one. The legend shows the length of the longest
/// arrow. A vector that is not finite is a cross, and the legend shows their number.
public func vectorField(
  _ vectors: VectorGrid, over background: Heat? = nil, points: [Series] = [],
  length: ArrowLength = .proportional, longest: Double? = nil, color: Color? = nil,
  labels: Labels = Labels(), xRange: ClosedRange<Double>? = nil,
  yRange: ClosedRange<Double>? = nil, showsLegend: Bool = true, size: Int = 640
) throws(FigmentError) -> Bitmap {
  let lengths = vectors.lengths
  let finite = lengths.lazy.filter(\.isFinite)
  let reference = longest ?? finite.max() ?? 0
  guard reference.isFinite, reference >= 0 else {
    throw FigmentError("the length \(reference) is none that the longest arrow can stand for")
  }
  let grid = vectors.x
  var plane = Plane(labels: labels, xRange: xRange, yRange: yRange, size: size)
  plane.background = background
  plane.points = points
  plane.extent = (grid.xRange, grid.yRange)
  let dark = color ?? Color(grey: 25)
  let light = color ?? Color(grey: 250)
  let missing = lengths.count { !$0.isFinite }
  let strange = background?.colors.missing ?? .red
  plane.legend = { _ in
    let rule =
      switch length {
      case .proportional: "full length: \(short(reference))"
      case .squareRoot: "full length: \(short(reference)), shorter by the square root"
      case .equal: "direction only"
      }
    return (showsLegend ? [LegendEntry(rule, dark, .arrow)] : [])
      + (missing > 0 ? [LegendEntry("\(missing) vectors not finite", strange)] : [])
  }
  var chart = try plane.chart()
  let middles = Grid.middles(
    rows: grid.rows, columns: grid.columns, xRange: grid.xRange, yRange: grid.yRange)
  let unit = Double(chart.textScale)
  let (x, y) = (chart.axes.x, chart.axes.y)
  // Units are equal, so the smaller side of a cell in pixels bounds every arrow.
  let cell =
    min(
      (grid.xRange.upperBound - grid.xRange.lowerBound) / x.length / Double(grid.columns)
        * Double(chart.axes.frame.width),
      (grid.yRange.upperBound - grid.yRange.lowerBound) / y.length / Double(grid.rows)
        * Double(chart.axes.frame.height))
  let clip = chart.axes.frame
  let thickness = min(0.9 * unit, max(cell / 12, 0.8))
  for (index, middle) in middles.enumerated() where chart.axes.shows(middle) {
    let here = chart.axes.position(x: middle.x, y: middle.y)
    let (dx, dy, size) = (vectors.x.values[index], vectors.y.values[index], lengths[index])
    guard size.isFinite else {
      let half = 0.2 * cell
      for slope in [1.0, -1] {
        chart.bitmap.line(
          from: (here.x - half, here.y - slope * half), to: (here.x + half, here.y + slope * half),
          thickness: 1.5 * thickness, color: strange, clip: clip)
      }
      continue
    }
    let behind = background.map { _ in
      chart.bitmap.color(
        x: min(max(Int(here.x), clip.x), clip.maxX - 1),
        y: min(max(Int(here.y), clip.y), clip.maxY - 1))
    }
    let color = behind.map { OKLab($0).lightness < 0.55 ? light : dark } ?? dark
    let share = reference > 0 ? min(size / reference, 1) : 0
    let drawn =
      switch length {
      case .proportional: share
      case .squareRoot: share.squareRoot()
      case .equal: size > 0 ? 1.0 : 0
      }
    // An arrow shorter than the thickness of its shaft is drawn as a dot.
    guard 0.45 * cell * drawn > 0.75 * thickness else {
      chart.bitmap.disc(x: here.x, y: here.y, radius: 0.75 * thickness, color: color, clip: clip)
      continue
    }
    let (halfX, halfY) = (0.45 * cell * drawn * dx / size, -0.45 * cell * drawn * dy / size)
    let ends = [(here.x - halfX, here.y - halfY), (here.x + halfX, here.y + halfY)]
    chart.bitmap.arrow(
      from: ends[0], to: ends[1], thickness: thickness, color: color, clip: clip)
  }
  chart.drawFrame()
  return chart.bitmap
}

/// Converts stages of points x, y, x, y, ..., as samplers report them, to one path per point.
public func paths(
  stages: [[some BinaryFloatingPoint]]
) throws(FigmentError) -> [[(x: Double, y: Double)]] {
  let count = stages.first?.count ?? 0
  for (index, stage) in stages.enumerated() where stage.count != count || count % 2 != 0 {
    throw FigmentError(
      "stage \(index) of the paths has \(stage.count) numbers, not \(count + count % 2)")
  }
  return (0..<count / 2).map { point in
    stages.map { (x: Double($0[2 * point]), y: Double($0[2 * point + 1])) }
  }
}

/// Draws paths in the plane, each from a ring to a dot, over optional points and an optional
/// coloured grid, on axes with equal units.
///
/// A path is broken at points that are not finite; the legend shows their number.
public func trajectories(
  _ paths: [[(x: Double, y: Double)]], over points: [Series] = [], background: Heat? = nil,
  labels: Labels = Labels(), color: Color? = nil, startColor: Color? = nil,
  xRange: ClosedRange<Double>? = nil, yRange: ClosedRange<Double>? = nil, size: Int = 640
) throws(FigmentError) -> Bitmap {
  func isFinite(_ point: (x: Double, y: Double)) -> Bool { point.x.isFinite && point.y.isFinite }
  var plane = Plane(labels: labels, xRange: xRange, yRange: yRange, size: size)
  plane.background = background
  plane.points = points
  plane.others = paths.flatMap { $0 }
  let color = color ?? background?.colors.overlay ?? .blue
  let startColor = startColor ?? (background == nil ? .orange : Color(grey: 25))
  let missing = plane.others.count { !isFinite($0) }
  plane.legend = { axes in
    func outside(_ ends: [(x: Double, y: Double)]) -> String {
      let count = ends.count { isFinite($0) && axes?.shows($0) == false }
      return count > 0 ? " (\(count) outside)" : ""
    }
    return [
      LegendEntry("start" + outside(paths.compactMap(\.first)), startColor, .ring),
      LegendEntry("end" + outside(paths.compactMap(\.last)), color),
    ] + (missing > 0 ? [LegendEntry("\(missing) not finite", .red)] : [])
  }
  var chart = try plane.chart()
  let unit = Double(chart.textScale)
  let clip = chart.axes.frame
  // Lower opacity for many lines, which would otherwise form one surface.
  let opacity = paths.count <= 40 ? 0.7 : paths.count <= 200 ? 0.4 : 0.2
  let ends = paths.count <= 200 ? 1.0 : 0.7
  for path in paths {
    for part in path.split(whereSeparator: { !isFinite($0) }) {
      chart.bitmap.polyline(
        part.map { chart.axes.position(x: $0.x, y: $0.y) }, thickness: 0.6 * unit, color: color,
        opacity: opacity, clip: clip)
    }
  }
  for first in paths.compactMap(\.first) where isFinite(first) {
    let (x, y) = chart.axes.position(x: first.x, y: first.y)
    chart.bitmap.disc(x: x, y: y, radius: 1.9 * ends * unit, color: .white, clip: clip)
    chart.bitmap.ring(
      x: x, y: y, radius: 1.9 * ends * unit, thickness: 0.7 * unit, color: startColor, clip: clip)
  }
  for last in paths.compactMap(\.last) where isFinite(last) {
    let (x, y) = chart.axes.position(x: last.x, y: last.y)
    chart.bitmap.disc(x: x, y: y, radius: 2.3 * ends * unit, color: .white, clip: clip)
    chart.bitmap.disc(x: x, y: y, radius: 1.8 * ends * unit, color: color, clip: clip)
  }
  chart.drawFrame()
  return chart.bitmap
}

/// A chart with equal units and the background of its data.
private struct Plane {
  var labels: Labels
  var xRange: ClosedRange<Double>?
  var yRange: ClosedRange<Double>?
  var size: Int
  /// The coloured grid behind everything.
  var background: Heat?
  /// Points over the background.
  var points: [Series] = []
  /// Further points that the ranges include.
  var others: [(x: Double, y: Double)] = []
  /// The ranges if there is no background.
  var extent: (x: ClosedRange<Double>, y: ClosedRange<Double>)?
  /// Further legend entries, given the axes if they are known.
  var legend: (Axes?) -> [LegendEntry] = { _ in [] }

  init(
    labels: Labels, xRange: ClosedRange<Double>?, yRange: ClosedRange<Double>?, size: Int
  ) {
    (self.labels, self.xRange, self.yRange, self.size) = (labels, xRange, yRange, size)
  }

  func chart() throws(FigmentError) -> Chart {
    let all = others + points.flatMap(\.points)
    let grid = background.map { ($0.grid.xRange, $0.grid.yRange) } ?? extent
    let x = try scale(all.lazy.map(\.x), xRange ?? grid?.0)
    let y = try scale(all.lazy.map(\.y), yRange ?? grid?.1)
    var series = background == nil ? colored(points) : points
    if let background, let first = series.firstIndex(where: { $0.color == nil }) {
      series[first].color = background.colors.overlay
      // The second to fourth colours are too similar to the first one or to the map.
      series = colored(series, from: 4)
    }
    let colors = try background?.scale()
    let bar = zip(background, colors).flatMap { heat, scale in
      heat.showsBar
        ? ColorBar(
          scale: scale, colors: heat.colors, label: heat.label,
          hasBelow: heat.grid.values.contains {
            heat.isShown($0) && $0 < scale.range.lowerBound
          },
          hasAbove: heat.grid.values.contains {
            heat.isShown($0) && $0 > scale.range.upperBound
          }) : nil
    }
    func chart(_ axes: Axes?) throws(FigmentError) -> Chart {
      let named = Images.legend(series) { series in
        let strange = series.points.count { !$0.x.isFinite || !$0.y.isFinite }
        let outside = series.points.count { axes?.shows($0) == false } - strange
        return (outside > 0 ? ["\(outside) outside"] : [])
          + (strange > 0 ? ["\(strange) not finite"] : [])
      }
      return try Chart(
        width: size, shape: grid == nil && xRange == nil ? .square : .fitted, x: x, y: y,
        labels: labels, legend: named + legend(axes) + (background?.remarks() ?? []), bar: bar)
    }
    // The axes are known only with the frame, and the legend mentions points outside.
    var result = try chart(try chart(nil).axes)
    if let background, let colors { result.paint(background, colors) }
    result.draw(series, edges: background?.colors.edges)
    result.drawFrame()
    return result
  }
}

/// Both values if neither is nil.
private func zip<A, B>(_ a: A?, _ b: B?) -> (A, B)? {
  guard let a, let b else { return nil }
  return (a, b)
}

/// A number with three significant digits.
func short(_ value: Double) -> String {
  guard value != 0, value.isFinite else { return value == 0 ? "0" : "\(value)" }
  let exponent = Int(log10(abs(value)).rounded(.down)) - 2
  let digits = (value / Tick(1, exponent: exponent).value).rounded()
  return digits.isFinite ? Tick(Int(digits), exponent: exponent).label : "\(value)"
}
