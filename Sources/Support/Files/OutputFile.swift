/// A file that a command is going to write: tried when the value is made, before the work, and written
/// whole or not at all after it.
package struct OutputFile: Sendable {
  /// Where it goes.
  package let path: String
  private let makesFolder: Bool

  /// Finds out whether `path` can be written; nothing of that stays.
  ///
  /// - Parameter makesFolder: Whether its folder is made where it is missing, as for the files that are named
  ///   by the program.
  /// - Throws: `FigmentError` where it cannot, or is something else than a file.
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
