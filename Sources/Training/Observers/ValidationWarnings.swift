import Experiments

/// Reports a warning of the validation once, if it persists after the start of training.
final class ValidationWarnings: Observer {
  private let warmup: Int
  /// Number of consecutive epochs with a warning.
  private var count = 0

  /// Makes an observer.
  ///
  /// - Parameter warmup: Number of first steps in which warnings are ignored.
  init(warmup: Int) { self.warmup = warmup }

  func observe(_ report: inout StepReport) {
    guard let figures = report.validation else { return }
    guard report.step >= warmup, let warning = figures.warning else {
      count = 0
      return
    }
    count += 1
    if count == 3 || report.end != nil && count < 3 { report.warnings.append(warning) }
  }
}
