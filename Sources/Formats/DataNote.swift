import Support

/// What a user should know of data that were read: one line for a person.
package struct DataNote: Sendable, Equatable, CustomStringConvertible {
  /// The line, which names the file.
  package let text: String
  /// Whether something may be other than the user means; otherwise the line says how the data were
  /// understood.
  package let isWarning: Bool

  /// A note that prints as `text`, escaped as `FigmentError` does.
  package init(_ text: String, isWarning: Bool = false) {
    self.text = escaped(text)
    self.isWarning = isWarning
  }

  /// The line itself.
  package var description: String { text }
}
