/// `text` as one line that is safe to print.
///
/// Control characters, line breaks and marks that turn the direction of writing are escaped; what was escaped
/// before stays as it is.
package func escaped(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { escape($0) != nil }) else { return text }
  return printable(text, limit: .max)
}

/// `text` on one line of at most `limit` characters: control characters are escaped, the rest cut.
package func printable(_ text: String, limit: Int = 200) -> String {
  cut(text, limit: limit, standIn: escape)
}

/// `text` between double quotes, on one line, cut where it is long.
package func quoted(_ text: String) -> String { "\"" + printable(text, limit: 60) + "\"" }

/// A value of a table or an array between single quotes, on one line, cut where it is long; whatever cannot
/// be seen is a question mark, as a value that looks like a number may not be one for a mark without width.
package func singleQuoted(_ text: some StringProtocol) -> String {
  "'" + cut(text, limit: 32) { $0.isInvisible ? "?" : nil } + "'"
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

/// The first `limit` characters of `text`, and "..." for the rest; each of which there is a stand-in by that.
private func cut(
  _ text: some StringProtocol, limit: Int, standIn: (Unicode.Scalar) -> String?
) -> String {
  var result = ""
  for (index, scalar) in text.unicodeScalars.enumerated() {
    if index == limit { return result + "..." }
    if let text = standIn(scalar) {
      result += text
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// What stands for a character that a terminal would act upon, nil for all others.
private func escape(_ scalar: Unicode.Scalar) -> String? {
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

extension Unicode.Scalar {
  fileprivate var isInvisible: Bool {
    [.control, .format, .lineSeparator, .paragraphSeparator].contains(properties.generalCategory)
  }
}
