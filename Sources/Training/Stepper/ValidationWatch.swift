import Datasets
import Domains
import Experiments
import Support
import TensorCore

/// Evaluates validation data once per epoch, and decides when to stop.
final class ValidationWatch {
  private let validation: (any Validating)?
  private let stopping: Stopping?
  private let batch, epoch: Int

  /// Makes a watch.
  ///
  /// - Throws: `FigmentError` if the experiment stops early and there are no validation data.
  init(
    _ training: TrainingProgram, _ data: TrainingData?, _ experiment: Experiment
  ) throws {
    batch = experiment.batch
    epoch = training.epoch
    let weights = experiment.optimizer.weights
    let validation = try data.flatMap {
      try training.model.validation(
        weights.reading(training.parameters.variables), $0, experiment, training.runtime)
    }
    self.validation = validation
    stopping = try experiment.patience.map { patience in
      guard validation != nil else {
        throw FigmentError(
          "patience: \(patience) needs validation data, and there are none; expected null")
      }
      return try Stopping(
        training.parameters, weights, patience: patience, warmup: training.model.warmup,
        training.runtime)
    }
  }

  /// Names of its variables in checkpoints.
  var variableNames: [String] { stopping?.variableNames ?? [] }
  /// True if the bound has not risen for too long.
  var isOver: Bool { get throws { try stopping?.isOver ?? false } }

  /// Evaluates the validation data for nothing but the time that it takes.
  func evaluate() throws { _ = try validation?.run() }

  /// The metrics after the last step of an epoch; nil after any other step.
  func observe(step: Int) throws -> ValidationFigures? {
    guard let validation, step * batch / epoch > (step - 1) * batch / epoch else { return nil }
    let figures = try validation.run()
    try stopping?.observe(bound: figures.bound, step: step)
    return figures
  }
}
