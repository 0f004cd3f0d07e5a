/// `text` as one line that is safe to print.
///
/// Control characters, line breaks and bidirectional control characters are escaped; text that was
/// escaped before does not change.
package func escaped(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { escape($0) != nil }) else { return text }
  return printable(text, limit: .max)
}

/// `text` on one line, with control characters escaped, truncated after `limit` characters.
package func printable(_ text: String, limit: Int = 200) -> String {
  cut(text, limit: limit, standIn: escape)
}

/// `text` in double quotes, on one line, truncated if it is long.
package func quoted(_ text: String) -> String { "\"" + printable(text, limit: 60) + "\"" }

/// A value of a table or an array in single quotes, on one line, truncated if it is long.
///
/// Invisible characters appear as question marks: a value that contains one may look like a number
/// without being one.
package func singleQuoted(_ text: some StringProtocol) -> String {
  "'" + cut(text, limit: 32) { $0.isInvisible ? "?" : nil } + "'"
}

/// A file name as text; bytes that are not UTF-8 appear as \xNN.
package func shown(name: some Sequence<UInt8>) -> String {
  let bytes = Array(name)
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  return bytes.map { byte in
    (0x20...0x7E).contains(byte)
      ? String(Unicode.Scalar(byte)) : "\\x" + String(UInt16(byte) + 0x100, radix: 16).suffix(2)
  }.joined()
}

/// The first `limit` characters of `text` and "..." if there are more, with characters replaced by
/// their `standIn` unless it is nil.
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

/// The escape sequence of a character that a terminal would act upon; nil for all others.
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
