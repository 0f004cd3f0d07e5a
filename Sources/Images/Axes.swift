/// Two scales over a rectangle of pixels, which map numbers to positions in a picture.
public struct Axes: Equatable, Sendable {
  /// The scale from left to right.
  public var x: Scale
  /// The scale from bottom to top.
  public var y: Scale
  /// The pixels that the scales span.
  public var frame: Rectangle

  /// Creates the scales of both directions over `frame`.
  public init(x: Scale, y: Scale, frame: Rectangle) {
    (self.x, self.y, self.frame) = (x, y, frame)
  }

  /// The position of the point (x, y) in the plane of `Bitmap`.
  public func position(x: Double, y: Double) -> (x: Double, y: Double) {
    (
      Double(frame.x) + self.x.fraction(of: x) * Double(frame.width),
      Double(frame.maxY) - self.y.fraction(of: y) * Double(frame.height)
    )
  }

  /// Returns true if both scales can represent the point, inside the frame or not.
  func canRepresent(_ point: (x: Double, y: Double)) -> Bool {
    x.canRepresent(point.x) && y.canRepresent(point.y)
  }

  /// Returns true if the point is inside the frame.
  func shows(_ point: (x: Double, y: Double)) -> Bool {
    x.range.contains(point.x) && y.range.contains(point.y)
  }

  /// The ticks of the x scale: as many as their labels leave room for, at most ten.
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

  /// The ticks of the y scale: as many as their labels leave room for, at most ten.
  func yTicks(textScale: Int) -> [Tick] { ticks(of: y, textScale: textScale) }

  /// The ticks of another scale of the frame's height.
  func ticks(of scale: Scale, textScale: Int) -> [Tick] {
    scale.ticks(atMost: min(max(frame.height / (2 * Font.glyphHeight * textScale), 2), 10))
  }
}
