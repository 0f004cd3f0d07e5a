import Experiments

/// Reports a complaint of the validation once, if it persists after the start of training.
final class ValidationComplaints: Observer {
  private let warmup: Int
  /// Number of consecutive epochs with a complaint.
  private var count = 0

  /// Makes an observer.
  ///
  /// - Parameter warmup: Number of first steps in which complaints are ignored.
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
