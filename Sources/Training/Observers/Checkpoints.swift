import Domains
import Experiments
import Runs

/// Saves the run: now and then, at its end, and before it ends by a signal.
final class Checkpoints: Observer {
  private let stepper: Stepper
  private let path: String
  private let metrics: MetricsLines
  private let digest: DataDigest?
  private let end: Int
  /// The step that was saved last.
  private(set) var saved: Int

  /// - Parameters:
  ///   - digest: What the data are, of a user's own.
  ///   - end: The step after which this training ends.
  init(
    _ stepper: Stepper, _ path: String, after metrics: MetricsLines, _ digest: DataDigest?, end: Int
  ) {
    (self.stepper, self.path, self.metrics, self.digest) = (stepper, path, metrics, digest)
    (self.end, saved) = (end, stepper.step)
  }

  func observe(_ report: inout StepReport) throws {
    let (experiment, step) = (stepper.experiment, report.step)
    guard
      step % experiment.report.checkpointEvery == 0 || step == end || report.end != nil
        || report.interruption != nil
    else { return }
    // No checkpoint is ahead of its metrics after a power cut.
    try metrics.synchronize()
    try Checkpoint.write(
      stepper.program.runtime, experiment, stepper.data.domain, classes: stepper.data.classNames,
      data: digest, step: step, to: path)
    saved = step
  }
}
