import Datasets
import Experiments
import Logging
import Runs
import Support
import Training

/// The classifier that digits are judged by unless another is named, which is trained when it is first
/// needed.
package enum DigitClassifier {
  /// Where its run is.
  package static let folder = "outputs/classifier-mnist"
  private static let experiment = "Experiments/classifier-mnist.yaml"

  /// Makes the run be there, finished.
  ///
  /// - Returns: How the training ended; `finished` where there was none to do.
  /// - Throws: `FigmentError` outside the folder of the project where there is no such run, and what training
  ///   throws.
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
        "\(experiment): no such file; digits are judged by a classifier, which is trained in the folder of "
          + "the project or named by --classifier")
    }
    let settings = try Experiment(contentsOf: experiment)
    log.notice("training the classifier that judges digits, once, into \(folder)")
    let command = "figment train \(experiment)"
    var job = TrainingJob(
      settings, dataDirectory: dataDirectory, resumeCommand: command + " --resume",
      command: command, threads: threads)
    job.folder = folder
    return try job.run(log: log, progress: style, console: console).end
  }
}
