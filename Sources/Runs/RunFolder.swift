import Configuration
import Experiments
import Glibc
import Support

/// The folder of the run in progress, locked until the value goes out of scope.
///
/// No existing run is overwritten. Without an explicit folder the run goes to `outputs/NAME`, or if
/// that holds another run, to `NAME-2`, `NAME-3` and so on. The lock is an operating system lock:
/// it ends with the process, however that ends.
package struct RunFolder: ~Copyable, Sendable {
  /// Paths of the run's files.
  package let paths: RunPaths
  /// True if there is a checkpoint to resume from; otherwise the run starts from step 0.
  package let hasCheckpoint: Bool
  /// Notices for the user: which folders were skipped, and why.
  package let notices: [String]
  private let lock: OpenFile

  /// Finds or makes the folder of a run, writes `experiment.yaml` into it and locks it.
  ///
  /// - Parameters:
  ///   - name: Name of the experiment, for which `isPlainName` holds.
  ///   - experiment: Resolved experiment as YAML, seed included.
  ///   - outputs: Folder of all runs.
  ///   - explicit: Folder given by the user, or nil.
  ///   - resumes: True if an existing run is continued rather than refused.
  ///   - resumeCommand: Command that resumes this run, for messages.
  ///   - changesSteps: True if the command line overrides the number of steps. An existing run must
  ///     then have the same number, so that a mistyped resume does not start a new run.
  ///   - prepare: Called before anything is created, for a new run; if it throws, nothing is left
  ///     behind.
  /// - Throws: `FigmentError` if the run already exists, the folder holds another run or is locked
  ///   by another process, or it cannot be made or written.
  package init(
    name: String, experiment: String, outputs: String = "outputs", explicit: String? = nil,
    resumes: Bool, resumeCommand: String, changesSteps: Bool = false,
    prepare: () throws -> Void = {}
  ) throws {
    var isPrepared = false
    var horizon: FigmentError?
    if explicit == nil, !isPlainName(name) { throw FigmentError.badRunName(name) }
    var notices: [String] = []
    var ordinal = 1
    while true {
      let paths = RunPaths(explicit ?? outputs + "/" + name + (ordinal == 1 ? "" : "-\(ordinal)"))
      func examine() throws -> Content {
        let content = try Self.content(of: paths, comparedTo: experiment)
        if content == .same && !resumes {
          throw FigmentError.runExists(paths.folder, resumedBy: resumeCommand)
        }
        return content
      }
      var content = try examine()
      if content.isUsable {
        if content == .nothing {
          // The run to resume is among those skipped.
          if let horizon { throw horizon }
          try FileSystem.checkPlace(paths.experiment, makesFolders: true)
          if !isPrepared { try prepare() }
          isPrepared = true
        }
        let made = try FileSystem.makeFolder(paths.folder)
        do {
          let lock = try Self.lock(paths)
          // Another process may have started a run here before this one got the lock.
          content = try examine()
          if content.isUsable {
            try removeLeftovers(in: paths.folder)
            try FileSystem.makeFolder(paths.samples)
            try removeLeftovers(in: paths.samples)
            if content == .nothing { try writeAtomically(experiment, to: paths.experiment) }
            self.paths = paths
            self.notices = notices
            self.hasCheckpoint = FileSystem.kind(of: paths.checkpoint) == .file
            self.lock = lock
            return
          }
        } catch {
          // Keep the lock file of the process that was faster.
          if let error = error as? FigmentError, error.isLocked { throw error }
          if !made.isEmpty, FileSystem.kind(of: paths.experiment) == .nothing {
            rmdir(paths.samples)
            unlink(paths.lock)
            FileSystem.removeEmptyFolders(made)
          }
          throw error
        }
      }
      let refusal = content.refusal(paths)
      if resumes, changesSteps, let error = content.horizon(paths) {
        if explicit != nil { throw error }
        horizon = horizon ?? error
      }
      if explicit != nil { throw refusal }
      ordinal += 1
      notices.append(refusal.description)
    }
  }

  /// A run that `experiment` would resume or meet, whatever the values of some settings.
  ///
  /// - Parameters:
  ///   - explicit: Folder given by the user, or nil.
  ///   - resumes: True to look for a run in the folders of this name, if the user gave none.
  ///   - open: Keys whose values do not count.
  /// - Returns: Its folder, and the settings as "key=value" by which it differs; nil if there is
  ///   none.
  /// - Throws: `FigmentError` if the folder given by the user holds something else.
  package static func existing(
    name: String, experiment: String, outputs: String = "outputs", explicit: String?,
    resumes: Bool, ignoring open: Set<String>
  ) throws -> (folder: String, settings: [String])? {
    guard explicit != nil || resumes else { return nil }
    let wanted = try ConfigurationTree(yaml: experiment, file: "the resolved experiment").leaves
    let here = Dictionary(wanted.map { ($0.path, $0.text) }) { first, _ in first }
    var ordinal = 1
    while true {
      let paths = RunPaths(explicit ?? outputs + "/" + name + (ordinal == 1 ? "" : "-\(ordinal)"))
      let content = try content(of: paths, comparedTo: experiment)
      switch content {
      case .nothing: return nil
      case .same: return (paths.folder, [])
      case .foreign: break
      case .differs:
        let found = try ConfigurationTree(contentsOf: paths.experiment)
        let leaves = try completed(found, paths).leaves
        let different = leaves.filter { here[$0.path] != $0.text }
        if leaves.count == wanted.count, different.allSatisfy({ open.contains($0.path) }) {
          return (paths.folder, different.map { "\($0.path)=\($0.text)" })
        }
      }
      if explicit != nil { throw content.refusal(paths) }
      ordinal += 1
    }
  }

  private enum Content: Equatable {
    case nothing, same
    case differs([String], steps: Steps?)
    case foreign(String)

    var isUsable: Bool { self == .nothing || self == .same }

    func refusal(_ paths: RunPaths) -> FigmentError {
      switch self {
      case .differs(let keys, _): .runDiffers(paths.folder, keys)
      case .foreign(let found): .noRun(paths.folder, found: found)
      case .nothing, .same: .runExists(paths.folder, resumedBy: "--resume")
      }
    }

    /// The error for resuming a run with another number of steps, or nil if `paths` holds no such
    /// run.
    func horizon(_ paths: RunPaths) -> FigmentError? {
      guard case .differs(let keys, let steps?) = self else { return nil }
      return .otherHorizon(
        paths.folder, there: steps.there, here: steps.here,
        others: keys.filter { !$0.hasPrefix("steps (") })
    }
  }

  /// The number of steps of an existing run and of the requested one, if they differ.
  private struct Steps: Equatable {
    let there, here: String

    init?(_ found: ConfigurationTree, _ wanted: ConfigurationTree) {
      func steps(_ tree: ConfigurationTree) -> String? {
        tree.leaves.first { $0.path == "steps" }?.text
      }
      guard let there = steps(found), let here = steps(wanted), there != here else { return nil }
      (self.there, self.here) = (printable(there, limit: 40), printable(here, limit: 40))
    }
  }

  private static func content(
    of paths: RunPaths, comparedTo experiment: String
  ) throws -> Content {
    switch FileSystem.kind(of: paths.folder) {
    case .nothing: return .nothing
    case .file: return .foreign("is a file")
    case .folder: break
    }
    guard FileSystem.kind(of: paths.experiment) == .file else {
      let names = try FileSystem.names(in: paths.folder)
        .filter { $0 != ".lock" && Leftover.process(of: $0) == nil }
      // A process that dies before writing the experiment leaves at most an empty folder here.
      let isEmpty = try names.allSatisfy { name in
        guard name == "samples", FileSystem.kind(of: paths.samples) == .folder else { return false }
        return try FileSystem.names(in: paths.samples).isEmpty
      }
      if isEmpty { return .nothing }
      return .foreign("holds \(quoted(names.first ?? "")) and no experiment.yaml")
    }
    // An I/O error is not a reason to refuse the folder; it is thrown.
    let bytes = try FileSystem.read(paths.experiment, limit: ConfigurationTree.maximumLength)
    let found: ConfigurationTree
    do {
      found = try ConfigurationTree(bytes: bytes, file: paths.experiment)
    } catch let error as FigmentError {
      return .foreign("holds an experiment.yaml that cannot be read (\(error.problem))")
    }
    let wanted = try ConfigurationTree(yaml: experiment, file: "the resolved experiment")
    let complete = try completed(found, paths)
    let keys = differences(from: complete, to: wanted)
    return keys.isEmpty ? .same : .differs(keys, steps: Steps(complete, wanted))
  }

  /// The experiment with defaults for keys that its version of the program did not know; unchanged
  /// if this version cannot parse it, in which case the differences are listed key by key.
  private static func completed(
    _ found: ConfigurationTree, _ paths: RunPaths
  ) throws -> ConfigurationTree {
    let experiment: Experiment
    do { experiment = try Experiment(found) } catch is FigmentError { return found }
    return try ConfigurationTree(yaml: experiment.yaml, file: paths.experiment)
  }

  /// Differences between two experiments: each key with the value there and the value here.
  package static func differences(
    from found: ConfigurationTree, to wanted: ConfigurationTree
  ) -> [String] {
    let (there, here) = (found.leaves, wanted.leaves)
    let theirs = Dictionary(there.map { ($0.path, $0.text) }) { first, _ in first }
    let ours = Dictionary(here.map { ($0.path, $0.text) }) { first, _ in first }
    func shown(_ text: String?) -> String { text.map { printable($0, limit: 40) } ?? "missing" }
    let paths = here.map(\.path) + there.map(\.path).filter { ours[$0] == nil }
    return paths.filter { theirs[$0] != ours[$0] }.map {
      "\(printable($0)) (\(shown(theirs[$0])) there, \(shown(ours[$0])) here)"
    }
  }

  private static func lock(_ paths: RunPaths) throws -> OpenFile {
    let file = try OpenFile(paths.lock, flags: O_RDWR | O_CREAT)
    guard flock(file.descriptor, LOCK_EX | LOCK_NB) == 0 else {
      guard errno == EWOULDBLOCK else {
        throw FigmentError(path: paths.lock, operation: "lock", code: errno)
      }
      let length = min(20, try file.length())
      let text = String(decoding: try file.bytes(at: 0, count: length), as: UTF8.self)
      throw FigmentError.runLocked(
        paths.folder, by: Int32(text.prefix { $0 != "\n" }))
    }
    // The process number is for the message alone; the lock is the system's.
    if ftruncate(file.descriptor, 0) == 0 {
      let number = Array("\(getpid())\n".utf8)
      do { try number.withUnsafeBytes { try file.write($0) } } catch is FigmentError {
        // Without it the message names no process.
      }
    }
    return file
  }
}
