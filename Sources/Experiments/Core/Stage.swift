import TensorCore

/// One program of a training step: its loss, and the metrics it reports.
package struct Stage {
  /// Name of the program; the last one of a step is `train`.
  package var name = "train"
  /// Number of runs per step, each on a batch of its own.
  package var runs = 1
  /// The loss, a scalar.
  package let loss: Tensor
  /// Scalar metrics reported next to the loss.
  package let parts: [(name: String, value: Tensor)]
  /// Parameters to train.
  package let parameters: Parameters
  /// Variables that the loss depends on but that stay fixed.
  package var held: [Variable] = []
  /// Further updates of each run.
  package var updates: [Update] = []
  /// The optimizer that turns the gradients into updates.
  package let optimizer: CompleteOptimizer
  /// Learning rate by run.
  package let rate: Rate
}

extension Stage {
  /// Name of a metric in lines of metrics.
  package func figure(_ word: String) -> String {
    name == "train" || name.isEmpty
      ? word : name + word.prefix(1).uppercased() + word.dropFirst()
  }
}

extension Experiment {
  /// The only stage of a model with one program: minimises `loss` with the experiment's optimizer.
  package func stage(
    _ loss: Tensor, _ parameters: Parameters, parts: [(name: String, value: Tensor)] = []
  ) -> Stage {
    Stage(
      loss: loss, parts: parts, parameters: parameters,
      optimizer: optimizer.chain(steps: steps), rate: optimizer.rate(steps: steps))
  }
}
