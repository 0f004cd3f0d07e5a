import Datasets
import Domains
import Experiments
import Logging
import Runs
import Support
import TensorCore

/// A training from an experiment to the files of its run: checks, data, folder, steps and pictures.
package struct TrainingJob {
  /// The experiment to train; for a budget of time, `run` chooses its number of steps.
  package private(set) var experiment: Experiment
  /// Folder of downloaded data sets.
  package let dataDirectory: String
  /// Run folder given by the user, or nil for outputs/NAME.
  package var folder: String?
  /// True if an existing run is resumed.
  package var resumes = true
  /// Command that resumes the run, for messages.
  package private(set) var resumeCommand: String
  /// True if the command line overrides the number of steps.
  package var changesSteps = false
  /// Command that reproduces the pictures, stored in them.
  package private(set) var command: String
  /// Time to train for in place of the experiment's number of steps, or nil.
  package var budget: TimeBudget?
  /// Number of steps after which to stop early, or nil.
  package var stopAt: Int?
  /// True to repeat a non-finite step one operation at a time, to name the layer.
  package var checksNumerics = false
  /// Threads of the programs.
  package let threads: Int

  package init(
    _ experiment: Experiment, dataDirectory: String, resumeCommand: String, command: String,
    threads: Int
  ) {
    (self.experiment, self.dataDirectory) = (experiment, dataDirectory)
    (self.resumeCommand, self.command, self.threads) = (resumeCommand, command, threads)
  }

  /// Trains, polling for signals between steps; checks everything it can before making the folder.
  ///
  /// - Returns: The files of the run, which no other process has touched meanwhile, and the outcome
  ///   of the training.
  package mutating func run(
    log: Logger, progress style: Progress.Style, console: Console
  ) throws -> (paths: RunPaths, end: Trainer.End) {
    let begin = ContinuousClock.now
    let data = try TrainingData(experiment.data, directory: dataDirectory) { note in
      note.isWarning ? log.warning("\(note)") : log.notice("\(note)")
    }
    try experiment.check(data)
    for warning in experiment.warnings(data) { log.warning("\(warning)") }
    let validation = try experiment.validation(directory: dataDirectory)
    try budget?.check(experiment, folder: folder, resumes: resumes)
    // Up to here, and while the steps are chosen, a signal ends the process at once: there is
    // nothing to save.
    if budget == nil { Interruption.install() }
    let need = try MemoryNeed(experiment, data, validation: validation, threads: threads)
    if let warning = try need.check() { log.warning("\(warning)") }
    if let budget {
      let line = try choose(within: budget, data, validation, since: begin)
      log.info("\(line)")
      Interruption.install()
    }
    var stepper: Stepper?
    // The folder stays locked while this value lives.
    let run = try RunFolder(
      name: experiment.name, experiment: experiment.yaml, explicit: folder, resumes: resumes,
      resumeCommand: resumeCommand, changesSteps: changesSteps
    ) {
      stepper = try Stepper(experiment, data, validation: validation, threads: threads)
    }
    for notice in run.notices { log.notice("\(notice)") }
    log.info("run folder \(run.paths.folder)")
    if experiment.model.gainsFromBF16, !Precision.hasBF16 {
      log.notice("this processor cannot multiply bf16; training in fp32")
    }
    let trainer = Trainer(
      experiment, data, validation: validation, run.paths, threads: threads, log: log,
      command: command, checksNumerics: checksNumerics, prepared: stepper,
      saysDuration: budget == nil)
    return (run.paths, try trainer.run(stopAt: stopAt, progress: style, console: console))
  }

  /// Measures a training that is never run, and takes the experiment and the commands of `budget`.
  ///
  /// - Returns: A line that says what was chosen.
  private mutating func choose(
    within budget: TimeBudget, _ data: TrainingData, _ validation: TrainingData?,
    since begin: ContinuousClock.Instant
  ) throws -> String {
    let clock = ContinuousClock()
    let start = clock.now
    let trial = try Stepper(experiment, data, validation: validation, threads: threads)
    let compiling = clock.now - start
    let pace = try trial.measurePace()
    // The training itself is compiled once more.
    let spent = (clock.now - begin + compiling).seconds
    let (resolved, line) = try budget.choose(experiment, pace, spent: spent)
    (experiment, command) = (resolved.experiment, resolved.command)
    resumeCommand = resolved.resumeCommand
    return line
  }
}
