import ArgumentParser
import Foundation
import Support
import Training

/// Damages files and lets the readers read them, in separate processes.
struct Fuzz: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Feed randomly damaged files to every reader, and list the refusals reached.",
    discussion: """
      The trial fails at a file that crashes a reader, takes longer than ten seconds, makes it allocate more \
      memory than such a file justifies, or is refused in more than one line; it prints the command that repeats \
      the failure. Refusals are identified by the text of their sources, so run it in the project's folder.
      """)

  @Option(help: "Total number of files, divided equally among the readers.")
  var files = 1_000_000

  @Option(help: "Seed of the damage.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Name of the only reader to test.", valueName: "name"))
  var only: String?

  @Flag(help: "Fail if a refusal in the sources is not reached.")
  var strict = false

  func run() throws {
    let readers = Reader.all.filter { only == nil || $0.name == only }
    guard !readers.isEmpty, files >= readers.count else {
      throw ValidationError(
        "--only: expected one of \(Reader.all.map(\.name).joined(separator: ", ")), and --files at least one per reader"
      )
    }
    let start = ContinuousClock.now
    var rows = [
      [
        "reader", "files", "read", "refused", "refusals reached", "largest memory", "slowest",
        "time",
      ]
    ]
    var missing: [String] = []
    let hasSources = FileSystem.kind(of: "Sources/Formats") == .folder
    for reader in readers {
      let count = files / readers.count
      let begin = ContinuousClock.now
      let result = try work(reader, count)
      let refusals = try Refusals(of: hasSources ? reader.sources : [])
      let (reached, left) = refusals.compared(to: result.messages)
      missing += left.filter { text in !reader.unreachable.contains { text.contains($0.text) } }
        .map { "\(reader.name): \($0)" }
      let excused = left.filter { text in reader.unreachable.contains { text.contains($0.text) } }
      rows.append([
        reader.name, "\(count)", "\(result.read)", "\(count - result.read)",
        hasSources ? "\(reached.count) of \(reached.count + left.count - excused.count)" : "-",
        "\(result.largest >> 10) KiB", "\(result.slowest) us",
        "\((ContinuousClock.now - begin).components.seconds) s",
      ])
    }
    for line in columns(rows) { print(line) }
    print("")
    print(
      "\(files / readers.count * readers.count) files, seed \(seed), "
        + "\((ContinuousClock.now - start).components.seconds) s: no crash, no hang, no memory beyond the "
        + "file's")
    for line in missing { print("not reached: \(line)") }
    if strict && !missing.isEmpty { throw ExitCode(1) }
  }

  /// Lets a reader read `count` files, a few thousand in each process.
  private func work(_ reader: Reader, _ count: Int) throws -> Outcome {
    var sum = Outcome()
    let share = 20_000
    let folder = FileManager.default.temporaryDirectory.path + "/figment-fuzz-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for first in stride(from: 0, to: count, by: share) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      process.arguments = [
        "fuzz-worker", reader.name, "\(seed)", "\(first)", "\(min(share, count - first))", folder,
      ]
      let output = folder + "/outcome"
      try writeAtomically("", to: output)
      process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
      try process.run()
      process.waitUntilExit()
      func text(_ path: String) throws -> String {
        String(decoding: try FileSystem.read(path, limit: 1 << 26), as: UTF8.self)
      }
      guard process.terminationReason == .exit, process.terminationStatus == 0 else {
        let trial = try text(folder + "/trial").prefix { $0 != "\n" }
        throw TrialError(
          "\(reader.name) failed at file \(trial); repeat it with: Trials fuzz-worker \(reader.name) \(seed) "
            + "\(trial) 1 FOLDER")
      }
      sum.add(try Outcome(lines: try text(output)))
    }
    return sum
  }
}

/// Results of a worker.
struct Outcome {
  var read = 0
  /// Size of the largest allocation in bytes, and time of the slowest file in microseconds.
  var largest = 0
  var slowest = 0
  var messages: Set<String> = []

  init() {}

  init(lines text: String) throws {
    let lines = text.split(separator: "\n").map(String.init)
    let figures = (lines.first ?? "").split(separator: " ").compactMap { Int($0) }
    guard figures.count == 3 else {
      throw TrialError("worker: expected three numbers, found \(lines.first ?? "nothing")")
    }
    (read, largest, slowest) = (figures[0], figures[1], figures[2])
    messages = Set(lines.dropFirst())
  }

  var lines: [String] { ["\(read) \(largest) \(slowest)"] + messages.sorted() }

  mutating func add(_ other: Outcome) {
    read += other.read
    (largest, slowest) = (max(largest, other.largest), max(slowest, other.slowest))
    messages.formUnion(other.messages)
  }
}
