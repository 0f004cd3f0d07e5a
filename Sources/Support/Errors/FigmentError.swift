import Glibc

/// An error as one line for the user: the only error that the program's own parts throw at its
/// user.
///
/// The line names the thing, the value found and what was expected. Control characters are escaped,
/// because file names and texts in them may hold anything.
public struct FigmentError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The line, without a full stop and without a line break.
  public let description: String
  /// The line without the subject at its beginning, if the error was made from both.
  public let problem: String
  /// The system's error number, such as `ENOSPC`, if the system refused an operation.
  public let code: Int32?

  /// Creates the error that prints as `line`.
  public init(_ line: String, code: Int32? = nil) {
    description = escaped(line)
    problem = description
    self.code = code
  }

  /// Creates the error of a file; `problem` says what was found and what was expected.
  public init(path: String, problem: String) {
    self.init(place: printable(path), problem)
  }

  /// Creates the error of a failed file system operation:
  /// `outputs/toy/checkpoint.safetensors: cannot write: No space left on device`.
  ///
  /// - Parameters:
  ///   - path: The path as the user would recognise it, never that of a temporary file.
  ///   - operation: The attempted operation as an infinitive: "write", "open", "lock".
  ///   - code: The system's error number.
  public init(path: String, operation: String, code: Int32) {
    self.init(
      place: printable(path), "cannot \(operation): \(String(cString: strerror(code)))", code: code)
  }

  /// Creates the error of a setting.
  ///
  /// - Parameters:
  ///   - origin: The file with the line, or the override as it was given.
  ///   - key: The keys that lead to the value, joined by dots; empty for the whole file.
  ///   - problem: The value found and what was expected.
  public init(origin: String, key: String, problem: String) {
    self.init(place: printable(origin) + (key.isEmpty ? "" : ": " + printable(key)), problem)
  }

  private init(place: String, _ problem: String, code: Int32? = nil) {
    self.problem = escaped(problem)
    description = place + ": " + self.problem
    self.code = code
  }
}
