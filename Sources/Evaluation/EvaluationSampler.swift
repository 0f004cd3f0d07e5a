import Experiments
import Formats
import Support
import TensorCore

/// Sampler that a model with a reverse process is evaluated with.
package struct EvaluationSampler: Equatable, Sendable, CustomStringConvertible {
  /// Sampler and its settings.
  package let reverse: SamplingSettings.Reverse
  /// Number of sampler steps.
  package let steps: Int

  /// Largest number of network evaluations per sample of digits unless the user asks for more, so
  /// that evaluating takes less time than training.
  package static let standardEvaluations = 20
  /// Sampler of digits unless the user asks for another.
  package static let standardMethod = SamplingSettings.Method.ddim

  /// Makes the sampler of a run; nil if the model samples in one pass.
  ///
  /// Unless it is told, digits are drawn by `standardMethod` with `standardEvaluations`, points by
  /// the experiment's sampler and steps.
  ///
  /// - Throws: `FigmentError` if there are more steps than times.
  package init?(_ run: Run, method: SamplingSettings.Method?, steps: Int?) throws {
    guard var reverse = run.experiment.sampling.reverse,
      let times = run.experiment.model.scheduleTimes
    else { return nil }
    if let steps, !(1...times).contains(steps) {
      throw FigmentError(
        "--steps: expected 1 to \(times), the times of \(run.experiment.name), found \(steps)")
    }
    let isOfPoints = run.domain.shape.count == 1
    let chosen = method ?? (isOfPoints ? reverse.method : Self.standardMethod)
    if chosen != reverse.method {
      // The experiment's number of steps was chosen for its own sampler.
      reverse.steps = nil
    }
    if !isOfPoints || chosen != reverse.method { reverse.eta = 0 }
    reverse.method = chosen
    self.reverse = reverse
    self.steps =
      steps ?? (isOfPoints ? reverse.steps ?? times : min(times, Self.standardEvaluations))
  }

  /// Number of network evaluations per sample: each step is one.
  package var evaluations: Int { steps }

  /// The request for samples.
  package var request: SampleRequest {
    SampleRequest(method: reverse.samplingMethod, steps: steps)
  }

  /// Sampler and evaluations, such as "ddim, 20 evaluations".
  package var description: String {
    "\(reverse.method.rawValue), \(counted(evaluations, "evaluation"))"
  }

  /// The sampler as members of a JSON object.
  package var members: [(name: String, value: JSONValue)] {
    [
      ("sampler", .text(reverse.method.rawValue)), ("sampler_steps", .integer(steps)),
      ("evaluations", .integer(evaluations)),
    ]
  }
}
