import Datasets
import Domains
import Experiments
import Images
import TensorCore

/// A training driven one step at a time, with samples and pictures of them.
///
/// It knows no folder, terminal or signals: these are the caller's business.
package final class Stepper {
  /// The experiment.
  package let experiment: Experiment
  /// The examples, with their classes in the order of the run.
  package let data: TrainingData
  /// Validation data, if the model is evaluated on them.
  package let validation: TrainingData?
  /// The compiled training step.
  package let program: TrainingProgram
  /// Number of steps done.
  package private(set) var step: Int
  let watch: ValidationWatch
  let preview: Preview

  /// Starts a training: performs all checks and compiles all programs.
  ///
  /// - Throws: `TensorError` or `FigmentError` if the model, the data or the memory do not permit
  ///   it.
  package convenience init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData?, threads: Int
  ) throws {
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    try self.init(experiment, data, validation: validation, runtime)
  }

  /// Makes a training whose variables are those of `runtime`, if it has begun.
  ///
  /// - Parameter step: Number of steps done.
  package init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData?,
    _ runtime: Runtime, step: Int = 0
  ) throws {
    (self.experiment, self.data, self.validation, self.step) = (experiment, data, validation, step)
    program = try TrainingProgram(experiment, data, runtime)
    watch = try ValidationWatch(program, validation, experiment)
    preview = try Preview(program, experiment)
  }

  /// Takes one step, and evaluates validation data if it ends an epoch.
  ///
  /// A step whose loss or gradient is not finite changes nothing, including `step`: see
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

  /// True if no step is left: all are done, or validation metrics have not improved for too long.
  package var isOver: Bool { get throws { try step >= experiment.steps || watch.isOver } }

  /// Samples of the raw weights and of the evaluation weights, until both give the same samples.
  ///
  /// Empty for a model that draws no samples.
  package func samples() throws -> [Caption] { try preview.draw() }

  /// Sample grid.
  package func sheet(_ samples: [Caption]) throws -> Bitmap { try pictures.compare(samples) }

  /// Samples as models see examples, [count] + shape, with their caption.
  package typealias Caption = (caption: String, samples: [Float])

  /// Pictures of the model's samples.
  package var pictures: Pictures { Pictures(domain: data.domain, range: experiment.model.range) }

  /// The names of the variables that a checkpoint of the training holds.
  package var variableNames: [String] { program.variableNames + watch.variableNames }

  /// The model with its current weights.
  package var run: Run {
    Run(
      experiment: experiment, domain: data.domain, classes: data.classNames,
      runtime: program.runtime, model: program.model, parameters: program.parameters, step: step)
  }
}
