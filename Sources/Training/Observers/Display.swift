import Logging
import Support

/// Shows the progress bar and the warnings of the observers before it.
final class Display: Observer {
  private var progress: Progress
  private let log: Logger

  init(_ progress: Progress, _ log: Logger) { (self.progress, self.log) = (progress, log) }

  func observe(_ report: inout StepReport) {
    progress.update(report.step, note: "loss \(rounded(Double(report.figures.meanLoss)))")
    for warning in report.warnings { log.warning("step \(report.step): \(warning)") }
  }

  /// Ends the progress bar as it stands.
  func finish() { progress.finish() }
}
