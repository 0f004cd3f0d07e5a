import Datasets
import Experiments
import Logging
import Runs
import Support
import Training

/// The default classifier of digits, trained on first use.
package enum DigitClassifier {
  /// Run folder of the classifier.
  package static let folder = "outputs/classifier-mnist"
  private static let experiment = "Experiments/classifier-mnist.yaml"

  /// Trains the classifier unless its run is finished.
  ///
  /// - Returns: The outcome of the training, `finished` if there was nothing to do.
  /// - Throws: `FigmentError` if there is no such run and the experiment file is missing, as
  ///   outside the project's folder; and the errors of training.
  package static func train(
    dataDirectory: String, threads: Int, log: Logger, progress style: Progress.Style,
    console: Console
  ) throws -> Trainer.End {
    let paths = RunPaths(folder)
    if FileSystem.kind(of: paths.checkpoint) == .file {
      let checkpoint = try Checkpoint(paths.checkpoint)
      if checkpoint.step >= checkpoint.experiment.steps { return .finished }
    }
    guard FileSystem.kind(of: experiment) == .file else {
      throw FigmentError(
        "\(experiment): no such file; run evaluate in the project's folder, where it can train the classifier of "
          + "digits, or name one by --classifier")
    }
    let settings = try Experiment(contentsOf: experiment)
    log.notice("training the classifier of digits, once, in \(folder)")
    let command = "figment train \(experiment)"
    var job = TrainingJob(
      settings, dataDirectory: dataDirectory, resumeCommand: command + " --resume",
      command: command, threads: threads)
    job.folder = folder
    return try job.run(log: log, progress: style, console: console).end
  }
}
