/// A colour with 8 bits per channel.
public struct Color: Equatable, Sendable {
  /// Red, 0 to 255.
  public var red: UInt8
  /// Green, 0 to 255.
  public var green: UInt8
  /// Blue, 0 to 255.
  public var blue: UInt8

  /// Creates a colour from three channels.
  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  /// Creates a grey level.
  public init(grey level: UInt8) { self.init(level, level, level) }

  /// Black.
  public static let black = Color(grey: 0)
  /// White.
  public static let white = Color(grey: 255)
  /// Grey, for data behind other data.
  public static let grey = Color(grey: 150)
  /// The first colour of a series.
  public static let blue = Color(25, 95, 200)
  /// The second colour of a series.
  public static let orange = Color(225, 105, 10)
  /// The third colour of a series.
  public static let green = Color(20, 135, 75)
  /// The fourth colour of a series.
  public static let red = Color(200, 35, 55)
  /// The fifth colour of a series.
  static let purple = Color(125, 70, 165)
  /// The sixth colour of a series.
  static let brown = Color(120, 80, 45)

  /// The seventh colour of a series.
  static let cyan = Color(0, 160, 185)
  /// The eighth colour of a series.
  static let pink = Color(225, 100, 170)

  /// The colour of the series at `index`; colours repeat after eight.
  public static func series(_ index: Int) -> Color {
    let all: [Color] = [.blue, .orange, .green, .red, .purple, .brown, .cyan, .pink]
    return all[index % all.count]
  }

  /// Perceived brightness (ITU-R BT.601), 0 to 255.
  public var luminance: UInt8 {
    let (r, g, b) = (Int(red), Int(green), Int(blue))
    return UInt8((299 * r + 587 * g + 114 * b + 500) / 1000)
  }
}
