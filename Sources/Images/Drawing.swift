#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A rectangle of whole pixels.
public struct Rectangle: Equatable, Sendable {
  public var x, y, width, height: Int

  /// Creates a rectangle from its upper left pixel and its size.
  public init(x: Int, y: Int, width: Int, height: Int) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
  }

  /// The column to the right of the last one.
  public var maxX: Int { x + width }
  /// The row below the last one.
  public var maxY: Int { y + height }

  func intersection(_ other: Rectangle) -> Rectangle {
    let (left, top) = (max(x, other.x), max(y, other.y))
    return Rectangle(
      x: left, y: top, width: max(0, min(maxX, other.maxX) - left),
      height: max(0, min(maxY, other.maxY) - top))
  }
}

/// The part of a text that is aligned with its point.
public enum TextAnchor: Sendable {
  /// The point is the left end.
  case left
  /// The point is the middle.
  case center
  /// The point is the right end.
  case right
}

// Shapes are clipped at the edges. Positions in Double refer to a plane in which pixel (0, 0)
// occupies [0, 1) x [0, 1).
extension Bitmap {
  /// The colour of a pixel, which must be inside.
  public func color(x: Int, y: Int) -> Color {
    let index = (y * width + x) * channels
    return channels == 1
      ? Color(grey: pixels[index])
      : Color(pixels[index], pixels[index + 1], pixels[index + 2])
  }

  /// The size of a text in pixels, without the space after its last character.
  public static func textSize(_ text: String, scale: Int = 1) -> (width: Int, height: Int) {
    let count = text.unicodeScalars.count
    return (max(0, count * Font.advance - 1) * scale, Font.glyphHeight * scale)
  }

  /// Draws a line of text whose upper left corner is at (x, y).
  ///
  /// Characters outside printable ASCII become a box.
  public mutating func draw(
    text: String, x: Int, y: Int, scale: Int = 1, color: Color = .black,
    anchor: TextAnchor = .left
  ) {
    let width = Self.textSize(text, scale: scale).width
    var left =
      switch anchor {
      case .left: x
      case .center: x - width / 2
      case .right: x - width
      }
    for character in text.unicodeScalars {
      for (row, bits) in Font.rows(of: character).enumerated() {
        for column in 0..<Font.glyphWidth where bits >> (Font.glyphWidth - 1 - column) & 1 == 1 {
          fill(
            Rectangle(x: left + column * scale, y: y + row * scale, width: scale, height: scale),
            color)
        }
      }
      left += Font.advance * scale
    }
  }

  /// Copies a picture to (x, y), enlarged; a colour picture becomes grey in a grey one.
  mutating func paste(_ picture: Bitmap, x: Int, y: Int, scale: Int = 1) {
    let target = Rectangle(
      x: x, y: y, width: picture.width * scale, height: picture.height * scale
    ).intersection(bounds)
    for row in target.y..<target.maxY {
      for column in target.x..<target.maxX {
        set(
          x: column, y: row, picture.color(x: (column - x) / scale, y: (row - y) / scale))
      }
    }
  }

  /// The rectangle of all pixels.
  public var bounds: Rectangle { Rectangle(x: 0, y: 0, width: width, height: height) }

  /// Paints the pixels of `rectangle` that are inside the picture.
  public mutating func fill(_ rectangle: Rectangle, _ color: Color) {
    let target = rectangle.intersection(bounds)
    for row in target.y..<target.maxY {
      for column in target.x..<target.maxX { set(x: column, y: row, color) }
    }
  }

  /// Draws the one-pixel border inside a rectangle.
  mutating func outline(_ r: Rectangle, _ color: Color) {
    fill(Rectangle(x: r.x, y: r.y, width: r.width, height: 1), color)
    fill(Rectangle(x: r.x, y: r.maxY - 1, width: r.width, height: 1), color)
    fill(Rectangle(x: r.x, y: r.y, width: 1, height: r.height), color)
    fill(Rectangle(x: r.maxX - 1, y: r.y, width: 1, height: r.height), color)
  }

  /// Draws a disc with soft edges.
  public mutating func disc(
    x: Double, y: Double, radius: Double, color: Color, opacity: Double = 1, clip: Rectangle
  ) {
    line(
      from: (x, y), to: (x, y), thickness: 2 * radius, color: color, opacity: opacity, clip: clip)
  }

  /// Draws a circle around (x, y); `radius` is that of its centre line.
  mutating func ring(
    x: Double, y: Double, radius: Double, thickness: Double, color: Color, opacity: Double = 1,
    clip: Rectangle
  ) {
    let corners = (0...24).map { corner in
      let angle = 2 * Double.pi * Double(corner) / 24
      return (x: x + radius * cos(angle), y: y + radius * sin(angle))
    }
    polyline(corners, thickness: thickness, color: color, opacity: opacity, clip: clip)
  }

  /// Draws an arrow whose head is five times as wide as its shaft, less if the arrow is short.
  mutating func arrow(
    from a: (x: Double, y: Double), to b: (x: Double, y: Double), thickness: Double,
    color: Color, clip: Rectangle
  ) {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let length = (dx * dx + dy * dy).squareRoot()
    guard length > 0 else { return }
    let head = min(4.5 * thickness, 0.6 * length)
    let (ux, uy) = (dx / length, dy / length)
    let neck = (x: b.x - head * ux, y: b.y - head * uy)
    let half = 0.55 * head
    line(from: a, to: neck, thickness: thickness, color: color, clip: clip)
    triangle(
      b, (neck.x - half * uy, neck.y + half * ux), (neck.x + half * uy, neck.y - half * ux),
      color: color, clip: clip)
  }

