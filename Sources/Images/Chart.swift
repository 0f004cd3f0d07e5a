import Support

/// Points of a plot with a name and a colour.
public struct Series: Sendable {
  /// The name in the legend; no entry if it is empty.
  public var name: String
  /// The points, in the order in which a line connects them.
  public var points: [(x: Double, y: Double)]
  /// The colour; if nil, one is assigned by position among the series without a colour.
  public var color: Color?

  /// Creates a series from points.
  public init(_ name: String, _ points: [(x: Double, y: Double)], color: Color? = nil) {
    (self.name, self.points, self.color) = (name, points, color)
  }

  /// Creates a series from interleaved coordinates: x, y, x, y, ...
  public init(
    _ name: String, interleaved: [some BinaryFloatingPoint], color: Color? = nil
  ) throws(FigmentError) {
    guard interleaved.count.isMultiple(of: 2) else {
      throw FigmentError("\(interleaved.count) numbers are no whole number of points (x, y)")
    }
    let points = stride(from: 0, to: interleaved.count, by: 2).map {
      (x: Double(interleaved[$0]), y: Double(interleaved[$0 + 1]))
    }
    self.init(name, points, color: color)
  }
}

/// The texts around the data of a plot.
public struct Labels: Sendable {
  /// The title, centred at the top.
  public var title: String
  /// The label below the horizontal axis.
  public var x: String
  /// The label above the vertical axis.
  public var y: String

  /// Creates labels; empty texts are omitted, long ones are broken into lines.
  public init(title: String = "", x: String = "", y: String = "") {
    (self.title, self.x, self.y) = (title, x, y)
  }
}

/// The mark in front of a name in a legend.
enum LegendMark: Sendable { case swatch, ring, arrow }

/// A name in a legend.
struct LegendEntry: Sendable {
  var name: String
  var color: Color
  var mark: LegendMark

  init(_ name: String, _ color: Color, _ mark: LegendMark = .swatch) {
    (self.name, self.color, self.mark) = (name, color, mark)
  }
}

/// The rule for the height of a chart.
enum ChartShape: Equatable {
  /// A fixed height of the whole picture.
  case fixed(height: Int)
  /// A square frame with equal units; the shorter range is widened.
  case square
  /// Equal units with the given ranges, widened if one is more than four times the other.
  case fitted
}

/// A colour scale next to a chart, with a pointed end if numbers lie beyond it.
struct ColorBar {
  var scale: Scale
  var colors: ColorMap
  var label: String
  var hasBelow: Bool
  var hasAbove: Bool
}

/// A picture with title, legend, axes and grid, and an empty frame for the data.
struct Chart {
  /// The picture.
  var bitmap: Bitmap
  /// The mapping from numbers to positions.
  let axes: Axes
  /// Enlargement of letters; strokes are scaled in proportion.
  let textScale: Int

  private static let minorColor = Color(grey: 243)
  private static let gridColor = Color(grey: 230)
  private static let zeroColor = Color(grey: 195)
  private static let frameColor = Color(grey: 110)

  /// The enlargement of letters in a picture whose shorter side is `size`.
  static func textScale(size: Int) -> Int { max(1, (size + 150) / 300) }

