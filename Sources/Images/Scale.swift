#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The mapping of numbers to positions along one edge of a plot.
public struct Scale: Equatable, Sendable {
  /// The numbers at both ends.
  public let range: ClosedRange<Double>
  /// True if equal distances are equal ratios.
  public let isLogarithmic: Bool
  /// True if all values are whole numbers, so that ticks between them are omitted.
  var isWhole = false

  /// Creates a scale over `range`, widened if its ends are too close to distinguish.
  ///
  /// A logarithmic scale needs a positive range.
  public init(_ range: ClosedRange<Double>, isLogarithmic: Bool = false) {
    // Far below the largest Double, so that differences are finite.
    let limit = 1e300
    let smallest = isLogarithmic ? 1 / limit : -limit
    var lower = min(max(range.lowerBound, smallest), limit)
    var upper = min(max(range.upperBound, smallest), limit)
    if isLogarithmic {
      if upper / lower < 1.001 { (lower, upper) = (lower / 2, upper * 2) }
    } else {
      let size = max(abs(lower), abs(upper))
      if upper - lower <= 1e-9 * size || size < 1 / limit {
        let room = size < 1 / limit ? 1 : 0.1 * size
        (lower, upper) = (lower - room, upper + room)
      }
    }
    self.range = lower...upper
    self.isLogarithmic = isLogarithmic
  }

  /// Creates the scale that includes all of `values`, with a margin of `room` times its length at
  /// each end.
  ///
  /// Values that it cannot represent are ignored.
  public init(
    covering values: some Sequence<Double>, isLogarithmic: Bool = false, room: Double = 0.04
  ) {
    var bounds: ClosedRange<Double>?
    var isWhole = true
    for value in values where value.isFinite && (value > 0 || !isLogarithmic) {
      isWhole = isWhole && value == value.rounded()
      let old = bounds ?? value...value
      bounds = min(old.lowerBound, value)...max(old.upperBound, value)
    }
    let tight = Scale(bounds ?? (isLogarithmic ? 0.1...1 : -1...1), isLogarithmic: isLogarithmic)
    let (lower, upper) = (tight.range.lowerBound, tight.range.upperBound)
    if isLogarithmic {
      let factor = pow(upper / lower, room)
      self.init(lower / factor...upper * factor, isLogarithmic: true)
    } else {
      let margin = room * (upper - lower)
      self.init(lower - margin...upper + margin)
      self.isWhole = isWhole && bounds != nil
    }
  }

  /// The difference of the ends.
  var length: Double { range.upperBound - range.lowerBound }

  /// Returns true if the scale can represent `value`, inside its range or not.
  public func canRepresent(_ value: Double) -> Bool {
    value.isFinite && (value > 0 || !isLogarithmic)
  }

  /// The position of `value` along the scale: 0 at the first number, 1 at the last.
  public func fraction(of value: Double) -> Double {
    let (lower, upper) = (range.lowerBound, range.upperBound)
    return isLogarithmic
      ? log(value / lower) / log(upper / lower) : (value - lower) / (upper - lower)
  }

  /// A scale of the given length around the same midpoint; only for linear scales.
  func widened(to length: Double) -> Scale {
    let middle = range.lowerBound + (range.upperBound - range.lowerBound) / 2
    return Scale(middle - length / 2...middle + length / 2)
  }

  /// Round numbers inside the range, from two to `count` of them if possible.
  public func ticks(atMost count: Int) -> [Tick] {
    if isLogarithmic {
      let powers = decades([1], atMost: count)
      if powers.count >= 3 { return powers }
      let more = decades([1, 2, 5], atMost: .max)
      if (3...max(count, 3)).contains(more.count) { return more }
      if powers.count == 2 { return powers }
    }
    return linearTicks(atMost: count)
  }

  /// The positions of fainter lines within the decades of a logarithmic scale of `pixels`.
  ///
  /// They are at 1 to 9 times each power of ten, or only at the powers if decades are short.
  public func minorLines(pixels: Int) -> [Double] {
    guard isLogarithmic else { return [] }
    let decades = log10(range.upperBound / range.lowerBound)
    guard decades >= 0.5, decades <= Double(pixels) / 8 else { return [] }
    let multiples = decades * 40 <= Double(pixels) ? Array(1...9) : [1]
    let first = Int(log10(range.lowerBound).rounded(.down))
    let last = Int(log10(range.upperBound).rounded(.up))
    return (first...last).flatMap { exponent in
      multiples.map { Tick($0, exponent: exponent).value }
    }.filter(range.contains)
  }

  /// Ticks at multiples of 1, 2 or 5 times a power of ten.
  private func linearTicks(atMost count: Int) -> [Tick] {
    var exponent = Int(log10(length / Double(max(count, 1))).rounded(.down)) - 1
    if isWhole { exponent = max(exponent, 0) }
    while true {
      for digit in [1, 2, 5] {
        let step = Tick(digit, exponent: exponent).value
        // A bound that is a multiple up to rounding counts as one.
        let first = (range.lowerBound / step - 1e-6).rounded(.up)
        let last = (range.upperBound / step + 1e-6).rounded(.down)
        if last - first < Double(count) {
          guard first <= last else { return [] }
          return (Int(first)...Int(last)).map { Tick($0 * digit, exponent: exponent) }
        }
      }
      exponent += 1
    }
  }

  /// Ticks at `multiples` of powers of ten; of every second or third power and so on if those are
  /// too many.
  private func decades(_ multiples: [Int], atMost count: Int) -> [Tick] {
    let first = Int(log10(range.lowerBound).rounded(.down))
    let last = Int(log10(range.upperBound).rounded(.up))
    var every = 1
    while true {
      // Steps are counted from 1 = 10^0, so that overlapping scales have the same ticks.
      let ticks = (first...last).filter { $0 % every == 0 }.flatMap { exponent in
        multiples.map { Tick($0, exponent: exponent) }
      }.filter { (-1e-9...1 + 1e-9).contains(fraction(of: $0.value)) }
      if ticks.count <= max(count, 1) { return ticks }
      every += 1
    }
  }
}

/// A round number with its label.
public struct Tick: Equatable, Sendable {
  /// The number.
  public let value: Double
  /// The shortest decimal form of the number, with an exponent if that would be long.
  public let label: String

  /// Creates the tick at `digits * 10^exponent`.
  public init(_ digits: Int, exponent: Int) {
    var (digits, exponent) = (digits, exponent)
    while digits != 0 && digits % 10 == 0 { (digits, exponent) = (digits / 10, exponent + 1) }
    value = Double("\(digits)e\(exponent)") ?? .nan
    let sign = digits < 0 ? "-" : ""
    let text = String(digits.magnitude)
    let leading = text.count - 1 + exponent
    label =
      if digits == 0 {
        "0"
      } else if leading >= 6 || leading < -3 {
        sign + Self.point(text, after: 1) + "e\(leading)"
      } else if exponent >= 0 {
        sign + text + String(repeating: "0", count: exponent)
      } else if leading >= 0 {
        sign + Self.point(text, after: leading + 1)
      } else {
        sign + "0." + String(repeating: "0", count: -leading - 1) + text
      }
  }

  private static func point(_ text: String, after count: Int) -> String {
    text.count == count ? text : text.prefix(count) + "." + text.dropFirst(count)
  }
}
