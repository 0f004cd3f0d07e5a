/// A path in the bytes of the system, which need not be UTF-8, together with a printable form.
package struct Path: CustomStringConvertible, Sendable {
  /// The system's bytes, with a terminating zero.
  let bytes: [CChar]
  /// The printable form: bytes that are not UTF-8 appear as \xNN.
  package let description: String

  /// Creates a path from text.
  package init(_ text: String) {
    bytes = Array(text.utf8CString)
    description = text
  }

  /// Creates the path of the entry `name` in `folder`.
  package init(_ folder: Path, _ name: [UInt8]) {
    bytes =
      folder.bytes.dropLast() + ([UInt8(ascii: "/")] + name + [0]).map { CChar(bitPattern: $0) }
    description = "\(folder)/\(shown(name: name))"
  }
}