  /// Creates a chart of the given width.
  ///
  /// The frame begins at `left` or further right; without `showsX` nothing is below it.
  init(
    width: Int, shape: ChartShape, x: Scale, y: Scale, labels: Labels, legend: [LegendEntry],
    bar: ColorBar? = nil, textScale: Int? = nil, left minimumLeft: Int = 0, showsX: Bool = true
  ) throws(FigmentError) {
    let height: Int? = if case .fixed(let height) = shape { height } else { nil }
    guard min(width, textScale == nil ? height ?? width : width) >= 200 else {
      throw FigmentError("a plot cannot be smaller than 200 x 200 pixels")
    }
    let scale = textScale ?? Self.textScale(size: min(width, height ?? width))
    let (pad, lineHeight) = (5 * scale, (Font.glyphHeight + 3) * scale)
    let inside = width - 2 * pad
    let title = lines(of: labels.title, width: inside, scale: scale)
    let swatch = 13 * scale
    let entries = legendLines(legend.map(\.name), indent: swatch, width: inside, scale: scale)
    let legendRows = (entries.last?.row ?? -1) + 1
    let barLabel = bar.map { lines(of: $0.label, width: inside / 2, scale: scale) } ?? []
    let yLabel = lines(of: labels.y, width: barLabel.isEmpty ? inside : inside / 2, scale: scale)
    let xLabel = showsX ? lines(of: labels.x, width: inside, scale: scale) : []
    let labelRows = max(yLabel.count, barLabel.count)
    let top = 2 * pad + (title.count + legendRows + labelRows) * lineHeight
    let bottom = showsX ? 2 * pad + (1 + xLabel.count) * lineHeight : pad

    var (x, y) = (x, y)
    if height == nil {
      let length = max(x.length, y.length)
      let least = shape == .square ? length : length / 4
      (x, y) = (x.widened(to: max(x.length, least)), y.widened(to: max(y.length, least)))
    }
    func axes(left: Int, right: Int) -> Axes {
      let frameWidth = width - left - right
      let frameHeight =
        height.map { $0 - top - bottom } ?? Int(Double(frameWidth) * y.length / x.length + 0.5)
      return Axes(
        x: x, y: y, frame: Rectangle(x: left, y: top, width: frameWidth, height: frameHeight))
    }
    func widest(_ ticks: [Tick]) -> Int {
      ticks.reduce(0) { max($0, Bitmap.textSize($1.label, scale: scale).width) }
    }
    // The frame determines the labels, and the labels determine the edges of the frame.
    var result = axes(left: max(4 * pad, minimumLeft), right: 4 * pad)
    for _ in 0..<2 {
      let right = bar.map { bar in
        8 * pad + widest(result.ticks(of: bar.scale, textScale: scale))
      }
      result = axes(
        left: max(2 * pad + widest(result.yTicks(textScale: scale)), minimumLeft),
        right: right ?? 4 * pad)
    }
    guard result.frame.height >= 50, result.frame.width >= 50 else {
      throw FigmentError("\(width) x \(height ?? width) pixels leave a plot no room for its data")
    }
    self.axes = result
    self.textScale = scale
    bitmap = Bitmap(width: width, height: height ?? result.frame.maxY + bottom, channels: 3)

    var line = pad
    for text in title {
      bitmap.draw(text: text, x: width / 2, y: line, scale: scale, anchor: .center)
      line += lineHeight
    }
    for entry in entries {
      let y = line + entry.row * lineHeight
      if entry.isFirst { draw(legend[entry.index], x: pad + entry.x, y: y) }
      bitmap.draw(text: entry.text, x: pad + entry.x + swatch, y: y, scale: scale)
    }
    line += legendRows * lineHeight
    for (row, text) in yLabel.enumerated() {
      bitmap.draw(
        text: text, x: pad, y: line + (labelRows - yLabel.count + row) * lineHeight, scale: scale)
    }
    for (row, text) in barLabel.enumerated() {
      bitmap.draw(
        text: text, x: width - pad,
        y: line + (labelRows - barLabel.count + row) * lineHeight, scale: scale, anchor: .right)
    }
    line = result.frame.maxY + pad + lineHeight
    for text in xLabel {
      let half = Bitmap.textSize(text, scale: scale).width / 2 + pad
      let middle = result.frame.x + result.frame.width / 2
      bitmap.draw(
        text: text, x: min(max(middle, half), width - half), y: line, scale: scale,
        anchor: .center)
      line += lineHeight
    }
    drawGrid(pad: pad, showsX: showsX)
    if let bar { draw(bar, pad: pad) }
  }

  /// Draws the border of the frame over data that touch it.
  mutating func drawFrame() { bitmap.outline(axes.frame, Self.frameColor) }

  private mutating func draw(_ entry: LegendEntry, x: Int, y: Int) {
    let unit = Double(textScale)
    let (left, middle) = (Double(x), Double(y) + 3.5 * unit)
    switch entry.mark {
    case .swatch:
      let swatch = Rectangle(x: x, y: y + textScale, width: 10 * textScale, height: 5 * textScale)
      bitmap.fill(swatch, entry.color)
      if entry.color.luminance > 220 { bitmap.outline(swatch, Self.frameColor) }
    case .ring:
      bitmap.ring(
        x: left + 5 * unit, y: middle, radius: 2.6 * unit, thickness: unit, color: entry.color,
        clip: bitmap.bounds)
    case .arrow:
      bitmap.arrow(
        from: (left, middle), to: (left + 10 * unit, middle), thickness: unit,
        color: entry.color, clip: bitmap.bounds)
    }
  }

