import Support

/// A path among those of a command that holds no run, or none of which the command has something to say: of
/// several, as the shell makes them of `outputs/*`, it is passed over.
///
/// No `FigmentError`, as it is no mistake of the user's: it is thrown to be caught by `chosenRuns`, and ends a
/// command only where the path is the only one.
package struct PassedOver: Error, Equatable, Sendable, CustomStringConvertible {
  /// The path, and why, on one line.
  package let description: String

  /// Makes it of the line.
  package init(_ description: String) { self.description = description }
}

/// What `read` makes of each of the paths, without those that it finds to be passed over.
///
/// - Parameters:
///   - remark: Given the reason for each of these.
///   - read: Throws `PassedOver` for these.
/// - Throws: What else `read` throws; `PassedOver` where there is only one path and it is passed over.
package func chosenRuns<Value>(
  _ paths: [String], remark: (String) -> Void, _ read: (String) throws -> Value
) throws -> [Value] {
  try paths.compactMap { path in
    do {
      return try read(path)
    } catch let error as PassedOver where paths.count > 1 {
      remark("passed over: \(error)")
      return nil
    }
  }
}

extension RunPaths {
  /// Whether there is something that holds no run.
  package var isPassedOver: Bool {
    FileSystem.kind(of: checkpoint) != .file && FileSystem.kind(of: folder) != .nothing
  }

  /// Checks that there is a checkpoint.
  ///
  /// - Throws: `FigmentError` where there is nothing at all, `PassedOver` where there is something else.
  package func checkHoldsRun() throws {
    guard FileSystem.kind(of: checkpoint) != .file else { return }
    switch FileSystem.kind(of: folder) {
    case .nothing: throw FigmentError(path: folder, problem: "is not a run folder")
    case .file: throw PassedOver("\(printable(folder)): is not a run folder")
    case .folder:
      throw PassedOver(
        "\(printable(folder)): holds no checkpoint.safetensors: not a run, or one that has not saved yet"
      )
    }
  }

  /// The checkpoint of the run, of which the arrays are not read yet.
  ///
  /// - Throws: `PassedOver` where the folder has none, and what `Checkpoint.init` throws.
  package func loadCheckpoint() throws -> Checkpoint {
    try checkHoldsRun()
    return try Checkpoint(checkpoint)
  }
}
