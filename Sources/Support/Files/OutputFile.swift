/// A file that a command will write: checked before the work starts, written atomically when it is
/// done.
package struct OutputFile: Sendable {
  /// Path of the file.
  package let path: String
  private let makesFolder: Bool

  /// Checks that `path` can be written, and leaves no trace of the check.
  ///
  /// - Parameter makesFolder: True to create a missing folder, as for files whose names the program
  ///   chooses.
  /// - Throws: `FigmentError` if the file cannot be written, or if `path` exists and is not a
  ///   regular file.
  package init(_ path: String, makesFolder: Bool = false) throws {
    (self.path, self.makesFolder) = (path, makesFolder)
    try FileSystem.checkPlace(path, makesFolders: makesFolder)
  }

  /// Writes the file.
  ///
  /// - Throws: `FigmentError` where the system refuses.
  package func write(_ bytes: [UInt8]) throws {
    if makesFolder { try FileSystem.makeFolder(FileSystem.folder(of: path)) }
    try writeAtomically(bytes, to: path)
  }

  /// Writes the file as text.
  ///
  /// - Throws: `FigmentError` where the system refuses.
  package func write(_ text: String) throws { try write(Array(text.utf8)) }
}
