import Datasets
import Glibc

/// A failed operation of the file system, told in one line.
///
/// The line names the path, what was attempted and the system's reason:
/// `outputs/toy/checkpoint.safetensors: cannot write: No space left on device`.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The path as the user would recognise it, never that of a temporary file.
  public let path: String
  /// What was attempted, in the infinitive: "write", "open", "lock".
  public let operation: String
  /// The system's error number, such as `ENOSPC`.
  public let code: Int32

  /// Makes the error of `operation` on `path` from a system error number.
  public init(path: String, operation: String, code: Int32) {
    self.path = path
    self.operation = operation
    self.code = code
  }

  /// The whole error on one line.
  public var description: String {
    "\(printable(path)): cannot \(operation): \(String(cString: strerror(code)))"
  }
}

/// A file whose content is not what its name promises, told in one line.
public struct FormatError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The path of the file.
  public let path: String
  /// What is wrong, with the value that was found and what was expected.
  public let problem: String

  /// Makes the error of a file and what is wrong with it.
  public init(path: String, problem: String) {
    self.path = path
    self.problem = problem
  }

  /// The whole error on one line.
  public var description: String { "\(printable(path)): \(problem)" }
}

/// `text` on one line of at most `limit` characters: control characters are escaped, the rest cut.
package func printable(_ text: String, limit: Int = 200) -> String {
  var result = ""
  var count = 0
  for scalar in text.unicodeScalars {
    if count == limit { return result + "..." }
    count += 1
    if let escape = escaped(scalar) {
      result += escape
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// `text` between double quotes, on one line, cut where it is long.
package func quoted(_ text: String) -> String { "\"" + printable(text, limit: 60) + "\"" }
