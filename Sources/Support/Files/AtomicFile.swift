import Glibc
import Synchronization

/// A buffered writer to a file: small pieces are collected, large ones written directly.
package struct FileWriter: ~Copyable {
  private var file: OpenFile
  private var pending: [UInt8] = []
  private let capacity = 1 << 16

  fileprivate init(_ file: consuming OpenFile) {
    self.file = file
    pending.reserveCapacity(capacity)
  }

  /// Appends raw bytes, such as `values.span.bytes`.
  package mutating func write(_ bytes: RawSpan) throws {
    try bytes.withUnsafeBytes { bytes in
      if pending.count + bytes.count > capacity { try flush() }
      if bytes.count >= capacity {
        try file.write(bytes)
      } else {
        pending.append(contentsOf: bytes)
      }
    }
  }

  /// Appends text as UTF-8.
  package mutating func write(_ text: String) throws { try write(Array(text.utf8).span.bytes) }

  private mutating func flush() throws {
    try pending.withUnsafeBytes { try file.write($0) }
    pending.removeAll(keepingCapacity: true)
  }

  fileprivate mutating func finish(_ reached: (AtomicStage) throws -> Void) throws {
    try flush()
    try reached(.synchronize)
    try file.synchronize()
    try file.close()
  }
}

/// A point in the writing of a file at which a test may fail or die.
package enum AtomicStage: CaseIterable, Sendable {
  case create, write, synchronize, rename, synchronizeFolder
}

/// Writes a file atomically.
///
/// The bytes go to a temporary file in the same folder, which is synchronized and renamed to
/// `path`; then the folder is synchronized. If the process fails or is killed at any point, `path`
/// holds either all of the old bytes or all of the new ones. A failure removes the temporary file;
/// `removeLeftovers(in:)` removes those of killed processes.
///
/// - Throws: `FigmentError` naming `path` and the system's reason, or what `body` throws.
package func writeAtomically(
  to path: String, _ body: (inout FileWriter) throws -> Void
) throws {
  try writeAtomically(to: path, reached: { _ in }, body)
}

/// Writes text as a file, atomically.
///
/// - Throws: `FigmentError` naming `path` and the system's reason.
package func writeAtomically(_ text: String, to path: String) throws {
  try writeAtomically(to: path) { try $0.write(text) }
}

/// Writes bytes as a file, atomically.
///
/// - Throws: `FigmentError` naming `path` and the system's reason.
package func writeAtomically(_ bytes: [UInt8], to path: String) throws {
  try writeAtomically(to: path) { try $0.write(bytes.span.bytes) }
}

/// Writes a file atomically, and calls `reached` before each stage.
package func writeAtomically(
  to path: String, reached: (AtomicStage) throws -> Void,
  _ body: (inout FileWriter) throws -> Void
) throws {
  let folder = FileSystem.folder(of: path)
  let temporary = folder + "/" + Leftover.name(for: FileSystem.name(of: path))
  if FileSystem.kind(of: path) == .folder {
    throw FigmentError(path: path, operation: "write", code: EISDIR)
  }
  do {
    try reached(.create)
    var writer = FileWriter(
      try OpenFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, named: path))
    try reached(.write)
    try body(&writer)
    try writer.finish(reached)
    try reached(.rename)
    guard rename(temporary, path) == 0 else {
      throw FigmentError(path: path, operation: "write", code: errno)
    }
  } catch {
    unlink(temporary)
    throw error
  }
  try reached(.synchronizeFolder)
  try FileSystem.synchronizeFolder(folder, named: path)
}

/// Removes temporary files that killed processes left in `folder`; files of living processes stay.
///
/// - Returns: The names of the removed files.
/// - Throws: `FigmentError` where the folder cannot be listed.
@discardableResult
package func removeLeftovers(in folder: String) throws -> [String] {
  try FileSystem.names(in: folder).filter {
    guard let process = Leftover.process(of: $0) else { return false }
    let isAlive = process != getpid() && (kill(process, 0) == 0 || errno == EPERM)
    return !isAlive && unlink(folder + "/" + $0) == 0
  }
}

/// Names of temporary files: `.NAME.PROCESS-COUNT.partial`.
package enum Leftover {
  private static let count = Atomic<Int>(0)
  private static let suffix = ".partial"

  static func name(for name: String) -> String {
    let ordinal = count.add(1, ordering: .relaxed).newValue
    return ".\(name).\(getpid())-\(ordinal)\(suffix)"
  }

  /// The process that wrote the temporary file `name`, or nil if `name` is not that of a temporary
  /// file.
  package static func process(of name: String) -> Int32? {
    guard name.hasPrefix("."), name.hasSuffix(suffix) else { return nil }
    let parts = name.dropLast(suffix.count).split(separator: ".")
    guard parts.count >= 2, let numbers = parts.last?.split(separator: "-"),
      numbers.count == 2, let process = Int32(numbers[0]), process > 0, Int(numbers[1]) != nil
    else { return nil }
    return process
  }
}
