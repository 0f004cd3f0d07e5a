import Experiments

/// Tells of a fault that validation figures show, once, when it is no passing state at the beginning of
/// training.
final class ValidationComplaints: Observer {
  private let warmup: Int
  /// Epochs in a row after which there was something to complain of.
  private var count = 0

  /// - Parameter warmup: Steps in which a fault is no fault yet.
  init(warmup: Int) { self.warmup = warmup }

  func observe(_ report: inout StepReport) {
    guard let figures = report.validation else { return }
    guard report.step >= warmup, let complaint = figures.complaint else {
      count = 0
      return
    }
    count += 1
    if count == 3 || report.end != nil && count < 3 { report.warnings.append(complaint) }
  }
}
