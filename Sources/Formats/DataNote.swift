import Support

/// What a user should know of data that were read: one line for a person.
public struct DataNote: Sendable, Equatable, CustomStringConvertible {
  /// The line, which names the file.
  public let text: String
  /// Whether something may be other than the user means; otherwise the line says how the data were
  /// understood.
  public let isWarning: Bool

  /// A note that prints as `text`, escaped as `FigmentError` does.
  public init(_ text: String, isWarning: Bool = false) {
    self.text = escaped(text)
    self.isWarning = isWarning
  }

  /// The line itself.
  public var description: String { text }
}
