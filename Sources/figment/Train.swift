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
    let notes = reporting.log(Console())
    let data = try TrainingData(settings.data, directory: dataFolder.path) { note in
      note.isWarning ? notes.warning("\(note)") : notes.notice("\(note)")
    }
    try settings.check(data)
    for warning in settings.warnings(data) { notes.warning("\(warning)") }
    let validation = try settings.validation(directory: dataFolder.path)
    Interruption.install()
    let console = Console()
    let log = reporting.log(console)
    let need = try MemoryNeed(settings, data, validation: validation, threads: computing.threads)
    if let warning = try need.check() { log.warning("\(warning)") }
    var preparation: Preparation?
    let folder = try RunFolder(
      name: settings.name, experiment: settings.yaml, explicit: out, resumes: resume,
      resumeCommand: typedCommand() + " --resume", changesSteps: changesSteps
    ) {
      preparation = try Preparation(
        settings, data, validation: validation, threads: computing.threads)
    }
    for notice in folder.notices { log.notice("\(notice)") }
    log.info("run folder \(folder.paths.folder)")
    if settings.model.gainsFromBF16, !Precision.hasBF16 {
      log.notice("this processor does not multiply bf16: training in fp32")
    }
    let trainer = Trainer(
      settings, data, validation: validation, folder.paths, threads: computing.threads, log: log,
      command: reproducingCommand, checksNumerics: checkNumerics, preparation: preparation)
    switch try trainer.run(stopAt: stopAt, progress: reporting.style, console: console) {
    case .finished: print(folder.paths.result(of: settings.model))
    case .diverged(let reason):
      print(folder.paths.result(of: settings.model))
      throw CommandError(
        "the training has diverged: \(reason); the files of \(printable(folder.paths.folder)) are whole"
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
