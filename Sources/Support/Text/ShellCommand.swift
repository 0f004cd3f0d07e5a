/// A command line for a shell: words with characters that are special to a shell are quoted.
package func shellCommand(_ words: [String]) -> String {
  words.map { word in
    let scalars = word.unicodeScalars
    let isPlain = scalars.allSatisfy {
      $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0))
        || "-_./=,:+@".unicodeScalars.contains($0)
    }
    // Some shells expand a word that begins with "=" to a command's path.
    if isPlain && !word.isEmpty && scalars.first != "=" { return word }
    let isPrintable = scalars.allSatisfy { printable(String($0)) == String($0) }
    guard !isPrintable else { return "'" + word.replacing("'", with: "'\\''") + "'" }
    // Control characters must not reach a terminal; bash, zsh and ksh read these escapes.
    let escaped = word.utf8.map { byte -> String in
      switch byte {
      case UInt8(ascii: "\\"): "\\\\"
      case UInt8(ascii: "'"): "\\'"
      case 0x20...0x7E: String(UnicodeScalar(byte))
      default: "\\" + octal(byte)
      }
    }
    return "$'" + escaped.joined() + "'"
  }.joined(separator: " ")
}

private func octal(_ byte: UInt8) -> String {
  let digits = String(byte, radix: 8)
  return String(repeating: "0", count: 3 - digits.count) + digits
}
