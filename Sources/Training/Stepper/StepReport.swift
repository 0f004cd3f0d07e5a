import Experiments
import Formats
import Support

/// What is known after a step: what the stepper found, and what observers add in their order.
package struct StepReport {
  /// Why no step follows.
  package enum End: Sendable {
    /// All steps are done.
    case all
    /// Validation figures have not improved for too long.
    case early
  }

  /// Steps that are done, this one included.
  package let step: Int
  /// What the programs reported.
  package let figures: TrainingProgram.Figures
  /// What was found on validation data, after the last step of an epoch.
  package let validation: ValidationFigures?
  /// Why this is the last step, or nil.
  package let end: End?

  /// Samples that were drawn after this step.
  package var samples: [Stepper.Caption] = []
  /// Figures beside those of the programs, for the line of metrics.
  package var metrics: [(name: String, value: JSONValue)] = []
  /// What the user should be told.
  package var warnings: [String] = []
  /// The request to end that has come meanwhile.
  package var interruption: Interruption?

  init(
    step: Int, figures: TrainingProgram.Figures, validation: ValidationFigures?, end: End?
  ) {
    (self.step, self.figures, self.validation, self.end) = (step, figures, validation, end)
    metrics = validation?.metrics ?? []
  }
}
