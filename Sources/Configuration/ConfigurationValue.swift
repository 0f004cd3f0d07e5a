import Support

/// A value of a resolved experiment that can be written as YAML.
package enum ConfigurationValue: Equatable, Sendable {
  /// A whole number.
  case integer(Int)
  /// A whole number from 0 to 2^64 - 1.
  case unsigned(UInt64)
  /// A finite number.
  case number(Double)
  /// `true` or `false`.
  case bool(Bool)
  /// A string, quoted if YAML would read it as something else.
  case string(String)
  /// A list, written on one line.
  case list([ConfigurationValue])
  /// Keys and values in the order in which they are written.
  case mapping([Member])
  /// No value, written `null`.
  case null

  /// A key and its value.
  package struct Member: Equatable, Sendable {
    /// The name of the member.
    package let key: String
    /// The value of the member.
    package let value: ConfigurationValue

    /// Creates a member.
    package init(_ key: String, _ value: ConfigurationValue) {
      self.key = key
      self.value = value
    }
  }

  /// A list of whole numbers.
  package static func list(_ values: [Int]) -> Self { .list(values.map(Self.integer)) }
  /// A list of numbers.
  package static func list(_ values: [Double]) -> Self { .list(values.map(Self.number)) }
  /// A list of strings.
  package static func list(_ values: [String]) -> Self { .list(values.map(Self.string)) }
  /// A whole number, or `null`.
  package static func optional(_ value: Int?) -> Self { value.map(Self.integer) ?? .null }
  /// A number, or `null`.
  package static func optional(_ value: Double?) -> Self { value.map(Self.number) ?? .null }
  /// A string, or `null`.
  package static func optional(_ value: String?) -> Self { value.map(Self.string) ?? .null }
}

extension [ConfigurationValue.Member] {
  /// The members as YAML text; equal members give equal bytes.
  ///
  /// Numbers have the fewest digits that read back as the same number; mappings are indented by
  /// two spaces.
  package var yaml: String { lines(indentation: "").joined() }

  private func lines(indentation: String) -> [String] {
    flatMap { member -> [String] in
      let key = indentation + ConfigurationValue.string(member.key).inline + ":"
      if case .mapping(let members) = member.value, !members.isEmpty {
        return [key + "\n"] + members.lines(indentation: indentation + "  ")
      }
      return [key + " " + member.value.inline + "\n"]
    }
  }
}

extension ConfigurationValue {
  /// The value as YAML on one line.
  var inline: String {
    switch self {
    case .integer(let value): "\(value)"
    case .unsigned(let value): "\(value)"
    case .number(let value): decimal(value)
    case .bool(let value): "\(value)"
    case .string(let text): Self.isPlain(text) ? text : Self.doubleQuoted(text)
    case .list(let values): "[" + values.map(\.inline).joined(separator: ", ") + "]"
    case .mapping(let members):
      "{"
        + members.map { "\(ConfigurationValue.string($0.key).inline): \($0.value.inline)" }
        .joined(separator: ", ") + "}"
    case .null: "null"
    }
  }

  /// Returns true if a string reads back unchanged without quotes, even within a list.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.utf8.first, !ConfigurationReader.isSpecial(text) else { return false }
    let isLetter = { (byte: UInt8) in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    return (isLetter(first) || first == UInt8(ascii: "/") || first == UInt8(ascii: "."))
      && text.utf8.allSatisfy { isLetter($0) || "-_./+".utf8.contains($0) }
  }

  private static func doubleQuoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x22: result += "\\\""
      case 0x5C: result += "\\\\"
      case 0x0A: result += "\\n"
      case 0x20...0x7E, 0xA0..<0x2028, 0x202A..<0xFEFF, 0xFF00...0xFFFD:
        result.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      }
    }
    return result + "\""
  }
}
