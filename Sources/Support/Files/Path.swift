/// A path as the system has it, which need not be UTF-8, and as people see it.
package struct Path: CustomStringConvertible, Sendable {
  /// As the system wants it, with a zero at the end.
  let bytes: [CChar]
  /// As people see it: bytes that are not UTF-8 as \xNN.
  package let description: String

  /// The path of a text.
  package init(_ text: String) {
    bytes = Array(text.utf8CString)
    description = text
  }

  /// What a folder holds under a name.
  package init(_ folder: Path, _ name: [UInt8]) {
    bytes =
      folder.bytes.dropLast() + ([UInt8(ascii: "/")] + name + [0]).map { CChar(bitPattern: $0) }
    description = "\(folder)/\(shown(name: name))"
  }
}
