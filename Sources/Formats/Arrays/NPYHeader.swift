import Support

/// The header of an NPY file: a Python dictionary with three keys, in any order and spacing.
///
/// Strings may be in either kind of quotes; numbers may end with the L of Python 2.
struct NPYHeader {
  /// The type of the values, such as "<f4".
  private(set) var descriptor = ""
  /// True if the first dimension is fastest.
  private(set) var isFortranOrder = false
  /// The extent of each dimension.
  private(set) var shape: [Int] = []

  /// The supported types, as errors list them.
  static let types = "bool, or integers or floats of up to 64 bits"

  /// Parses the bytes of a header; throws `FigmentError`, starting with `name`, if it is malformed
  /// or the type is a structured one.
  init(_ bytes: ArraySlice<UInt8>, _ name: String) throws {
    let unreadable = FigmentError("\(name): the NPY header cannot be read")
    var scanner = Scanner(rest: bytes)
    guard scanner.accept("{") else { throw unreadable }
    var found: Set<String> = []
    while !scanner.accept("}") {
      guard let key = scanner.string(), scanner.accept(":") else { throw unreadable }
      found.insert(key)
      switch key {
      case "descr":
        guard let text = scanner.string() else {
          guard scanner.accept("[") || scanner.accept("(") else { throw unreadable }
          throw FigmentError("\(name): values of a structured type, expected \(Self.types)")
        }
        descriptor = text
      case "fortran_order":
        let word = scanner.word()
        guard word == "True" || word == "False" else { throw unreadable }
        isFortranOrder = word == "True"
      case "shape":
        guard let sizes = scanner.sizes() else { throw unreadable }
        shape = sizes
      default: throw unreadable
      }
      if scanner.accept(",") { continue }
      guard scanner.accept("}") else { throw unreadable }
      break
    }
    guard scanner.isAtEnd, found == ["descr", "fortran_order", "shape"] else { throw unreadable }
  }

  /// A parser of the few Python literals that occur in headers.
  private struct Scanner {
    var rest: ArraySlice<UInt8>

    private mutating func skipSpace() {
      while let first = rest.first, first == 0x20 || (0x09...0x0d).contains(first) {
        rest.removeFirst()
      }
    }

    var isAtEnd: Bool {
      mutating get {
        skipSpace()
        return rest.isEmpty
      }
    }

    mutating func accept(_ mark: Unicode.Scalar) -> Bool {
      skipSpace()
      guard rest.first == UInt8(ascii: mark) else { return false }
      rest.removeFirst()
      return true
    }

    /// Reads a word of letters and digits.
    mutating func word() -> String {
      skipSpace()
      let word = rest.prefix { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte & 0xdf) || byte == 0x5f
      }
      rest = rest[word.endIndex...]
      return String(decoding: word, as: UTF8.self)
    }

    /// Reads a string without escapes; types and keys have none.
    mutating func string() -> String? {
      skipSpace()
      // Python 2 may write u'<f4', Python 3 b'<f4'.
      if let first = rest.first, first == UInt8(ascii: "u") || first == UInt8(ascii: "b") {
        rest.removeFirst()
      }
      guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\""),
        let end = rest.dropFirst().firstIndex(of: quote)
      else { return nil }
      let text = rest[(rest.startIndex + 1)..<end]
      rest = rest[(end + 1)...]
      return String(decoding: text, as: UTF8.self)
    }

    /// Reads a tuple of non-negative numbers.
    mutating func sizes() -> [Int]? {
      guard accept("(") else { return nil }
      var sizes: [Int] = []
      while !accept(")") {
        var digits = word()
        if digits.hasSuffix("L") { digits.removeLast() }
        guard let size = Int(digits), size >= 0 else { return nil }
        sizes.append(size)
        guard accept(",") || rest.first == UInt8(ascii: ")") else { return nil }
      }
      return sizes
    }
  }
}
