import Logging
import Support
import TensorCore

/// What `--check-numerics` says where the step is finite operation by operation: rounding differs where
/// nothing is fused.
private let nothingFound =
  "all values are finite there, where each is rounded by itself: some are close to the largest number"

/// Ends a run whose step is not finite, with what is known of it.
final class FaultObserver: Observer {
  private let stepper: Stepper
  private let checkpoints: Checkpoints
  private let checksNumerics: Bool
  private let log: Logger
  /// The figures of the last steps, the latest last.
  private var latest: [TrainingProgram.Figures] = []

  /// - Parameter checksNumerics: Whether the step is taken again, operation by operation, to name the layer.
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
        "step \(report.step) again, operation by operation: \(found?.description ?? nothingFound)")
    }
    throw failure(fault, report.figures, step: report.step)
  }

  /// The term, the last norms and rates, and what is left.
  private func failure(
    _ fault: TrainingProgram.Fault, _ figures: TrainingProgram.Figures, step: Int
  ) -> TensorError {
    func list(_ numbers: [Float]) -> String {
      numbers.map { rounded(Double($0)) }.joined(separator: ", ")
    }
    let run = fault.run.map { ", run \($0) of its program" } ?? ""
    let before =
      latest.isEmpty
      ? "it is the first since the start"
      : "the steps before had gradient norms \(list(latest.map(\.gradientNorm))) at rates "
        + list(latest.map(\.rate))
    let saved = checkpoints.saved
    let left = saved > 0 ? "the last checkpoint is of step \(saved)" : "nothing was saved yet"
    let hint = checksNumerics ? "" : "; --resume --check-numerics names the layer"
    return TensorError(
      "step \(step)\(run): the \(fault.term) is not finite (loss \(figures.loss), gradient norm "
        + "\(figures.gradientNorm), learning rate \(figures.rate)); \(before). "
        + "Nothing of this step was kept; \(left)\(hint)")
  }
}
