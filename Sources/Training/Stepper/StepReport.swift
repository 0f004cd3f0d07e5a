import Experiments
import Formats
import Support

/// Report of a step: results of the stepper, and findings that observers add in their order.
package struct StepReport {
  /// Reason why no step follows.
  package enum End: Sendable {
    /// All steps are done.
    case all
    /// Validation metrics have not improved for too long.
    case early
  }

  /// Number of steps done, including this one.
  package let step: Int
  /// Metrics of the programs.
  package let figures: TrainingProgram.Figures
  /// Validation metrics, after the last step of an epoch.
  package let validation: ValidationFigures?
  /// The reason why this is the last step, or nil.
  package let end: End?

  /// Samples drawn after this step.
  package var samples: [Stepper.Caption] = []
  /// Further metrics for the line of metrics.
  package var metrics: [(name: String, value: JSONValue)] = []
  /// Warnings for the user.
  package var warnings: [String] = []
  /// A request to end that has arrived meanwhile, or nil.
  package var interruption: Interruption?

  init(
    step: Int, figures: TrainingProgram.Figures, validation: ValidationFigures?, end: End?
  ) {
    (self.step, self.figures, self.validation, self.end) = (step, figures, validation, end)
    metrics = validation?.metrics ?? []
  }
}
