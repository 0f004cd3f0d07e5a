import Experiments
import Formats
import Support
import TensorCore

/// Sampler that a model with a reverse process is evaluated with.
package struct EvaluationSampler: Equatable, Sendable, CustomStringConvertible {
  /// Sampler and its settings.
  package let reverse: SamplingSettings.Reverse
  /// Largest number of network evaluations per sample of digits unless the user asks for more, so
  /// that evaluating takes less time than training.
  package static let standardEvaluations = 20
  /// Sampler of digits unless the user asks for another.
  package static let standardMethod = SamplingSettings.Method.dpmSolver

  /// Makes the sampler of a run; nil if the model samples in one pass.
  ///
  /// Unless it is told, digits are drawn by `standardMethod` with `standardEvaluations`, points by
  /// the experiment's sampler and steps. Guidance is the experiment's, and counts two evaluations.
  ///
  /// - Throws: `FigmentError` if the sampler does not fit the model, there are more steps than times
  ///   or the model cannot be guided.
  package init?(
    _ run: Run, method: SamplingSettings.Method?, steps: Int?, guidance: Double? = nil
  ) throws {
    let sampling = run.experiment.sampling
    guard var reverse = sampling.reverse else { return nil }
    if let times = sampling.times, let steps, !(1...times).contains(steps) {
      throw FigmentError(
        "--steps: expected 1 to \(times), the times of \(run.experiment.name), found \(steps)")
    }
    if let method, let failure = sampling.failure(of: method) {
      throw FigmentError("--sampler: \(failure)")
    }
    if let guidance {
      guard run.experiment.model.canBeGuided else {
        throw FigmentError("--guidance: \(run.experiment.model.guidanceProblem)")
      }
      reverse.guidance = guidance
    }
    let isOfPoints = run.domain.shape.count == 1
    let chosen = method ?? (isOfPoints ? reverse.method : Self.standardMethod)
    if chosen != reverse.method {
      // The experiment's number of steps was chosen for its own sampler.
      reverse.chosenSteps = nil
    }
    if !isOfPoints || chosen != reverse.method { reverse.eta = 0 }
    reverse.method = chosen
    if let steps {
      reverse.chosenSteps = steps
    } else if !isOfPoints {
      let visits = Self.standardEvaluations / reverse.evaluationsPerVisit
      let steps = chosen == .heun ? (visits + 1) / 2 : visits
      reverse.chosenSteps = min(sampling.times ?? steps, steps)
    }
    self.reverse = reverse
  }

  /// Number of sampler steps.
  package var steps: Int { reverse.steps }

  /// Number of network evaluations per sample.
  package var evaluations: Int { reverse.evaluations }

  /// The request for samples.
  package var request: SampleRequest {
    SampleRequest(
      method: reverse.samplingMethod, steps: reverse.steps, guidance: reverse.guidance)
  }

  /// Sampler and evaluations, such as "ddim, 20 evaluations".
  package var description: String {
    let guided = reverse.guidance.map { ", guidance \(decimal($0))" } ?? ""
    return "\(reverse.method.rawValue), \(counted(evaluations, "evaluation"))\(guided)"
  }

  /// The sampler as members of a JSON object.
  package var members: [(name: String, value: JSONValue)] {
    [
      ("sampler", .text(reverse.method.rawValue)), ("sampler_steps", .integer(steps)),
      ("evaluations", .integer(evaluations)),
    ] + (reverse.guidance.map { [("guidance", .number($0))] } ?? [])
  }
}
