/// Points of one name and colour in a plot.
public struct Series: Sendable {
  /// What the legend says; no entry where it is empty.
  public var name: String
  /// The points, in the order of a line through them.
  public var points: [(x: Double, y: Double)]
  /// Its colour; where there is none, a colour by its place among the series without.
  public var color: Color?

  /// A series of points.
  public init(_ name: String, _ points: [(x: Double, y: Double)], color: Color? = nil) {
    (self.name, self.points, self.color) = (name, points, color)
  }

  /// A series of points whose coordinates follow each other: x, y, x, y, ...
  public init(_ name: String, interleaved: [Float], color: Color? = nil) throws(ImageError) {
    guard interleaved.count.isMultiple(of: 2) else {
      throw ImageError("\(interleaved.count) numbers are no whole number of points (x, y)")
    }
    let points = stride(from: 0, to: interleaved.count, by: 2).map {
      (x: Double(interleaved[$0]), y: Double(interleaved[$0 + 1]))
    }
    self.init(name, points, color: color)
  }
}

/// What stands around the data of a plot.
public struct Labels: Sendable {
  /// Above everything, in the middle.
  public var title: String
  /// Under the horizontal axis.
  public var x: String
  /// Above the vertical axis.
  public var y: String

  /// Nothing where a text is empty; long ones are broken into lines.
  public init(title: String = "", x: String = "", y: String = "") {
    (self.title, self.x, self.y) = (title, x, y)
  }
}

/// A picture with title, legend, axes and grid, and an empty frame for data.
struct Chart {
  /// The picture.
  var bitmap: Bitmap
  /// Where numbers are in it.
  let axes: Axes
  /// How much letters are enlarged; strokes follow.
  let textScale: Int

  private static let gridColor = Color(grey: 230)
  private static let zeroColor = Color(grey: 195)
  private static let frameColor = Color(grey: 110)

  /// A chart of the given size; without a height, its frame is a square whose scales have equal
  /// units.
  init(
    width: Int, height: Int?, x: Scale, y: Scale, labels: Labels,
    legend: [(name: String, color: Color)]
  ) throws(ImageError) {
    guard min(width, height ?? width) >= 200 else {
      throw ImageError("a plot cannot be smaller than 200 x 200 pixels")
    }
    let scale = max(1, (min(width, height ?? width) + 150) / 300)
    let (pad, lineHeight) = (5 * scale, (Font.glyphHeight + 3) * scale)
    let inside = width - 2 * pad
    let title = lines(of: labels.title, width: inside, scale: scale)
    let swatch = 13 * scale
    let entries = legendEntries(legend.map(\.name), indent: swatch, width: inside, scale: scale)
    let legendRows = (entries.last?.row ?? -1) + 1
    let yLabel = lines(of: labels.y, width: inside, scale: scale)
    let xLabel = lines(of: labels.x, width: inside, scale: scale)
    let top = 2 * pad + (title.count + legendRows + yLabel.count) * lineHeight
    let bottom = 2 * pad + (1 + xLabel.count) * lineHeight

    var (x, y) = (x, y)
    if height == nil {
      let length = max(x.length, y.length)
      (x, y) = (x.widened(to: length), y.widened(to: length))
    }
    func axes(left: Int) -> Axes {
      let frameWidth = width - left - 4 * pad
      let frameHeight = height.map { $0 - top - bottom } ?? frameWidth
      return Axes(
        x: x, y: y, frame: Rectangle(x: left, y: top, width: frameWidth, height: frameHeight))
    }
    // The frame decides the labels, and the labels the frame's left edge.
    var result = axes(left: 4 * pad)
    for _ in 0..<2 {
      let widths = result.yTicks(textScale: scale).map {
        Bitmap.textSize($0.label, scale: scale).width
      }
      result = axes(left: 2 * pad + (widths.max() ?? 0))
    }
    guard result.frame.height >= 50, result.frame.width >= 50 else {
      throw ImageError("\(width) x \(height ?? width) pixels leave a plot no room for its data")
    }
    self.axes = result
    textScale = scale
    bitmap = Bitmap(width: width, height: height ?? result.frame.maxY + bottom, channels: 3)

    var line = pad
    for text in title {
      bitmap.draw(text: text, x: width / 2, y: line, scale: scale, anchor: .center)
      line += lineHeight
    }
    for entry in entries {
      let y = line + entry.row * lineHeight
      if entry.isFirst {
        bitmap.fill(
          Rectangle(x: pad + entry.x, y: y + scale, width: 10 * scale, height: 5 * scale),
          legend[entry.index].color)
      }
      bitmap.draw(text: entry.text, x: pad + entry.x + swatch, y: y, scale: scale)
    }
    line += legendRows * lineHeight
    for text in yLabel {
      bitmap.draw(text: text, x: pad, y: line, scale: scale)
      line += lineHeight
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
    drawGrid(pad: pad)
  }

  /// Draws the border of the frame, over data that touch it.
  mutating func drawFrame() { bitmap.outline(axes.frame, Self.frameColor) }

  private mutating func drawGrid(pad: Int) {
    let frame = axes.frame
    func color(_ tick: Tick) -> Color { tick.value == 0 ? Self.zeroColor : Self.gridColor }
    let mark = pad / 2
    // Zero lines last, so that no other line crosses them.
    let xTicks = axes.xTicks(textScale: textScale)
    let yTicks = axes.yTicks(textScale: textScale)
    for isZero in [false, true] {
      for tick in xTicks where (tick.value == 0) == isZero {
        let x = min(Int(axes.position(x: tick.value, y: 1).x), frame.maxX - 1)
        bitmap.fill(Rectangle(x: x, y: frame.y, width: 1, height: frame.height), color(tick))
        bitmap.fill(Rectangle(x: x, y: frame.maxY, width: 1, height: mark), Self.frameColor)
        bitmap.draw(
          text: tick.label, x: x, y: frame.maxY + pad, scale: textScale, anchor: .center)
      }
      for tick in yTicks where (tick.value == 0) == isZero {
        let y = min(Int(axes.position(x: 1, y: tick.value).y), frame.maxY - 1)
        bitmap.fill(Rectangle(x: frame.x, y: y, width: frame.width, height: 1), color(tick))
        bitmap.fill(Rectangle(x: frame.x - mark, y: y, width: mark, height: 1), Self.frameColor)
        // Seven rows of a glyph are above the base line: three and a half are its middle.
        bitmap.draw(
          text: tick.label, x: frame.x - pad, y: y - 7 * textScale / 2, scale: textScale,
          anchor: .right)
      }
    }
    drawFrame()
  }
}

/// The words of `text` in lines of at most `width` pixels; a word longer than a line is cut.
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
private struct LegendEntry {
  var index: Int
  var text: String
  var isFirst: Bool
  var x: Int
  var row: Int
}

/// Names one after the other, in as many rows as they need.
private func legendEntries(
  _ names: [String], indent: Int, width: Int, scale: Int
) -> [LegendEntry] {
  var entries: [LegendEntry] = []
  var (x, row) = (0, 0)
  for (index, name) in names.enumerated() {
    let lines = lines(of: name, width: width - indent, scale: scale)
    let needed = lines.map { indent + Bitmap.textSize($0, scale: scale).width }.max() ?? 0
    if x > 0 && (lines.count > 1 || x + needed > width) { (x, row) = (0, row + 1) }
    for (line, text) in lines.enumerated() {
      if line > 0 { row += 1 }
      entries.append(
        LegendEntry(index: index, text: text, isFirst: line == 0, x: x, row: row))
    }
    x += needed + 2 * Font.advance * scale
  }
  return entries
}