  /// Draws a line with soft edges and round ends.
  public mutating func line(
    from a: (x: Double, y: Double), to b: (x: Double, y: Double), thickness: Double, color: Color,
    opacity: Double = 1, clip: Rectangle
  ) {
    Self.covered(from: a, to: b, thickness: thickness, limits: clip.intersection(bounds)) {
      blend(x: $0, y: $1, color, opacity: opacity * $2)
    }
  }

  /// Draws connected lines with uniform opacity, even where they meet or cross.
  mutating func polyline(
    _ points: [(x: Double, y: Double)], thickness: Double, color: Color, opacity: Double = 1,
    clip: Rectangle
  ) {
    guard let first = points.first else { return }
    let reach = thickness / 2 + 1
    func limits(_ values: some Sequence<Double>, _ lower: Int, _ count: Int) -> (Int, Int) {
      let ends = values.reduce((Double.infinity, -Double.infinity)) {
        (min($0.0, $1 - reach), max($0.1, $1 + reach))
      }
      let first = min(max(ends.0, Double(lower)), Double(lower + count)).rounded(.down)
      let last = max(min(ends.1, Double(lower + count)), first).rounded(.up)
      return (Int(first), Int(last) - Int(first))
    }
    let inside = clip.intersection(bounds)
    let (x, width) = limits(points.lazy.map(\.x), inside.x, inside.width)
    let (y, height) = limits(points.lazy.map(\.y), inside.y, inside.height)
    let area = Rectangle(x: x, y: y, width: width, height: height)
    var coverage = [Double](repeating: 0, count: width * height)
    var previous = first
    for point in points.count == 1 ? points[...] : points.dropFirst() {
      Self.covered(from: previous, to: point, thickness: thickness, limits: area) {
        let index = ($1 - y) * width + $0 - x
        coverage[index] = max(coverage[index], $2)
      }
      previous = point
    }
    for row in 0..<height {
      for column in 0..<width where coverage[row * width + column] > 0 {
        blend(
          x: x + column, y: y + row, color, opacity: opacity * coverage[row * width + column])
      }
    }
  }

  /// Draws a triangle with soft edges.
  mutating func triangle(
    _ a: (x: Double, y: Double), _ b: (x: Double, y: Double), _ c: (x: Double, y: Double),
    color: Color, clip: Rectangle
  ) {
    let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
    guard area != 0, area.isFinite else { return }
    let corners = area > 0 ? [a, b, c] : [a, c, b]
    let limits = clip.intersection(bounds)
    func range(_ values: [Double], _ lower: Int, _ upper: Int) -> Range<Int> {
      let first = values.reduce(Double(upper)) { min($0, max($1 - 1, Double(lower))) }
      let last = values.reduce(first) { max($0, min($1 + 1, Double(upper))) }
      return Int(first)..<Int(last.rounded(.up))
    }
    for y in range(corners.map(\.y), limits.y, limits.maxY) {
      for x in range(corners.map(\.x), limits.x, limits.maxX) {
        var inside = Double.infinity
        for (index, from) in corners.enumerated() {
          let to = corners[(index + 1) % 3]
          let (dx, dy) = (to.x - from.x, to.y - from.y)
          let cross = dx * (Double(y) + 0.5 - from.y) - dy * (Double(x) + 0.5 - from.x)
          inside = min(inside, cross / (dx * dx + dy * dy).squareRoot())
        }
        let coverage = min(max(inside + 0.5, 0), 1)
        if coverage > 0 { blend(x: x, y: y, color, opacity: coverage) }
      }
    }
  }

  /// Calls `body` with each pixel that a line touches and the fraction of the pixel inside the
  /// line.
  private static func covered(
    from a: (x: Double, y: Double), to b: (x: Double, y: Double), thickness: Double,
    limits: Rectangle, _ body: (_ x: Int, _ y: Int, _ coverage: Double) -> Void
  ) {
    let reach = thickness / 2 + 1
    func pixels(_ u: Double, _ v: Double, _ lower: Int, _ upper: Int) -> Range<Int>? {
      // Clamped as Double: a far point overflows Int.
      let first = max(min(u, v) - reach, Double(lower)).rounded(.down)
      let last = min(max(u, v) + reach, Double(upper)).rounded(.up)
      return first < last ? Int(first)..<min(Int(last), upper) : nil
    }
    guard let rows = pixels(a.y, b.y, limits.y, limits.maxY),
      let columns = pixels(a.x, b.x, limits.x, limits.maxX)
    else { return }
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let squaredLength = dx * dx + dy * dy
    for row in rows {
      let py = Double(row) + 0.5 - a.y
      for column in columns {
        let px = Double(column) + 0.5 - a.x
        let along = squaredLength > 0 ? min(max((px * dx + py * dy) / squaredLength, 0), 1) : 0
        let (ex, ey) = (px - along * dx, py - along * dy)
        let distance = (ex * ex + ey * ey).squareRoot()
        let coverage = min(max(thickness / 2 + 0.5 - distance, 0), 1)
        if coverage > 0 { body(column, row, coverage) }
      }
    }
  }

  private mutating func set(x: Int, y: Int, _ color: Color) {
    let index = (y * width + x) * channels
    if channels == 1 {
      pixels[index] = color.luminance
    } else {
      (pixels[index], pixels[index + 1], pixels[index + 2]) = (color.red, color.green, color.blue)
    }
  }

  private mutating func blend(x: Int, y: Int, _ color: Color, opacity: Double) {
    func mix(_ old: UInt8, _ new: UInt8) -> UInt8 {
      UInt8(Double(old) + opacity * (Double(new) - Double(old)) + 0.5)
    }
    let old = self.color(x: x, y: y)
    set(
      x: x, y: y,
      Color(mix(old.red, color.red), mix(old.green, color.green), mix(old.blue, color.blue)))
  }
}
