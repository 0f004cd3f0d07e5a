import Logging
import Support
import TensorCore

/// Text of `--check-numerics` for a step that is finite one operation at a time: without fusion,
/// rounding differs.
private let nothingFound =
  "all values are finite without fusion, where each is rounded separately; some are close to the largest number"

/// Ends a run at a step that is not finite, with a report.
final class FaultObserver: Observer {
  private let stepper: Stepper
  private let checkpoints: Checkpoints
  private let checksNumerics: Bool
  private let log: Logger
  /// Losses, norms and rates of the last steps, the latest last.
  private var latest: [TrainingProgram.Figures] = []

  /// Makes an observer.
  ///
  /// - Parameter checksNumerics: True to repeat the step one operation at a time, to name the
  ///   layer.
  init(_ stepper: Stepper, _ checkpoints: Checkpoints, checksNumerics: Bool, _ log: Logger) {
    (self.stepper, self.checkpoints, self.log) = (stepper, checkpoints, log)
    self.checksNumerics = checksNumerics
  }

  func observe(_ report: inout StepReport) throws {
    guard let fault = report.figures.fault else {
      latest = latest.suffix(4) + [report.figures]
      return
    }
    if checksNumerics {
      let found = try stepper.program.firstNonFinite(fault)
      log.error(
        "step \(report.step) again, one operation at a time: \(found?.description ?? nothingFound)")
    }
    throw failure(fault, report.figures, step: report.step)
  }

  /// The error: the term that is not finite, the last norms and rates, and the last checkpoint.
  private func failure(
    _ fault: TrainingProgram.Fault, _ figures: TrainingProgram.Figures, step: Int
  ) -> TensorError {
    func list(_ numbers: [Float]) -> String {
      numbers.map { rounded(Double($0)) }.joined(separator: ", ")
    }
    let run = fault.run.map { ", run \($0) of its program" } ?? ""
    let before =
      latest.isEmpty
      ? "it is the first step since the start"
      : "the steps before had gradient norms \(list(latest.map(\.gradientNorm))) at rates "
        + list(latest.map(\.rate))
    let saved = checkpoints.saved
    let left = saved > 0 ? "the last checkpoint is at step \(saved)" : "nothing was saved yet"
    let hint = checksNumerics ? "" : "; --resume --check-numerics names the layer"
    return TensorError(
      "step \(step)\(run): the \(fault.term) is not finite (loss \(figures.loss), gradient norm "
        + "\(figures.gradientNorm), learning rate \(figures.rate)); \(before). "
        + "The step was discarded; \(left)\(hint)")
  }
}
