/// What is wrong with a file, a name or a download: one line for a person.
///
/// The line names the file, the value found and what was expected.
public struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The line, without a full stop and without a line break.
  public let message: String

  /// An error that prints as `message`.
  public init(_ message: String) {
    self.message = message
  }

  /// The line itself.
  public var description: String { message }
}

/// A count with its noun: "1 point", "2 points".
func counted(_ count: Int, _ noun: String) -> String {
  count == 1 ? "1 \(noun)" : "\(count) \(noun)\(noun.hasSuffix("s") ? "es" : "s")"
}

/// A value from a file between quotes, on one line and of a length that a line can hold.
func quoted(_ text: some StringProtocol) -> String {
  let plain = text.unicodeScalars.prefix(33).map { scalar in
    let invisible = scalar.properties.generalCategory
    return [.control, .format, .lineSeparator, .paragraphSeparator].contains(invisible)
      ? "?" : Character(scalar)
  }
  return plain.count > 32 ? "'\(String(plain.prefix(32)))...'" : "'\(String(plain))'"
}
