/// A number in the fewest digits that read back as the same number, whole ones without a point.
package func decimal(_ value: Double) -> String {
  let text = "\(value)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// A number with `digits` digits after the point.
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

/// A number in four digits or so: 0.03125, 4.25, 1234, 2.5e-07.
package func rounded(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return decimal(value) }
  var scale = 1.0
  while abs(value) * scale < 1000 { scale *= 10 }
  return decimal((value * scale).rounded() / scale)
}

/// The decimal place to which figures of one standard error are printed: that of the error's second digit.
///
/// What stands behind it would be another with other examples, and says nothing.
package struct DecimalPlace: Equatable, Sendable {
  /// Digits after the point, below 0 for tens and so on; nil where no error is known.
  package let digits: Int?

  /// The place for figures of a standard error; without one, if that is NaN, infinite or 0, they have four
  /// digits or so.
  package init(error: Double) {
    guard error.isFinite, error > 0 else {
      digits = nil
      return
    }
    // From 9.95 on, ten; below 99.5, ninety-nine.
    var (scaled, digits) = (error, 0)
    while scaled < 9.95 { (scaled, digits) = (scaled * 10, digits + 1) }
    while scaled >= 99.5 { (scaled, digits) = (scaled / 10, digits - 1) }
    self.digits = digits
  }

  /// A figure, or its error, rounded to the place.
  package func callAsFunction(_ value: Double) -> String {
    guard let digits, value.isFinite else { return rounded(value) }
    // Beyond that Double has no digits; the text is its shortest.
    guard digits <= 15 else { return "\(value)" }
    if digits >= 0 { return fixed(value, digits) }
    var unit = 1.0
    for _ in digits..<0 { unit *= 10 }
    return fixed((value / unit).rounded() * unit, 0)
  }
}

/// A figure with its standard error, both to the error's second digit: "-89.18 +- 0.24".
package func measured(_ value: Double, _ error: Double) -> String {
  let place = DecimalPlace(error: error)
  return "\(place(value)) +- \(place(error))"
}

/// A share with its standard error in percent: "97.90 +- 0.14 %".
package func measuredPercent(_ share: Double, _ error: Double) -> String {
  measured(100 * share, 100 * error) + " %"
}

/// A share in percent, two digits after the point.
package func percent(_ share: Double) -> String { fixed(100 * share, 2) + " %" }

/// A count with its noun: "1 point", "2 points".
package func counted(_ count: Int, _ noun: String) -> String {
  count == 1 ? "1 \(noun)" : "\(count) \(noun)\(noun.hasSuffix("s") ? "es" : "s")"
}
