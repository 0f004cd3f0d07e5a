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

/// A share in percent, two digits after the point.
package func percent(_ share: Double) -> String { fixed(100 * share, 2) + " %" }

/// A number of things, such as "1 thread" or "2 threads"; the plural has an "s" more.
package func counted(_ count: Int, _ thing: String) -> String {
  count == 1 ? "1 \(thing)" : "\(count) \(thing)s"
}
