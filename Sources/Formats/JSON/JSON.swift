import Support

/// A strict JSON reader (RFC 8259) for a known structure; it builds no tree.
///
/// Only requested strings are allocated. A duplicate key, a lone surrogate or a byte after the
/// value is an error.
public struct JSONCursor: ~Copyable {
  private let bytes: [UInt8]
  private var position = 0

  /// Creates a reader at the beginning of `bytes`.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next byte that is not white space, or nil at the end.
  public mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x09, 0x0A, 0x0D: position += 1
      case let byte: return byte
      }
    }
    return nil
  }

  /// Creates an error that names the position, the byte found there and what was expected.
  public func failure(_ expected: String) -> FigmentError {
    let found: String
    if position < bytes.count {
      let byte = bytes[position]
      let isVisible = (0x21...0x7E).contains(byte)
      found = isVisible ? "\"\(Character(Unicode.Scalar(byte)))\"" : "byte \(byte)"
    } else {
      found = "the end"
    }
    return FigmentError("expected \(expected) at byte \(position), found \(found)")
  }

  private mutating func expect(_ scalar: Unicode.Scalar, _ expected: String) throws {
    guard peek() == UInt8(ascii: scalar) else { throw failure(expected) }
    position += 1
  }

  private mutating func accept(_ scalar: Unicode.Scalar) -> Bool {
    guard peek() == UInt8(ascii: scalar) else { return false }
    position += 1
    return true
  }

  /// Reads an object; `member` is called for each key and reads its value.
  public mutating func object(
    _ expected: String, _ member: (String, inout JSONCursor) throws -> Void
  ) throws {
    try expect("{", expected)
    if accept("}") { return }
    var seen: Set<String> = []
    repeat {
      let key = try string("a key")
      guard seen.insert(key).inserted else {
        throw FigmentError("the key \(quoted(key)) appears twice")
      }
      try expect(":", "\":\"")
      try member(key, &self)
    } while accept(",")
    try expect("}", "\",\" or \"}\"")
  }

  /// Reads an array; `element` is called for each element and reads it.
  public mutating func array(
    _ expected: String, _ element: (inout JSONCursor) throws -> Void
  ) throws {
    try expect("[", expected)
    if accept("]") { return }
    repeat { try element(&self) } while accept(",")
    try expect("]", "\",\" or \"]\"")
  }

  /// Reads a string.
  public mutating func string(_ expected: String) throws -> String {
    try expect("\"", expected)
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw FigmentError("a string that ends at byte \(position) is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"):
        position += 1
        text.append(contentsOf: UTF8.encode(try escape()) ?? .init())
      case 0..<0x20: throw failure("a character of a string")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw failure("the end of a string")
  }

  private mutating func escape() throws -> Unicode.Scalar {
    guard position < bytes.count else { throw failure("an escape") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default:
      position -= 1
      throw failure("an escape")
    }
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
      bytes[position + 1] == UInt8(ascii: "u")
    else { throw failure("the second half of a surrogate pair") }
    position += 2
    let second = try fourDigits()
    guard (0xDC00...0xDFFF).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw failure("the second half of a surrogate pair") }
    return scalar
  }

  private mutating func fourDigits() throws -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard position < bytes.count,
        let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue
      else { throw failure("a hexadecimal digit") }
      value = value << 4 + UInt32(digit)
      position += 1
    }
    return value
  }

  /// Reads a number and returns it as text.
  public mutating func number(_ expected: String) throws -> String {
    guard let first = peek(), first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
      throw failure(expected)
    }
    let start = position
    if bytes[position] == UInt8(ascii: "-") { position += 1 }
    if position < bytes.count, bytes[position] == UInt8(ascii: "0") {
      position += 1
    } else {
      try digits()
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, bytes[position] == 0x2B || bytes[position] == 0x2D {
        position += 1
      }
      try digits()
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func digits() throws {
    guard position < bytes.count, (0x30...0x39).contains(bytes[position]) else {
      throw failure("a digit")
    }
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
  }

  /// Reads a non-negative integer that fits in an `Int`.
  public mutating func count(_ expected: String) throws -> Int {
    let text = try number(expected)
    guard let value = Int(text), value >= 0, !text.hasPrefix("-") else {
      throw FigmentError("expected \(expected), found \(printable(text, limit: 40))")
    }
    return value
  }

  /// Consumes `null` if it comes next, and returns whether it did.
  public mutating func null() -> Bool {
    guard peek() == UInt8(ascii: "n"), bytes[position...].starts(with: "null".utf8) else {
      return false
    }
    position += 4
    return true
  }

  /// Throws unless only white space is left.
  public mutating func end() throws {
    if peek() != nil { throw failure("the end") }
  }
}
