import Domains
import Experiments
import Runs

/// Saves the run periodically, at its end, and before a signal ends it.
final class Checkpoints: Observer {
  private let stepper: Stepper
  private let path: String
  private let metrics: MetricsLines
  private let digest: DataDigest?
  private let end: Int
  /// Step of the last checkpoint.
  private(set) var saved: Int

  /// Makes an observer that saves to `path`.
  ///
  /// - Parameters:
  ///   - digest: Digest of the data, for a user's own data.
  ///   - end: Last step of this training.
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
    // After a power cut no checkpoint may be ahead of its metrics.
    try metrics.synchronize()
    try Checkpoint.write(
      stepper.program.runtime, experiment, stepper.data.domain, classes: stepper.data.classNames,
      data: digest, step: step, to: path)
    saved = step
  }
}
