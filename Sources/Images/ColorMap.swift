#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Colours in an order that the eye sees as an order: equal steps are equally lighter or darker.
///
/// Each map is made in OKLab: lightness is linear from one end to the other, and the colour runs
/// in straight lines through anchors, evenly spaced, that are given as chroma and hue and lie
/// inside sRGB.
public struct ColorMap: Equatable, Sendable {
  /// The colours from the lowest to the highest value.
  public let colors: [Color]
  /// For what is not a number or infinite; far from all of `colors`.
  public let missing: Color
  /// For points on top of the map.
  public let overlay: Color
  /// For the edges of such points.
  let edges: Color

  /// From nearly white through green to a dark blue: for pictures with something on top.
  public static let paper = ColorMap(
    lightness: (0.985, 0.24),
    anchors: [(0.006, 100), (0.095, 120), (0.1, 185), (0.105, 245), (0.1, 280)],
    missing: Color(240, 60, 150), overlay: Color(225, 75, 0), edges: .white)

  /// The colour at a fraction of the way from lowest to highest, the nearest end outside 0...1.
  public func color(at fraction: Double) -> Color {
    colors[Int(min(max(fraction, 0), 1) * Double(colors.count - 1) + 0.5)]
  }

  /// 256 colours through anchors of chroma and hue in degrees.
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

/// A colour by how it is seen: lightness, green to red, blue to yellow.
///
/// Bjoern Ottosson, "A perceptual color space for image processing" (2020).
public struct OKLab: Equatable, Sendable {
  /// 0 for black, 1 for white.
  public var lightness: Double
  /// From green to red.
  public var a: Double
  /// From blue to yellow.
  public var b: Double

  /// A color by its three coordinates.
  public init(lightness: Double, a: Double, b: Double) {
    (self.lightness, self.a, self.b) = (lightness, a, b)
  }

  /// The coordinates of an sRGB color.
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

  /// The nearest level of each channel; clamped outside sRGB.
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

/// The intensity of an sRGB level (IEC 61966-2-1).
private func linear(_ level: UInt8) -> Double {
  let value = Double(level) / 255
  return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
}

/// The sRGB level of an intensity.
private func level(_ intensity: Double) -> UInt8 {
  let value = min(max(intensity, 0), 1)
  let encoded = value <= 0.0031308 ? 12.92 * value : 1.055 * pow(value, 1 / 2.4) - 0.055
  return UInt8(255 * encoded + 0.5)
}
