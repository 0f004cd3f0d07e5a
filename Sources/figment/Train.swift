import ArgumentParser
import Experiments
import Runs
import Support
import TensorCore
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train an experiment and draw samples.",
    discussion:
      "The run is saved in outputs/NAME. Ctrl-C saves a checkpoint; --resume continues from it.")

  @Argument(
    help: ArgumentHelp(
      "Experiment file, such as Experiments/ddpm-toy.yaml.", valueName: "experiment.yaml"))
  var experiment: String

  @Option(help: ArgumentHelp("Run folder; outputs/NAME by default.", valueName: "dir"))
  var out: String?

  @Option(
    help: ArgumentHelp("Total number of steps, overriding the experiment's.", valueName: "total"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "Train for about this many minutes: measure this machine, choose the number of steps, and save it in "
        + "the run's experiment.",
      valueName: "m"))
  var minutes: Double?

  @Option(
    help: ArgumentHelp(
      "Stop early, after this many steps; does not change the experiment.", valueName: "n"))
  var stopAt: Int?

  @Option(
    help: ArgumentHelp("Seed, overriding the experiment's.", valueName: "s"),
    transform: seed(argument:))
  var seed: UInt64?

  @OptionGroup var overrides: Overrides

  @Flag(help: "Resume from the run's checkpoint, if there is one.")
  var resume = false

  @Flag(
    help: ArgumentHelp(
      "If a step is not finite, repeat it one operation at a time and name the layer."))
  var checkNumerics = false

  @Flag(help: "Print the resolved experiment and exit.")
  var dryRun = false

  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder
  @OptionGroup var reporting: Reporting

  mutating func validate() throws {
    if let stopAt, stopAt < 1 {
      throw ValidationError("--stop-at: expected at least 1, found \(stopAt)")
    }
    if let steps, steps < 1 {
      throw ValidationError("--steps: expected at least 1, found \(steps)")
    }
    try checkMinutes()
    try checkPath(out, "--out", ending: nil)
  }

  /// Longest training that --minutes can ask for: a week.
  private static let mostMinutes = 10_080.0

  private func checkMinutes() throws {
    guard let minutes else { return }
    guard minutes > 0, minutes <= Self.mostMinutes else {
      throw ValidationError(
        "--minutes: expected a number above 0 and at most \(decimal(Self.mostMinutes)), a week, found "
          + decimal(minutes))
    }
    let fixed = overrides.assignments.first { $0.hasPrefix("steps=") }.map { "--set \($0)" }
    if let other = steps.map({ "--steps \($0)" }) ?? fixed {
      throw ValidationError(
        "--minutes: chooses the number of steps and cannot be combined with \(printable(other)); drop one of the two"
      )
    }
    if dryRun {
      throw ValidationError(
        "--minutes: measures this machine, which --dry-run does not; drop one of the two")
    }
  }

  func run() throws {
    let settings = try Experiment(contentsOf: experiment, overrides: changes)
    if dryRun {
      print(settings.yaml, terminator: "")
      return
    }
    let console = Console()
    let log = reporting.log(console)
    var job = TrainingJob(
      settings, dataDirectory: dataFolder.path, resumeCommand: typedCommand() + " --resume",
      command: reproducingCommand, threads: computing.threads)
    (job.folder, job.resumes, job.changesSteps) = (out, resume, changesSteps)
    (job.stopAt, job.checksNumerics) = (stopAt, checkNumerics)
    job.budget = minutes.map { TimeBudget(minutes: $0, resolve: resolve) }
    let (paths, end) = try job.run(log: log, progress: reporting.style, console: console)
    let resumption =
      minutes == nil ? "--resume continues" : "resume with: \(job.resumeCommand)"
    switch end {
    case .finished: print(paths.result(of: settings.model))
    case .diverged(let reason):
      print(paths.result(of: settings.model))
      throw FigmentError(
        "training has diverged: \(reason); the files in \(printable(paths.folder)) are complete"
      )
    case .stopped(let step):
      log.info("stopped at step \(step) of \(job.experiment.steps); \(resumption)")
    case .interrupted(let signal, let step):
      log.info("interrupted: saved at step \(step) of \(job.experiment.steps); \(resumption)")
      throw ExitCode(signal.exitCode)
    }
  }

  /// True if --steps or --set steps= overrides the experiment's number of steps.
  private var changesSteps: Bool {
    steps != nil || overrides.assignments.contains { $0.hasPrefix("steps=") }
  }

  private var changes: [String] {
    var changes = overrides.assignments
    if let steps { changes.append("steps=\(steps)") }
    if let seed { changes.append("seed=\(seed)") }
    return changes
  }

  /// The command that makes the same pictures again: the one typed, without options that do not
  /// affect results.
  private var reproducingCommand: String {
    trainCommand(changes)
  }

  private func trainCommand(_ changes: [String]) -> String {
    shellCommand(["figment", "train", experiment] + changes.flatMap { ["--set", $0] })
  }

  /// The experiment with `settings` that --minutes has chosen, and the commands of its run.
  private func resolve(_ settings: [String]) throws -> TimeBudget.Resolved {
    let all = changes + settings
    var words = CommandLine.arguments.dropFirst().filter {
      $0 != "--resume" && !$0.hasPrefix("--minutes=")
    }
    if let option = words.firstIndex(of: "--minutes") {
      words.removeSubrange(option..<min(option + 2, words.endIndex))
    }
    return TimeBudget.Resolved(
      experiment: try Experiment(contentsOf: experiment, overrides: all),
      command: trainCommand(all),
      resumeCommand: shellCommand(
        ["figment"] + words + settings.flatMap { ["--set", $0] } + ["--resume"]))
  }
}
