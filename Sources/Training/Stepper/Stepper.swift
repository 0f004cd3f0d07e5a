import Datasets
import Domains
import Experiments
import Images
import TensorCore

/// A training that is asked for one step at a time, for its samples and for pictures of them.
///
/// It knows no folder, no terminal and no signals: these are the business of those who ask.
package final class Stepper {
  /// What is trained, and how.
  package let experiment: Experiment
  /// The examples, their classes in the order of the run.
  package let data: TrainingData
  /// Examples that are looked at once an epoch, where the model has a figure on them.
  package let validation: TrainingData?
  /// The compiled training step.
  package let program: TrainingProgram
  /// Steps that are done.
  package private(set) var step: Int
  private let watch: ValidationWatch
  private let preview: Preview

  /// A training that begins: all that can be refused is refused, and all programs are compiled.
  ///
  /// - Throws: `TensorError` or `FigmentError` for what the model, the data or the memory do not allow.
  package convenience init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData?, threads: Int
  ) throws {
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    try self.init(experiment, data, validation: validation, runtime)
  }

  /// A training whose variables `runtime` holds, if it has begun.
  ///
  /// - Parameter step: Steps that are done.
  package init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData?,
    _ runtime: Runtime, step: Int = 0
  ) throws {
    (self.experiment, self.data, self.validation, self.step) = (experiment, data, validation, step)
    program = try TrainingProgram(experiment, data, runtime)
    watch = try ValidationWatch(program, validation, experiment)
    preview = try Preview(program, experiment)
  }

  /// Takes one step, and looks at validation data where it ends an epoch.
  ///
  /// A step whose loss or gradient is not finite changes nothing, and `step` stays: see
  /// `TrainingProgram.Figures.fault`.
  package func advance() throws -> StepReport {
    let figures = try program.run(step: step)
    guard figures.fault == nil else {
      return StepReport(step: step + 1, figures: figures, validation: nil, end: nil)
    }
    step += 1
    let validation = try watch.observe(step: step)
    let end: StepReport.End? =
      if validation != nil, try watch.isOver { .early } else if step == experiment.steps {
        .all
      } else {
        nil
      }
    return StepReport(step: step, figures: figures, validation: validation, end: end)
  }

  /// Whether no step is left: all are done, or validation figures have not improved for too long.
  package var isOver: Bool { get throws { try step >= experiment.steps || watch.isOver } }

  /// Samples of the raw weights beside those of the weights to evaluate with, until both draw the same.
  ///
  /// None of a model that draws none.
  package func samples() throws -> [Caption] { try preview.draw() }

  /// A picture of samples.
  package func sheet(_ samples: [Caption]) throws -> Bitmap { try pictures.compare(samples) }

  /// Samples, [count] + shape, as models see examples, and what they are.
  package typealias Caption = (caption: String, samples: [Float])

  /// Pictures of what the model draws.
  package var pictures: Pictures { Pictures(domain: data.domain, range: experiment.model.range) }

  /// The names of the variables that a checkpoint of the training holds.
  package var variableNames: [String] { program.variableNames + watch.variableNames }

  /// The model with its weights as they are now.
  package var run: Run {
    Run(
      experiment: experiment, domain: data.domain, classes: data.classNames,
      runtime: program.runtime, model: program.model, parameters: program.parameters, step: step)
  }
}
