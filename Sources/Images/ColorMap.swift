#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A sequence of colours with perceptual order: equal steps differ equally in lightness.
///
/// Each map is defined in OKLab: lightness is linear from one end to the other, and the colour
/// follows straight lines through evenly spaced anchors, given as chroma and hue, all inside sRGB.
public struct ColorMap: Equatable, Sendable {
  /// The colours from the lowest to the highest value.
  public let colors: [Color]
  /// The colour of NaN and infinite values; far from all of `colors`.
  public let missing: Color
  /// The colour of points on top of the map.
  public let overlay: Color
  /// The colour of the edges of such points.
  let edges: Color

  /// A map from nearly white through green to dark blue, suitable below other data.
  public static let paper = ColorMap(
    lightness: (0.985, 0.24),
    anchors: [(0.006, 100), (0.095, 120), (0.1, 185), (0.105, 245), (0.1, 280)],
    missing: Color(240, 60, 150), overlay: Color(225, 75, 0), edges: .white)

  /// The colour at a fraction of the way from lowest to highest; outside 0...1, that of the nearest
  /// end.
  public func color(at fraction: Double) -> Color {
    colors[Int(min(max(fraction, 0), 1) * Double(colors.count - 1) + 0.5)]
  }

  /// Creates 256 colours through anchors, given by chroma and hue in degrees.
  private init(
    lightness: (first: Double, last: Double), anchors: [(chroma: Double, hue: Double)],
    missing: Color, overlay: Color, edges: Color
  ) {
    let points = anchors.map { anchor in
      let angle = anchor.hue * .pi / 180
      return (a: anchor.chroma * cos(angle), b: anchor.chroma * sin(angle))
    }
    colors = (0..<256).map { index in
      let along = Double(index) / 255
      let place = along * Double(points.count - 1)
      let before = min(Int(place), points.count - 2)
      let (low, high, part) = (points[before], points[before + 1], place - Double(before))
      return OKLab(
        lightness: lightness.first + along * (lightness.last - lightness.first),
        a: low.a + part * (high.a - low.a), b: low.b + part * (high.b - low.b)
      ).color
    }
    (self.missing, self.overlay, self.edges) = (missing, overlay, edges)
  }
}

/// A colour in perceptual coordinates: lightness, green to red, blue to yellow.
///
/// Bjoern Ottosson, "A perceptual color space for image processing" (2020).
public struct OKLab: Equatable, Sendable {
  /// Lightness: 0 for black, 1 for white.
  public var lightness: Double
  /// Position between green (negative) and red.
  public var a: Double
  /// Position between blue (negative) and yellow.
  public var b: Double

  /// Creates a colour from its three coordinates.
  public init(lightness: Double, a: Double, b: Double) {
    (self.lightness, self.a, self.b) = (lightness, a, b)
  }

  /// Creates the coordinates of an sRGB colour.
  public init(_ color: Color) {
    let (r, g, b) = (linear(color.red), linear(color.green), linear(color.blue))
    let l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    let m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    let s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    self.init(
      lightness: 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
      a: 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
      b: 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s)
  }

  /// The colour in sRGB, each channel rounded to the nearest level and clamped.
  public var color: Color {
    func cube(_ x: Double) -> Double { x * x * x }
    let l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b)
    let m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b)
    let s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b)
    return Color(
      level(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
      level(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
      level(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s))
  }
}

/// The linear intensity of an sRGB level (IEC 61966-2-1).
private func linear(_ level: UInt8) -> Double {
  let value = Double(level) / 255
  return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
}

/// The sRGB level of a linear intensity.
private func level(_ intensity: Double) -> UInt8 {
  let value = min(max(intensity, 0), 1)
  let encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055
  return UInt8(255 * encoded + 0.5)
}
