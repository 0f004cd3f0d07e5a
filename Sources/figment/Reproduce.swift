import ArgumentParser
import Experiments
import Reporting
import Runs
import Support
import TensorCore
import Training

struct Reproduce: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Reproduce a published result: train, evaluate and update Experiments/REPRODUCED.md.",
    discussion: """
      Without a row, lists all rows. An interrupted run resumes where it stopped.
      """)

  @Argument(help: ArgumentHelp("Row to reproduce, such as davidson-vmf-d5.", valueName: "row"))
  var row: String?

  @Option(
    help: ArgumentHelp("Run folder; outputs/ROW by default.", valueName: "dir"))
  var out: String?

  @Flag(help: "Print a JSON object.")
  var json = false

  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder
  @OptionGroup var reporting: Reporting

  mutating func validate() throws { try checkPath(out, "--out", ending: nil) }

  private static let file = "Experiments/REPRODUCED.md"

  func run() throws {
    guard let name = row else {
      let rows = Reproduction.all.map { [$0.name, $0.published, $0.source] }
      for line in table([["row", "published", "source and protocol"]] + rows) { print(line) }
      return
    }
    let row = try Reproduction.named(name)
    let settings = try row.settings()
    // Fail now, not after hours of training, if the table cannot be read or written.
    _ = try tableOfRows()
    let file = try OutputFile(Self.file)
    let console = Console()
    let log = reporting.log(console)
    var job = TrainingJob(
      settings, dataDirectory: dataFolder.path, resumeCommand: typedCommand(),
      command: shellCommand(
        ["figment", "train", row.experiment] + row.overrides.flatMap { ["--set", $0] }),
      threads: computing.threads)
    job.folder = out
    let (paths, end) = try job.run(log: log, progress: reporting.style, console: console)
    switch end {
    case .finished: break
    case .diverged(let reason): throw FigmentError("training has diverged: \(reason)")
    case .stopped(let step), .interrupted(_, let step):
      log.info("interrupted: saved at step \(step); run the same command to resume")
      throw ExitCode(Interruption.received?.exitCode ?? 1)
    }
    var progress: Progress?
    let found = try Reproduced(
      row, folder: paths.folder, dataDirectory: dataFolder.path, threads: computing.threads
    ) { done, total in
      if let signal = Interruption.received { throw ExitCode(signal.exitCode) }
      var bar =
        progress
        ?? Progress(total: total, unit: "passes", style: reporting.style, console: console)
      bar.update(done)
      progress = bar
    }
    progress?.finish()
    // Print the result first, so that it is not lost if the table has become unreadable meanwhile.
    print(json ? found.json : found.line)
    try file.write(found.inserted(into: tableOfRows()))
  }

  /// The text of the results table, empty if the file does not exist.
  ///
  /// - Throws: `FigmentError` if the file cannot be read or is not UTF-8.
  private func tableOfRows() throws -> String {
    guard FileSystem.kind(of: Self.file) != .nothing else { return "" }
    let bytes = try FileSystem.read(Self.file, limit: 1 << 24)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw FigmentError(path: Self.file, problem: "is not UTF-8 text; left unchanged")
    }
    return text
  }
}
