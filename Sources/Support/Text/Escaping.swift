/// `text` with control characters, line breaks and marks that turn the direction of writing escaped:
/// one line that is safe to print.
package func escaped(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { escaped($0) != nil }) else { return text }
  var result = ""
  for scalar in text.unicodeScalars {
    if let escape = escaped(scalar) {
      result += escape
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// What stands for a character that a terminal would act upon, nil for all others.
package func escaped(_ scalar: Unicode.Scalar) -> String? {
  switch scalar {
  case "\n": "\\n"
  case "\t": "\\t"
  case "\r": "\\r"
  case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value),
    "\u{61C}", "\u{200E}", "\u{200F}", "\u{2028}", "\u{2029}", "\u{202A}"..."\u{202E}",
    "\u{2066}"..."\u{2069}":
    "\\u{" + String(scalar.value, radix: 16) + "}"
  default: nil
  }
}

/// `text` on one line of at most `limit` characters: control characters are escaped, the rest cut.
package func printable(_ text: String, limit: Int = 200) -> String {
  var result = ""
  var count = 0
  for scalar in text.unicodeScalars {
    if count == limit { return result + "..." }
    count += 1
    if let escape = escaped(scalar) {
      result += escape
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// `text` between double quotes, on one line, cut where it is long.
package func quoted(_ text: String) -> String { "\"" + printable(text, limit: 60) + "\"" }

/// A value from a file between quotes, on one line and of a length that a line can hold.
package func singleQuoted(_ text: some StringProtocol) -> String {
  let plain = text.unicodeScalars.prefix(33).map { scalar in
    let invisible = scalar.properties.generalCategory
    return [.control, .format, .lineSeparator, .paragraphSeparator].contains(invisible)
      ? "?" : Character(scalar)
  }
  return plain.count > 32 ? "'\(String(plain.prefix(32)))...'" : "'\(String(plain))'"
}

/// The name of a file as text: bytes that are not UTF-8 as \xNN.
package func shown(name: some Sequence<UInt8>) -> String {
  let bytes = Array(name)
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  return bytes.map { byte in
    (0x20...0x7E).contains(byte)
      ? String(Unicode.Scalar(byte)) : "\\x" + String(UInt16(byte) + 0x100, radix: 16).suffix(2)
  }.joined()
}
