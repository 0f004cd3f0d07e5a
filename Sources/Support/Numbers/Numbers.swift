/// `value` in the fewest digits that read back as the same number; whole numbers without a point.
package func decimal(_ value: Double) -> String {
  let text = "\(value)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// `value` with `digits` digits after the decimal point.
package func fixed(_ value: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  guard abs(value) * scale < 1e15 else { return "\(value)" }
  let scaled = Int((abs(value) * scale).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard digits > 0 else { return sign + "\(scaled)" }
  let fraction = "\(scaled % Int(scale))"
  let zeros = String(repeating: "0", count: digits - fraction.count)
  return sign + "\(scaled / Int(scale)).\(zeros)\(fraction)"
}

/// `value` in about four digits: 0.03125, 4.25, 1234, 2.5e-07.
package func rounded(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return decimal(value) }
  var scale = 1.0
  while abs(value) * scale < 1000 { scale *= 10 }
  return decimal((value * scale).rounded() / scale)
}

/// The decimal place to which values of one standard error are printed: that of the error's second
/// significant digit.
///
/// Further digits would be noise.
package struct DecimalPlace: Equatable, Sendable {
  /// Digits after the decimal point, negative for tens and above; nil if the error is unknown.
  package let digits: Int?

  /// The place for values of this standard error; if it is NaN, infinite or 0, values have about
  /// four digits.
  package init(error: Double) {
    guard error.isFinite, error > 0 else {
      digits = nil
      return
    }
    // An error from 9.95 rounds to 10, one below 99.5 to 99.
    var (scaled, digits) = (error, 0)
    while scaled < 9.95 { (scaled, digits) = (scaled * 10, digits + 1) }
    while scaled >= 99.5 { (scaled, digits) = (scaled / 10, digits - 1) }
    self.digits = digits
  }

  /// A value, or its error, rounded to the place.
  package func callAsFunction(_ value: Double) -> String {
    guard let digits, value.isFinite else { return rounded(value) }
    // Double has no more digits; its description is the shortest exact text.
    guard digits <= 15 else { return "\(value)" }
    if digits >= 0 { return fixed(value, digits) }
    var unit = 1.0
    for _ in digits..<0 { unit *= 10 }
    return fixed((value / unit).rounded() * unit, 0)
  }
}

/// A value with its standard error, both to the error's second digit: "-89.18 +- 0.24".
package func measured(_ value: Double, _ error: Double) -> String {
  let place = DecimalPlace(error: error)
  return "\(place(value)) +- \(place(error))"
}

/// A fraction with its standard error in percent: "97.90 +- 0.14 %".
package func measuredPercent(_ fraction: Double, _ error: Double) -> String {
  measured(100 * fraction, 100 * error) + " %"
}

/// A fraction in percent, with two digits after the decimal point.
package func percent(_ fraction: Double) -> String { fixed(100 * fraction, 2) + " %" }

/// A count with its noun: "1 point", "2 points".
package func counted(_ count: Int, _ noun: String) -> String {
  count == 1 ? "1 \(noun)" : "\(count) \(noun)\(noun.hasSuffix("s") ? "es" : "s")"
}
