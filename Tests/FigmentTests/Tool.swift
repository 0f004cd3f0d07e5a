import Foundation

/// The built `figment`, run as a process in a temporary folder that is deleted with the value.
final class Tool: Sendable {
  let folder: String
  private let executable: String

  struct Failure: Error, CustomStringConvertible { let description: String }

  init() throws {
    // The test bundle and the executable are built into one folder.
    let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let candidates = [bundle, CommandLine.arguments[0]].map {
      URL(fileURLWithPath: $0).deletingLastPathComponent().appendingPathComponent("figment").path
    }
    guard let found = candidates.first(where: FileManager.default.isExecutableFile(atPath:)) else {
      throw Failure(description: "no figment at \(candidates): build it before the tests")
    }
    executable = found
    folder = FileManager.default.temporaryDirectory.path + "/figment-cli-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// Exit status and output of a process.
  struct Result {
    let code: Int32
    let output: String
    let errors: String
    var firstLine: String { String(output.prefix { $0 != "\n" }) }
    var firstErrorLine: String { String(errors.prefix { $0 != "\n" }) }
    var lastErrorLine: String { errors.split(separator: "\n").last.map(String.init) ?? "" }
  }

  /// Runs a command line to its end; `meanwhile` is called once it has started.
  ///
  /// `program` is an executable next to `figment`, and `terminal` becomes its standard error. It
  /// cannot write files larger than `fileLimit` bytes, in steps of 512. For a `shell`, the line is a
  /// script in the folder, with the program as `$0`.
  func run(
    _ line: String, program: String = "figment", terminal: FileHandle? = nil,
    environment: [String: String] = ["TERM": "dumb"], fileLimit: Int? = nil, shell: Bool = false,
    meanwhile: (Process) throws -> Void = { _ in }
  ) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable).deletingLastPathComponent()
      .appendingPathComponent(program)
    process.arguments = line.split(separator: " ").map { $0 == "''" ? "" : String($0) }
    if let fileLimit, let path = process.executableURL?.path {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments =
        ["-c", "ulimit -f \(fileLimit / 512); exec \"$0\" \"$@\"", path]
        + (process.arguments ?? [])
    }
    if shell, let path = process.executableURL?.path {
      process.executableURL = URL(fileURLWithPath: "/bin/sh")
      process.arguments = ["-c", ". ./\(line)", path]
    }
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    var inherited = ["PATH": "/usr/bin:/bin"]
    // Under `make test-sanitize` the program is built with the sanitizer, too.
    inherited["ASAN_OPTIONS"] = ProcessInfo.processInfo.environment["ASAN_OPTIONS"]
    process.environment = environment.merging(inherited) { own, _ in own }
    process.standardInput = FileHandle.nullDevice
    let name = UUID().uuidString
    func open(_ suffix: String) throws -> FileHandle {
      try write("", to: name + suffix)
      return try FileHandle(forWritingTo: URL(fileURLWithPath: path(name + suffix)))
    }
    process.standardOutput = try open(".out")
    let errors = try open(".err")
    process.standardError = terminal ?? errors
    try process.run()
    do {
      try meanwhile(process)
    } catch {
      process.terminate()
      throw error
    }
    process.waitUntilExit()
    defer { for suffix in [".out", ".err"] { unlink(path(name + suffix)) } }
    let code = process.terminationReason == .exit ? process.terminationStatus : -1
    return Result(
      code: code, output: try text(name + ".out"), errors: try text(name + ".err"))
  }

  /// Runs a shell line to its end, with `$F` as `figment`.
  func shell(_ script: String, environment: [String: String] = [:]) throws -> Result {
    let name = UUID().uuidString
    try write("F='\(executable)'\n" + script + "\n", to: name + ".sh")
    defer { unlink(path(name + ".sh")) }
    // Found by walking up from the folder of the executable.
    let root = String(repeating: "../", count: executable.filter { $0 == "/" }.count)
    return try run(
      name + ".sh", program: root + "bin/bash",
      environment: ["TERM": "dumb"].merging(environment) { _, own in own })
  }

  /// Environment that loads the library `CrashPoints` for a run in `out`, given settings without
  /// their prefix.
  func crashPoints(_ out: String, _ settings: [String: String]) -> [String: String] {
    let library = URL(fileURLWithPath: executable).deletingLastPathComponent()
      .appendingPathComponent("libCrashPoints.so").path
    var environment = ["TERM": "dumb", "LD_PRELOAD": library, "CRASHPOINTS_FOLDER": out]
    for (name, value) in settings { environment["CRASHPOINTS_" + name] = value }
    return environment
  }

  func path(_ name: String) -> String { folder + "/" + name }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
  }

  func makeFolder(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: path(name), withIntermediateDirectories: true)
  }

  func bytes(_ name: String) -> [UInt8]? {
    FileManager.default.contents(atPath: path(name)).map { Array($0) }
  }

  func text(_ name: String) throws -> String {
    guard let bytes = bytes(name) else { throw Failure(description: "no \(name) in \(folder)") }
    return String(decoding: bytes, as: UTF8.self)
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }
}

/// An experiment that trains in a moment.
let tiny = """
  name: tiny
  data: eight-gaussians
  steps: 30
  batch: 32
  model: {kind: ddpm, network: mlp, times: 20, width: 8, depth: 1, timeFeatures: 4}
  optimizer: {rate: 1.0e-2}
  sampling: {method: ddim, steps: 4, count: 64, previewCount: 4, previewSteps: 2}
  report: {metricsEvery: 10, samplesEvery: 20, checkpointEvery: 15}
  """
