/// Two scales over a rectangle of pixels: where numbers are in a picture.
public struct Axes: Equatable, Sendable {
  /// The scale from left to right.
  public var x: Scale
  /// The scale from bottom to top.
  public var y: Scale
  /// The pixels they cover.
  public var frame: Rectangle

  /// Scales of both directions over `frame`.
  public init(x: Scale, y: Scale, frame: Rectangle) {
    (self.x, self.y, self.frame) = (x, y, frame)
  }

  /// Where the point (x, y) is, see `Bitmap` for the plane.
  public func position(x: Double, y: Double) -> (x: Double, y: Double) {
    (
      Double(frame.x) + self.x.fraction(of: x) * Double(frame.width),
      Double(frame.maxY) - self.y.fraction(of: y) * Double(frame.height)
    )
  }

  /// Whether both scales have a place for the point, in the frame or not.
  func hasPlace(_ point: (x: Double, y: Double)) -> Bool {
    x.hasPlace(for: point.x) && y.hasPlace(for: point.y)
  }

  /// Whether the point lies in the frame.
  func shows(_ point: (x: Double, y: Double)) -> Bool {
    x.range.contains(point.x) && y.range.contains(point.y)
  }

  /// The ticks of the x scale, as many as their labels leave room for, ten at most.
  func xTicks(textScale: Int) -> [Tick] {
    let space = 2 * Font.advance * textScale
    var best: [Tick] = []
    for count in 2...10 {
      let ticks = x.ticks(atMost: count)
      let needed = ticks.reduce(0) {
        max($0, Bitmap.textSize($1.label, scale: textScale).width + space)
      }
      if needed * ticks.count <= frame.width && ticks.count >= best.count { best = ticks }
    }
    return best
  }

  /// The ticks of the y scale, as many as their labels leave room for, ten at most.
  func yTicks(textScale: Int) -> [Tick] { ticks(of: y, textScale: textScale) }

  /// The ticks of another scale as high as the frame.
  func ticks(of scale: Scale, textScale: Int) -> [Tick] {
    scale.ticks(atMost: min(max(frame.height / (2 * Font.glyphHeight * textScale), 2), 10))
  }
}
