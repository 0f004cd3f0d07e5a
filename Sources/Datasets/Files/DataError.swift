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
