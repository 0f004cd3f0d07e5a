import Datasets
import Domains
import Experiments
import Logging
import Runs
import Support
import TensorCore

/// A training from an experiment to the files of its run: checks, data, folder, steps and pictures.
package struct TrainingJob {
  /// What is trained.
  package let experiment: Experiment
  /// The folder of downloaded data sets.
  package let dataDirectory: String
  /// The folder of the run that the user asked for, or nil for outputs/NAME.
  package var folder: String?
  /// Whether a run that is there already goes on.
  package var resumes = true
  /// The line that makes it go on, for messages.
  package let resumeCommand: String
  /// Whether the command line, not the file, says how many steps.
  package var changesSteps = false
  /// The command line that makes the pictures again, which they carry.
  package let command: String
  /// Ends early, after this many steps.
  package var stopAt: Int?
  /// Whether a step that is not finite is taken again, operation by operation, to name the layer.
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

  /// Trains, and heeds signals between two steps; whatever can be refused is refused before the folder is made.
  ///
  /// - Returns: The files of the run, which no other process has touched meanwhile, and how the training
  ///   ended.
  package func run(
    log: Logger, progress style: Progress.Style, console: Console
  ) throws -> (paths: RunPaths, end: Trainer.End) {
    let data = try TrainingData(experiment.data, directory: dataDirectory) { note in
      note.isWarning ? log.warning("\(note)") : log.notice("\(note)")
    }
    try experiment.check(data)
    for warning in experiment.warnings(data) { log.warning("\(warning)") }
    let validation = try experiment.validation(directory: dataDirectory)
    // Until here a signal ends the process at once: there is nothing to save.
    Interruption.install()
    let need = try MemoryNeed(experiment, data, validation: validation, threads: threads)
    if let warning = try need.check() { log.warning("\(warning)") }
    var stepper: Stepper?
    // Locked while it trains.
    let run = try RunFolder(
      name: experiment.name, experiment: experiment.yaml, explicit: folder, resumes: resumes,
      resumeCommand: resumeCommand, changesSteps: changesSteps
    ) {
      stepper = try Stepper(experiment, data, validation: validation, threads: threads)
    }
    for notice in run.notices { log.notice("\(notice)") }
    log.info("run folder \(run.paths.folder)")
    if experiment.model.gainsFromBF16, !Precision.hasBF16 {
      log.notice("this processor does not multiply bf16: training in fp32")
    }
    let trainer = Trainer(
      experiment, data, validation: validation, run.paths, threads: threads, log: log,
      command: command, checksNumerics: checksNumerics, prepared: stepper)
    return (run.paths, try trainer.run(stopAt: stopAt, progress: style, console: console))
  }
}
