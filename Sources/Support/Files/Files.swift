import Foundation

/// Whole files in and out, with errors that name the path.
package enum Files {
  /// The bytes of a regular file.
  ///
  /// Throws `DataError` when it cannot be read, is not a regular file or is larger than
  /// `maximumBytes`.
  package static func read(_ path: String, maximumBytes: Int) throws -> [UInt8] {
    try read(Path(path), maximumBytes: maximumBytes)
  }

  /// The bytes of a regular file whose path may be other than UTF-8.
  package static func read(_ path: Path, maximumBytes: Int) throws -> [UInt8] {
    // Without O_NONBLOCK, opening a pipe by mistake would wait for its writer.
    let descriptor = open(path.bytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw DataError("\(path): \(reason())") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw DataError("\(path): \(reason())") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw DataError("\(path): not a regular file")
    }
    let size = Int(status.st_size)
    guard size <= maximumBytes else {
      throw DataError("\(path): \(size) bytes, expected at most \(maximumBytes)")
    }
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      while count < size {
        let got = Foundation.read(descriptor, buffer.baseAddress.map { $0 + count }, size - count)
        if got < 0 {
          if errno == EINTR { continue }
          failure = reason()
          return
        }
        if got == 0 { return }
        count += got
      }
    }
    if let failure { throw DataError("\(path): \(failure)") }
    return bytes
  }

  /// Writes a file so that it appears whole or not at all: temporary name, sync, rename.
  ///
  /// Throws `DataError` when a step fails; the temporary file is removed then.
  package static func write(_ bytes: [UInt8], to path: String) throws {
    let (directory, name) = split(path)
    let pattern = "\(directory)/.\(name).XXXXXX"
    var template = Array(pattern.utf8CString)
    let descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw DataError("\(path): cannot be written: \(reason())") }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    let temporary = text(template)
    var failure: String?
    bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let wrote = Foundation.write(
          descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done)
        if wrote < 0 {
          if errno == EINTR { continue }
          failure = reason()
          return
        }
        done += wrote
      }
    }
    // mkstemp makes a file that only its owner can read; data is no secret.
    if failure == nil, fchmod(descriptor, 0o644) != 0 || fsync(descriptor) != 0 {
      failure = reason()
    }
    if close(descriptor) != 0, failure == nil { failure = reason() }
    if failure == nil, rename(temporary, path) != 0 { failure = reason() }
    if let failure {
      unlink(temporary)
      throw DataError("\(path): cannot be written: \(failure)")
    }
  }

  /// Makes a folder and those above it, where they are missing.
  package static func makeDirectory(_ path: String) throws {
    guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
    let parent = split(path).directory
    if errno == ENOENT, parent != path, !exists(parent) {
      try makeDirectory(parent)
      guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
    }
    throw DataError("\(path): cannot be created: \(reason())")
  }

  /// Whether there is anything at `path`.
  package static func exists(_ path: String) -> Bool {
    access(path, F_OK) == 0
  }

  /// Whether there is a folder at `path`.
  package static func isFolder(_ path: String) -> Bool { isFolder(Path(path)) }

  /// Whether there is a folder at a path that may be other than UTF-8.
  package static func isFolder(_ path: Path) -> Bool {
    var status = stat()
    return stat(path.bytes, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The bytes of the names in a folder, in the order of their bytes.
  ///
  /// Throws `DataError` where the folder cannot be read.
  package static func names(in folder: Path) throws -> [[UInt8]] {
    guard let stream = opendir(folder.bytes) else { throw DataError("\(folder): \(reason())") }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw DataError("\(folder): \(reason())") }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != Array(".".utf8) && name != Array("..".utf8) { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// Whether a name or one on the way to it is that of something that desktops, file servers and tools
  /// leave behind: hidden files, `__MACOSX`, `Thumbs.db`.
  package static func isLitter(_ path: String) -> Bool {
    path.split(separator: "/").contains { $0.hasPrefix(".") || litter.contains($0.lowercased()) }
  }

  private static let litter: Set<String> = [
    "__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini",
    "icon\r", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found",
    "network trash folder", "temporary items",
  ]

  /// The folder of a path ("." where it names none) and the last component.
  package static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let directory = path[..<slash]
    return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
  }

  /// The text of a C string in an array.
  package static func text(_ characters: [CChar]) -> String {
    String(
      decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// What the last failed system call says of itself.
  package static func reason() -> String {
    String(cString: strerror(errno))
  }
}

/// A path as the system has it, which need not be UTF-8, and as people see it.
package struct Path: CustomStringConvertible {
  /// As the system wants it, with a zero at the end.
  package let bytes: [CChar]
  /// As people see it: bytes that are not UTF-8 as \xNN.
  package let description: String

  /// The path of a text.
  package init(_ text: String) {
    bytes = Array(text.utf8CString)
    description = text
  }

  /// What a folder holds under a name.
  package init(_ folder: Path, _ name: [UInt8]) {
    bytes =
      folder.bytes.dropLast() + ([UInt8(ascii: "/")] + name + [0]).map { CChar(bitPattern: $0) }
    description = "\(folder)/\(shown(name: name))"
  }
}
