/// What is wrong with a file, a name or a download: one line for a person.
///
/// The line names the file, the value found and what was expected.
package struct DataError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The line, without a full stop and without a line break.
  package let message: String

  /// An error that prints as `message`; what a terminal would act upon is escaped, as file names may
  /// hold anything.
  package init(_ message: String) {
    self.message = escaped(message)
  }

  /// The line itself.
  package var description: String { message }
}
