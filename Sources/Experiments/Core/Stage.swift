import TensorCore

/// What one of the programs of a training step minimises, and the figures that it reports beside it.
package struct Stage {
  /// What the program is called: the last of a step is `train`.
  package var name = "train"
  /// How often it runs in each step, on a batch of its own.
  package var runs = 1
  /// A single number.
  package let loss: Tensor
  /// Single numbers beside the loss.
  package let parts: [(name: String, value: Tensor)]
  /// What learns.
  package let parameters: Parameters
  /// What the loss reaches and does not change.
  package var held: [Variable] = []
  /// What else a run replaces.
  package var updates: [Update] = []
  /// The optimizer that turns the gradients into updates.
  package let optimizer: CompleteOptimizer
  /// The learning rate by run.
  package let rate: Rate
}

extension Stage {
  /// What a line of metrics calls a figure.
  package func figure(_ word: String) -> String {
    name == "train" || name.isEmpty
      ? word : name + word.prefix(1).uppercased() + word.dropFirst()
  }
}

extension Experiment {
  /// The stage of a model that has one: `loss` by the experiment's optimizer.
  package func stage(
    _ loss: Tensor, _ parameters: Parameters, parts: [(name: String, value: Tensor)] = []
  ) -> Stage {
    Stage(
      loss: loss, parts: parts, parameters: parameters,
      optimizer: optimizer.chain(steps: steps), rate: optimizer.rate(steps: steps))
  }
}
