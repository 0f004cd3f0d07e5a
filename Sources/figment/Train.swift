import ArgumentParser
import Experiments
import Runs
import Support
import TensorCore
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains an experiment and draws samples.",
    discussion: "The run goes to outputs/NAME. Ctrl-C saves it; --resume goes on from there.")

  @Argument(
    help: ArgumentHelp(
      "The experiment, such as Experiments/ddpm-toy.yaml.", valueName: "experiment.yaml"))
  var experiment: String

  @Option(help: ArgumentHelp("The folder of the run; outputs/NAME by default.", valueName: "dir"))
  var out: String?

  @Option(help: ArgumentHelp("Steps in all, in place of the experiment's.", valueName: "total"))
  var steps: Int?

  @Option(
    help: ArgumentHelp("Ends early, after this many steps; recorded nowhere.", valueName: "n"))
  var stopAt: Int?

  @Option(
    help: ArgumentHelp("The seed, in place of the experiment's.", valueName: "s"),
    transform: seed(argument:))
  var seed: UInt64?

  @OptionGroup var overrides: Overrides

  @Flag(help: "Goes on from the run's checkpoint; starts anew where there is none.")
  var resume = false

  @Flag(
    help: ArgumentHelp(
      "Where a step is not finite, takes it again operation by operation and names the layer."))
  var checkNumerics = false

  @Flag(help: "Prints the resolved experiment and ends.")
  var dryRun = false

  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder
  @OptionGroup var reporting: Reporting

  mutating func validate() throws {
    if let stopAt, stopAt < 1 { throw ValidationError("--stop-at is at least 1, not \(stopAt)") }
    if let steps, steps < 1 { throw ValidationError("--steps is at least 1, not \(steps)") }
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
        "the training has diverged: \(reason); the files of \(printable(paths.folder)) are whole"
      )
    case .stopped(let step):
      log.info("stopped at step \(step) of \(settings.steps); --resume goes on")
    case .interrupted(let signal, let step):
      log.info("interrupted: saved at step \(step) of \(settings.steps); --resume goes on")
      throw ExitCode(signal.exitCode)
    }
  }

  /// Whether the command line says how many steps there are.
  private var changesSteps: Bool {
    steps != nil || overrides.assignments.contains { $0.hasPrefix("steps=") }
  }

  private var changes: [String] {
    var changes = overrides.assignments
    if let steps { changes.append("steps=\(steps)") }
    if let seed { changes.append("seed=\(seed)") }
    return changes
  }

  /// The command that makes the same pictures again: what was typed, without what changes no number.
  private var reproducingCommand: String {
    shellCommand(["figment", "train", experiment] + changes.flatMap { ["--set", $0] })
  }
}
