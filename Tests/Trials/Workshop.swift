import Foundation
import Support
import Training

/// A temporary folder with the data and experiments of all small runs, in which `figment` is run;
/// deleted with the value.
final class Workshop {
  let folder: String
  private let executable: String
  private let preload: String

  /// Makes the folder.
  ///
  /// - Throws: `TrialError` if `figment` was not built next to this program.
  init() throws {
    let own = URL(
      fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(
        atPath: "/proc/self/exe")
    ).deletingLastPathComponent()
    executable = own.appendingPathComponent("figment").path
    preload = own.appendingPathComponent("libCrashPoints.so").path
    for file in [executable, preload] where !FileManager.default.fileExists(atPath: file) {
      throw TrialError(
        "\(file): no such file; build the whole package first: swift build -c release")
    }
    let temporary = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path
    folder = temporary + "/figment-trials-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, bytes) in try SmallRun.dataFiles() { try write(bytes, to: name) }
    for run in SmallRun.all { try write(Array(run.yaml.utf8), to: run.name + ".yaml") }
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
  }

  func bytes(_ name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: path(name)).map { Array($0) }
  }

  func remove(_ name: String) { try? FileManager.default.removeItem(atPath: path(name)) }

  /// Contents of a folder, recursively, by relative path.
  func files(in name: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: path(name))?.compactMap { $0 as? String } ?? []
    return all.filter { !FileSystem.isFolder(path(name) + "/" + $0) }.sorted()
  }

  /// Exit of a process, normal or by a signal.
  enum End: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  /// A running process.
  struct Child {
    fileprivate let process: Process
    private let errors: String

    fileprivate init(_ process: Process, errors: String) {
      (self.process, self.errors) = (process, errors)
    }

    func kill() { Foundation.kill(process.processIdentifier, SIGKILL) }

    /// Waits until the process ends.
    func wait() -> End {
      process.waitUntilExit()
      let status = process.terminationStatus
      return process.terminationReason == .exit ? .exit(status) : .signal(status)
    }

    /// The process's standard error, once it has ended.
    func messages() -> String {
      defer { unlink(errors) }
      return FileManager.default.contents(atPath: errors)
        .map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
  }

  /// Starts `figment` in the folder.
  ///
  /// - Parameter crashPoints: Settings of the library `CrashPoints`, without their prefix; nil to
  ///   run without it.
  func start(_ arguments: [String], crashPoints: [String: String]? = nil) throws -> Child {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var environment = ["TERM": "dumb", "PATH": "/usr/bin:/bin"]
    if let crashPoints {
      environment["LD_PRELOAD"] = preload
      for (name, value) in crashPoints { environment["CRASHPOINTS_" + name] = value }
    }
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    let errors = path(UUID().uuidString + ".err")
    try writeAtomically("", to: errors)
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    try process.run()
    return Child(process, errors: errors)
  }

  /// Runs `figment` to its end.
  ///
  /// - Throws: `TrialError` with its standard error if it fails.
  func run(_ arguments: [String], crashPoints: [String: String]? = nil) throws {
    let child = try start(arguments, crashPoints: crashPoints)
    let end = child.wait()
    let messages = child.messages()
    guard end == .exit(0) else {
      throw TrialError("figment \(arguments.joined(separator: " ")): \(end): \(messages)")
    }
  }
}

extension FileSystem {
  static func isFolder(_ path: String) -> Bool { kind(of: path) == .folder }
}

/// Formats rows in columns, the first row as a title; all but the first column flush right.
func columns(_ rows: [[String]]) -> [String] {
  let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  return rows.map { row in
    row.enumerated().map { column, text in
      let spaces = String(repeating: " ", count: widths[column] - text.count)
      return column == 0 ? text + spaces : spaces + text
    }.joined(separator: "  ")
  }
}
