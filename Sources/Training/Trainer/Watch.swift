import Datasets
import TensorCore

/// Looks at validation data once an epoch, and says when to stop.
final class Watch {
  private let validation: Validation?
  private let stopping: Stopping?
  private let batch, epoch: Int
  /// Epochs in a row after which the posterior said nothing of the data.
  private var collapsed = 0

  /// - Throws: `DataError` where the experiment stops early and there are no validation data.
  init(
    _ training: TrainingProgram, _ data: TrainingData?, _ experiment: Experiment
  ) throws {
    batch = experiment.batch
    epoch = training.epoch
    let weights = experiment.optimizer.weights
    let validation = try data.flatMap {
      try Validation(
        training.model, weights.reading(training.parameters.variables), $0, experiment,
        training.runtime)
    }
    self.validation = validation
    stopping = try experiment.patience.map { patience in
      guard validation != nil else {
        throw DataError(
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

  /// Whether the user should now be told that the posterior has collapsed: once, when it is no passing
  /// state at the beginning of training.
  func isNewlyCollapsed(_ figures: Validation.Figures, step: Int, isDone: Bool, warmup: Int) -> Bool
  {
    guard step >= warmup, figures.isCollapsed else {
      collapsed = 0
      return false
    }
    collapsed += 1
    return collapsed == 3 || isDone && collapsed < 3
  }

  /// The figures after an epoch; nothing after any other of the steps done.
  func observe(step: Int) throws -> Validation.Figures? {
    guard let validation, step * batch / epoch > (step - 1) * batch / epoch else { return nil }
    let figures = try validation.run()
    try stopping?.observe(bound: figures.bound, step: step)
    return figures
  }
}

extension Validation.Figures {
  /// As a line of metrics has them; bounds are losses there, to be compared with the training's.
  var metrics: [(name: String, value: MetricValue)] {
    [
      ("validationLoss", .number(-bound)), ("validationReconstruction", .number(reconstruction)),
      ("validationDivergence", .number(divergence)), ("activeUnits", .integer(activeUnits)),
    ]
  }

  /// Whether the latent variables say nothing of the data.
  var isCollapsed: Bool { activeUnits == 0 || divergence < 0.1 }
}