  private mutating func draw(_ bar: ColorBar, pad: Int) {
    let frame = axes.frame
    let (x, width) = (frame.maxX + 3 * pad, 3 * pad)
    let area = Rectangle(x: x, y: frame.y, width: width, height: frame.height)
    for row in 0..<frame.height {
      let fraction = 1 - (Double(row) + 0.5) / Double(frame.height)
      bitmap.fill(
        Rectangle(x: x, y: frame.y + row, width: width, height: 1),
        bar.colors.color(at: fraction))
    }
    bitmap.outline(area, Self.frameColor)
    let middle = Double(x) + Double(width) / 2
    func point(at y: Double, up: Double, _ color: Color) {
      for (size, color) in [(1.0, Self.frameColor), (0.75, color)] {
        let half = size * Double(pad)
        bitmap.triangle(
          (middle - half, y), (middle + half, y), (middle, y - up * half), color: color,
          clip: bitmap.bounds)
      }
    }
    if bar.hasAbove { point(at: Double(area.y), up: 1, bar.colors.color(at: 1)) }
    if bar.hasBelow { point(at: Double(area.maxY), up: -1, bar.colors.color(at: 0)) }
    for tick in axes.ticks(of: bar.scale, textScale: textScale) {
      let y = area.maxY - Int(bar.scale.fraction(of: tick.value) * Double(area.height))
      let row = min(max(y, area.y), area.maxY - 1)
      bitmap.fill(Rectangle(x: area.maxX, y: row, width: pad / 2, height: 1), Self.frameColor)
      bitmap.draw(
        text: tick.label, x: area.maxX + pad, y: row - 7 * textScale / 2, scale: textScale)
    }
  }

  private mutating func drawGrid(pad: Int, showsX: Bool) {
    let frame = axes.frame
    func color(_ tick: Tick) -> Color { tick.value == 0 ? Self.zeroColor : Self.gridColor }
    func column(_ x: Double) -> Rectangle {
      let x = min(Int(axes.position(x: x, y: 1).x), frame.maxX - 1)
      return Rectangle(x: x, y: frame.y, width: 1, height: frame.height)
    }
    func row(_ y: Double) -> Rectangle {
      let y = min(Int(axes.position(x: 1, y: y).y), frame.maxY - 1)
      return Rectangle(x: frame.x, y: y, width: frame.width, height: 1)
    }
    let mark = pad / 2
    let xTicks = axes.xTicks(textScale: textScale)
    let yTicks = axes.yTicks(textScale: textScale)
    for x in axes.x.minorLines(pixels: frame.width) { bitmap.fill(column(x), Self.minorColor) }
    for y in axes.y.minorLines(pixels: frame.height) { bitmap.fill(row(y), Self.minorColor) }
    // Lines at zero are drawn last, so that no other line crosses them.
    for isZero in [false, true] {
      for tick in xTicks where (tick.value == 0) == isZero {
        let line = column(tick.value)
        bitmap.fill(line, color(tick))
        guard showsX else { continue }
        bitmap.fill(
          Rectangle(x: line.x, y: frame.maxY, width: 1, height: mark), Self.frameColor)
        bitmap.draw(
          text: tick.label, x: line.x, y: frame.maxY + pad, scale: textScale, anchor: .center)
      }
      for tick in yTicks where (tick.value == 0) == isZero {
        let line = row(tick.value)
        bitmap.fill(line, color(tick))
        bitmap.fill(
          Rectangle(x: frame.x - mark, y: line.y, width: mark, height: 1), Self.frameColor)
        // Seven rows of a glyph are above the baseline, so its middle is at three and a half.
        bitmap.draw(
          text: tick.label, x: frame.x - pad, y: line.y - 7 * textScale / 2, scale: textScale,
          anchor: .right)
      }
    }
    drawFrame()
  }
}

/// Breaks `text` into lines of at most `width` pixels; a longer word is truncated.
func lines(of text: String, width: Int, scale: Int) -> [String] {
  let limit = max(1, width / (Font.advance * scale))
  var lines: [String] = []
  for var word in text.split(separator: " ") {
    if let last = lines.last, last.count + 1 + word.count <= limit {
      lines[lines.count - 1] = last + " " + word
      continue
    }
    while word.count > limit {
      lines.append(String(word.prefix(limit)))
      word = word.dropFirst(limit)
    }
    lines.append(String(word))
  }
  return lines
}

/// A line of text in a legend.
private struct LegendLine {
  var index: Int
  var text: String
  var isFirst: Bool
  var x: Int
  var row: Int
}

/// Arranges names one after the other, in as many rows as they need.
private func legendLines(
  _ names: [String], indent: Int, width: Int, scale: Int
) -> [LegendLine] {
  var entries: [LegendLine] = []
  var (x, row) = (0, 0)
  for (index, name) in names.enumerated() {
    let lines = lines(of: name, width: width - indent, scale: scale)
    let needed = lines.map { indent + Bitmap.textSize($0, scale: scale).width }.max() ?? 0
    if x > 0 && (lines.count > 1 || x + needed > width) { (x, row) = (0, row + 1) }
    for (line, text) in lines.enumerated() {
      if line > 0 { row += 1 }
      entries.append(
        LegendLine(index: index, text: text, isFirst: line == 0, x: x, row: row))
    }
    x += needed + 2 * Font.advance * scale
  }
  return entries
}
