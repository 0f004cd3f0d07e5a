import Glibc

/// An open file, closed when it goes out of scope.
package struct OpenFile: ~Copyable, Sendable {
  package private(set) var descriptor: Int32
  /// The path in error messages.
  package let path: String

  /// Opens `path`; never blocks on a pipe.
  package init(_ path: String, flags: Int32, mode: mode_t = 0o666, named: String? = nil) throws {
    try self.init(Path(path), flags: flags, mode: mode, named: named)
  }

  /// Opens a path that need not be UTF-8; never blocks on a pipe.
  init(_ path: Path, flags: Int32, mode: mode_t = 0o666, named: String? = nil) throws {
    self.path = named ?? path.description
    var descriptor: Int32
    repeat {
      descriptor = Glibc.open(path.bytes, flags | O_CLOEXEC | O_NONBLOCK, mode)
    } while descriptor < 0 && errno == EINTR
    guard descriptor >= 0 else {
      let verb = flags & O_CREAT == 0 ? "open" : "create"
      throw FigmentError(path: self.path, operation: verb, code: errno)
    }
    self.descriptor = descriptor
  }

  deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

  /// Closes the file and throws if closing fails: exceeding a quota may only show here.
  package mutating func close() throws {
    let result = Glibc.close(descriptor)
    descriptor = -1
    guard result == 0 || errno == EINTR else {
      throw FigmentError(path: path, operation: "write", code: errno)
    }
  }

  /// The length of the file in bytes; throws unless it is a regular file.
  package func length() throws -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw FigmentError(path: path, operation: "read", code: errno)
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR: throw FigmentError(path: path, operation: "read", code: EISDIR)
    default: throw FigmentError(path: path, problem: "not a regular file")
    }
  }

  /// Fills `buffer` from `offset` on; throws if the file ends before.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FigmentError(path: path, operation: "read", code: errno) }
      guard count > 0 else {
        throw FigmentError(path: path, problem: "became shorter while it was read")
      }
      done += count
    }
  }

  /// Reads `count` bytes from `offset` on.
  package func bytes(at offset: Int, count: Int) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      let raw = UnsafeMutableRawBufferPointer(buffer)
      try read(into: UnsafeMutableRawBufferPointer(rebasing: raw[..<count]), at: offset)
      initialized = count
    }
  }

  /// Writes all of `bytes` at the file's position.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw FigmentError(path: path, operation: "write", code: errno) }
      done += count
    }
  }

  /// Waits until the file is on disk.
  package func synchronize() throws {
    guard fsync(descriptor) == 0 else {
      // Pipes and some network folders cannot be synchronized; no data is lost by that.
      if errno == EINVAL || errno == ENOTSUP { return }
      throw FigmentError(path: path, operation: "write", code: errno)
    }
  }
}

/// Operations on folders and paths.
package enum FileSystem {
  /// The kind of entry at a path, after following links.
  package enum Kind: Equatable, Sendable { case nothing, file, folder }

  /// The kind of entry at a path, after following links.
  package static func kind(of path: String) -> Kind { kind(of: Path(path)) }

  /// The kind of entry at a path that need not be UTF-8.
  package static func kind(of path: Path) -> Kind {
    var status = stat()
    guard stat(path.bytes, &status) == 0 else { return .nothing }
    return status.st_mode & S_IFMT == S_IFDIR ? .folder : .file
  }

  /// Reads a regular file of at most `limit` bytes.
  package static func read(_ path: String, limit: Int) throws -> [UInt8] {
    try read(Path(path), limit: limit)
  }

  /// Reads a regular file whose path need not be UTF-8.
  package static func read(_ path: Path, limit: Int) throws -> [UInt8] {
    let file = try OpenFile(path, flags: O_RDONLY)
    let length = try file.length()
    guard length <= limit else {
      throw FigmentError(
        path: file.path, problem: "holds \(length) bytes; expected at most \(limit)")
    }
    return try file.bytes(at: 0, count: length)
  }

  /// Creates a folder and its missing parents; all of them or none.
  ///
  /// - Returns: The folders that were created, the outermost first.
  @discardableResult
  package static func makeFolder(_ path: String) throws -> [String] {
    if kind(of: path) == .folder { return [] }
    let parent = folder(of: path)
    var made: [String] = []
    if parent != path && kind(of: parent) == .nothing { made = try makeFolder(parent) }
    do {
      if mkdir(path, 0o777) == 0 {
        made.append(path)
      } else if errno != EEXIST {
        throw FigmentError(path: path, operation: "make the folder", code: errno)
      }
      guard kind(of: path) == .folder else {
        throw FigmentError(path: path, operation: "make the folder", code: ENOTDIR)
      }
      try synchronizeFolder(parent, named: path)
    } catch {
      removeEmptyFolders(made)
      throw error
    }
    return made
  }

  /// Removes folders that this process has created, in reverse order, up to the first that is not
  /// empty.
  package static func removeEmptyFolders(_ paths: [String]) {
    for path in paths.reversed() { rmdir(path) }
  }

  /// Checks that a file could be created at `path`, and leaves no trace of the check.
  ///
  /// - Parameter makesFolders: True if missing parents would be created for the file.
  /// - Throws: `FigmentError` if the file could not be created.
  package static func checkPlace(_ path: String, makesFolders: Bool) throws {
    switch kind(of: path) {
    case .folder: throw FigmentError(path: path, operation: "write", code: EISDIR)
    case .file:
      var status = stat()
      // A device or a pipe would be replaced by a file.
      guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        throw FigmentError(
          path: path, problem: "is not a regular file and would be replaced by one")
      }
    case .nothing: break
    }
    let parent = folder(of: path)
    guard makesFolders || kind(of: parent) == .folder else {
      let code = kind(of: parent) == .nothing ? ENOENT : ENOTDIR
      throw FigmentError(path: path, operation: "create", code: code)
    }
    let made = makesFolders ? try makeFolder(parent) : []
    defer { removeEmptyFolders(made) }
    // The same way as `writeAtomically` begins.
    let temporary = parent + "/" + Leftover.name(for: name(of: path))
    do {
      _ = try OpenFile(temporary, flags: O_WRONLY | O_CREAT | O_EXCL, named: path)
    }
    unlink(temporary)
  }

  /// Creates a new folder in `folder` with a name that begins with `prefix`, and returns its path.
  package static func makeTemporaryFolder(in folder: String, prefix: String) throws -> String {
    var template = Array("\(folder)/\(prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw FigmentError(path: folder, operation: "write", code: errno)
    }
    return String(
      decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Names of the entries of a folder, sorted by bytes.
  package static func names(in path: String) throws -> [String] {
    try names(in: Path(path)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Names of the entries of a folder as bytes, which need not be UTF-8, sorted.
  package static func names(in path: Path) throws -> [[UInt8]] {
    func failure() -> FigmentError {
      FigmentError(path: path.description, operation: "list", code: errno)
    }
    guard let folder = opendir(path.bytes) else { throw failure() }
    defer { closedir(folder) }
    var names: [[UInt8]] = []
    while true {
      errno = 0
      guard let entry = readdir(folder) else {
        guard errno == 0 else { throw failure() }
        break
      }
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != Array(".".utf8) && name != Array("..".utf8) { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// The parent folder of `path`; "." for a plain name.
  package static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The last component of `path`.
  package static func name(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return String(path[path.utf8.index(after: slash)...])
  }

  /// Waits until the entries of a folder are on disk.
  package static func synchronizeFolder(_ path: String, named: String) throws {
    try OpenFile(path, flags: O_RDONLY | O_DIRECTORY, named: named).synchronize()
  }
}
