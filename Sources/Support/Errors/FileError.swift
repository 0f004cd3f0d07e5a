import Glibc

/// A failed operation of the file system, told in one line.
///
/// The line names the path, what was attempted and the system's reason:
/// `outputs/toy/checkpoint.safetensors: cannot write: No space left on device`.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The path as the user would recognise it, never that of a temporary file.
  package let path: String
  /// What was attempted, in the infinitive: "write", "open", "lock".
  package let operation: String
  /// The system's error number, such as `ENOSPC`.
  package let code: Int32

  /// Makes the error of `operation` on `path` from a system error number.
  package init(path: String, operation: String, code: Int32) {
    self.path = path
    self.operation = operation
    self.code = code
  }

  /// The whole error on one line.
  package var description: String {
    "\(printable(path)): cannot \(operation): \(String(cString: strerror(code)))"
  }
}

/// A file whose content is not what its name promises, told in one line.
package struct FormatError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The path of the file.
  package let path: String
  /// What is wrong, with the value that was found and what was expected.
  package let problem: String

  /// Makes the error of a file and what is wrong with it.
  package init(path: String, problem: String) {
    self.path = path
    self.problem = problem
  }

  /// The whole error on one line.
  package var description: String { "\(printable(path)): \(problem)" }
}
