/// An 8-bit picture, grey or RGB, rows from the top.
public struct Bitmap: Equatable, Sendable {
  /// Columns.
  public let width: Int
  /// Rows.
  public let height: Int
  /// 1 for grey, 3 for red, green, blue.
  public let channels: Int
  /// `height * width * channels` bytes.
  public var pixels: [UInt8]

  /// A picture of one colour, white unless told.
  public init(width: Int, height: Int, channels: Int, fill: UInt8 = 255) {
    (self.width, self.height, self.channels) = (width, height, channels)
    pixels = Array(repeating: fill, count: width * height * channels)
  }
}
