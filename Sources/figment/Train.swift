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
    try checkPath(out, "--out", ending: nil)
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
    let (paths, end) = try job.run(log: log, progress: reporting.style, console: console)
    switch end {
    case .finished: print(paths.result(of: settings.model))
    case .diverged(let reason):
      print(paths.result(of: settings.model))
      throw FigmentError(
        "training has diverged: \(reason); the files in \(printable(paths.folder)) are complete"
      )
    case .stopped(let step):
      log.info("stopped at step \(step) of \(settings.steps); --resume continues")
    case .interrupted(let signal, let step):
      log.info("interrupted: saved at step \(step) of \(settings.steps); --resume continues")
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
    shellCommand(["figment", "train", experiment] + changes.flatMap { ["--set", $0] })
  }
}
