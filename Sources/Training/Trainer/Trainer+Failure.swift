import Support
import TensorCore

/// What `--check-numerics` says where the step is finite operation by operation: rounding differs where
/// nothing is fused.
let nothingFound =
  "all values are finite there, where each is rounded by itself: some are close to the largest number"

extension Trainer {
  /// Why a step ends the run: the term, the last norms and rates, and what is left.
  ///
  /// - Parameter latest: The figures of the steps before, the latest last.
  func failure(
    _ fault: TrainingProgram.Fault, _ figures: TrainingProgram.Figures,
    after latest: [TrainingProgram.Figures], step: Int, saved: Int
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
    let left = saved > 0 ? "the last checkpoint is of step \(saved)" : "nothing was saved yet"
    let hint = checksNumerics ? "" : "; --resume --check-numerics names the layer"
    return TensorError(
      "step \(step)\(run): the \(fault.term) is not finite (loss \(figures.loss), gradient norm "
        + "\(figures.gradientNorm), learning rate \(figures.rate)); \(before). "
        + "Nothing of this step was kept; \(left)\(hint)")
  }
}
