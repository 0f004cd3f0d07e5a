import Datasets
import Domains
import Experiments
import Support
import TensorCore

/// Looks at validation data once an epoch, and says when to stop.
final class ValidationWatch {
  private let validation: (any Validating)?
  private let stopping: Stopping?
  private let batch, epoch: Int

  /// - Throws: `FigmentError` where the experiment stops early and there are no validation data.
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
          "patience: \(patience), and there are no validation data; expected null")
      }
      return try Stopping(
        training.parameters, weights, patience: patience, warmup: training.model.warmup,
        training.runtime)
    }
  }

  /// The variables that a checkpoint holds for it.
  var variableNames: [String] { stopping?.variableNames ?? [] }
  /// Whether the bound has not risen for too long.
  var isOver: Bool { get throws { try stopping?.isOver ?? false } }

  /// The figures after an epoch; nothing after any other of the steps done.
  func observe(step: Int) throws -> ValidationFigures? {
    guard let validation, step * batch / epoch > (step - 1) * batch / epoch else { return nil }
    let figures = try validation.run()
    try stopping?.observe(bound: figures.bound, step: step)
    return figures
  }
}
