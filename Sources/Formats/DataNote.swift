import Support

/// A remark about data that were read, as one line for the user.
public struct DataNote: Sendable, Equatable, CustomStringConvertible {
  /// The line, including the name of the file.
  public let text: String
  /// True if the data may not be what the user intends; otherwise the line states how they were
  /// interpreted.
  public let isWarning: Bool

  /// Creates a note that prints as `text`, escaped as by `FigmentError`.
  public init(_ text: String, isWarning: Bool = false) {
    self.text = escaped(text)
    self.isWarning = isWarning
  }

  /// The line itself.
  public var description: String { text }
}
