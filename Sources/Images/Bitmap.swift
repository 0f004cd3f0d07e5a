import Support

/// An 8-bit picture, grey or RGB, rows from the top.
public struct Bitmap: Equatable, Sendable {
  /// Width in pixels.
  public let width: Int
  /// Height in pixels.
  public let height: Int
  /// Number of channels: 1 for grey, 3 for red, green, blue.
  public let channels: Int
  /// The `height * width * channels` bytes, row by row, channels fastest.
  public var pixels: [UInt8]

  /// Creates a picture of one grey level, white by default.
  public init(width: Int, height: Int, channels: Int, fill: UInt8 = 255) {
    (self.width, self.height, self.channels) = (width, height, channels)
    pixels = Array(repeating: fill, count: width * height * channels)
  }

  /// Creates a picture from bytes.
  public init(_ pixels: [UInt8], height: Int, width: Int, channels: Int) throws(FigmentError) {
    try Self.check(pixels.count, height: height, width: width, channels: channels)
    (self.width, self.height, self.channels) = (width, height, channels)
    self.pixels = pixels
  }

  /// Creates a picture from numbers: `range` maps to 0...255, rounded to nearest; values outside
  /// are clamped.
  ///
  /// Values are in the order of `pixels`; NaN is an error.
  public init(
    _ values: Span<Float>, range: ClosedRange<Float>, height: Int, width: Int, channels: Int
  ) throws(FigmentError) {
    try Self.check(values.count, height: height, width: width, channels: channels)
    guard range.lowerBound < range.upperBound else {
      throw FigmentError("the range \(range) of a picture's values is empty")
    }
    (self.width, self.height, self.channels) = (width, height, channels)
    let scale = 255 / (range.upperBound - range.lowerBound)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(values.count)
    for index in values.indices {
      let value = values[index]
      if value.isNaN { throw FigmentError("value \(index) of a picture is not a number") }
      let level = (value - range.lowerBound) * scale
      pixels.append(UInt8(min(max(level, 0), 255) + 0.5))
    }
    self.pixels = pixels
  }

  /// Creates a picture from numbers: `range` maps to 0...255, rounded to nearest; values outside
  /// are clamped.
  public init(
    _ values: [Float], range: ClosedRange<Float>, height: Int, width: Int, channels: Int
  ) throws(FigmentError) {
    try self.init(values.span, range: range, height: height, width: width, channels: channels)
  }

  /// Creates the pictures of a batch of numbers `[count, height, width, channels]`; see `init`.
  public static func batch(
    _ values: [Float], range: ClosedRange<Float>, height: Int, width: Int, channels: Int
  ) throws(FigmentError) -> [Bitmap] {
    let size = height * width * channels
    guard size > 0, values.count % size == 0 else {
      throw FigmentError(
        "\(values.count) values are no whole number of pictures of \(size) "
          + "(\(height) x \(width) x \(channels))")
    }
    var pictures: [Bitmap] = []
    for start in stride(from: 0, to: values.count, by: size) {
      let span = values.span.extracting(start..<start + size)
      pictures.append(
        try Bitmap(span, range: range, height: height, width: width, channels: channels))
    }
    return pictures
  }

  /// The picture enlarged: each pixel becomes a square of `factor` by `factor`.
  public func scaled(by factor: Int) -> Bitmap {
    var result = Bitmap(width: width * factor, height: height * factor, channels: channels)
    result.paste(self, x: 0, y: 0, scale: factor)
    return result
  }

  private static func check(
    _ count: Int, height: Int, width: Int, channels: Int
  ) throws(FigmentError) {
    guard height > 0, width > 0, channels == 1 || channels == 3 else {
      throw FigmentError("a picture cannot be \(height) x \(width) with \(channels) channels")
    }
    guard count == height * width * channels else {
      throw FigmentError(
        "\(count) values do not make a picture of \(height) x \(width) x \(channels)")
    }
  }
}
