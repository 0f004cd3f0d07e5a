import ArgumentParser
import TensorCore
import Training

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains an experiment and draws samples.",
    discussion: "The run goes to outputs/NAME. Ctrl-C saves it; --resume goes on from there.")

  @Argument(help: ArgumentHelp("The experiment, such as Experiments/ddpm-toy.yaml.", valueName: "experiment.yaml"))
  var experiment: String

  @Option(help: ArgumentHelp("The folder of the run; outputs/NAME by default.", valueName: "dir"))
  var out: String?

  @Option(help: ArgumentHelp("Steps in all, in place of the experiment's.", valueName: "total"))
  var steps: Int?

  @Option(help: ArgumentHelp("Ends early, after this many steps; recorded nowhere.", valueName: "n"))
  var stopAt: Int?

  @Option(help: ArgumentHelp("The seed, in place of the experiment's.", valueName: "s"))
  var seed: UInt64?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Changes a setting, such as model.base=64. May be repeated.", valueName: "key=value"))
  var overrides: [String] = []

  @Flag(help: "Goes on from the run's checkpoint; starts anew where there is none.")
  var resume = false

  @Flag(help: "Prints the resolved experiment and ends.")
  var dryRun = false

  @OptionGroup var computing: Computing

  mutating func validate() throws {
    if let stopAt, stopAt < 1 { throw ValidationError("--stop-at is at least 1, not \(stopAt)") }
    if let steps, steps < 1 { throw ValidationError("--steps is at least 1, not \(steps)") }
  }

  func run() throws {
    var changes = overrides
    if let steps { changes.append("steps=\(steps)") }
    if let seed { changes.append("seed=\(seed)") }
    let settings = try Experiment(contentsOf: experiment, overrides: changes)
    let data = try TrainingData(settings.data, directory: computing.dataDirectory)
    if dryRun {
      print(settings.yaml, terminator: "")
      return
    }
    Interruption.install()
    let console = Console()
    let log = makeLog(console, quiet: computing.quiet)
    let folder = try RunFolder(
      name: settings.name, experiment: settings.yaml, explicit: out, resumes: resume,
      resumeCommand: typedCommand() + " --resume")
    for notice in folder.notices { log.notice("\(notice)") }
    let trainer = Trainer(
      settings, data, folder.paths, threads: computing.threads ?? Runtime.processors, log: log,
      command: typedCommand())
    let end = try trainer.run(
      stopAt: stopAt, progress: computing.quiet ? .quiet : .automatic, console: console)
    switch end {
    case .finished: print(folder.paths.finalSample)
    case .stopped(let step): log.info("stopped at step \(step) of \(settings.steps); --resume goes on")
    case .interrupted(let signal, let step):
      log.info("interrupted: saved at step \(step) of \(settings.steps); --resume goes on")
      throw ExitCode(signal.exitCode)
    }
  }
}
