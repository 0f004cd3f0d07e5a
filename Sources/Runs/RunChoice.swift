import Support

/// A path without a run, or whose run the command does not apply to: among several, as the shell
/// expands `outputs/*`, it is skipped with a note.
///
/// Not a `FigmentError`, because it need not be a mistake: `chosenRuns` catches it, and it ends a
/// command only if the path is the only one.
package struct SkippedPath: Error, Equatable, Sendable, CustomStringConvertible {
  /// The path and the reason, on one line.
  package let description: String

  /// Makes it from the line.
  package init(_ description: String) { self.description = description }
}

/// Applies `read` to each path and skips those for which it throws `SkippedPath`.
///
/// - Parameters:
///   - remark: Receives the reason for each skipped path.
///   - read: Throws `SkippedPath` for a path to skip.
/// - Throws: Other errors of `read`; `SkippedPath` if it is thrown for the only path.
package func chosenRuns<Value>(
  _ paths: [String], remark: (String) -> Void, _ read: (String) throws -> Value
) throws -> [Value] {
  try paths.compactMap { path in
    do {
      return try read(path)
    } catch let error as SkippedPath where paths.count > 1 {
      remark("skipped: \(error)")
      return nil
    }
  }
}

extension RunPaths {
  /// True if the path exists but holds no run.
  package var holdsNoRun: Bool {
    FileSystem.kind(of: checkpoint) != .file && FileSystem.kind(of: folder) != .nothing
  }

  /// Checks that there is a checkpoint.
  ///
  /// - Throws: `FigmentError` if the path does not exist, `SkippedPath` if it holds no checkpoint.
  package func checkHoldsRun() throws {
    guard FileSystem.kind(of: checkpoint) != .file else { return }
    switch FileSystem.kind(of: folder) {
    case .nothing: throw FigmentError(path: folder, problem: "is not a run folder")
    case .file: throw SkippedPath("\(printable(folder)): is not a run folder")
    case .folder:
      throw SkippedPath(
        "\(printable(folder)): no checkpoint.safetensors; not a run, or not saved yet"
      )
    }
  }

  /// The checkpoint of the run, without its arrays.
  ///
  /// - Throws: `SkippedPath` if the folder has none, and the errors of `Checkpoint.init`.
  package func loadCheckpoint() throws -> Checkpoint {
    try checkHoldsRun()
    return try Checkpoint(checkpoint)
  }
}
