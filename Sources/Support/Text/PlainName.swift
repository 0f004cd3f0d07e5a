/// Returns true if `name` is valid for a run and its folder: at most 100 letters, digits, "-", "_"
/// and ".", beginning with a letter or digit.
package func isPlainName(_ name: String) -> Bool {
  func isLetter(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
  guard let first = name.utf8.first, isLetter(first), name.utf8.count <= 100 else { return false }
  return name.utf8.allSatisfy { isLetter($0) || "-_.".utf8.contains($0) }
}
