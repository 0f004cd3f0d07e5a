import TensorCore

/// What one of the programs of a training step minimises, and the figures that it reports beside it.
struct Stage {
  /// What the program is called: the last of a step is `train`.
  var name = "train"
  /// How often it runs in each step, on a batch of its own.
  var runs = 1
  /// A single number.
  let loss: Tensor
  /// Single numbers beside the loss.
  let parts: [(name: String, value: Tensor)]
  /// What learns.
  let parameters: Parameters
  /// What the loss reaches and does not change.
  var held: [Variable] = []
  /// What else a run replaces.
  var updates: [Update] = []
  /// How the gradients become steps.
  let optimizer: Transformation
  /// The learning rate by run.
  let rate: Rate
}

extension Stage {
  /// What a line of metrics calls a figure.
  func figure(_ word: String) -> String {
    name == "train" || name.isEmpty
      ? word : name + word.prefix(1).uppercased() + word.dropFirst()
  }
}

extension Model {
  /// The stages of a training step, in their order.
  ///
  /// - Parameter step: Of training, from one, in the program that runs once a step.
  func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage] {
    let optimizer = experiment.optimizer
    func stage(_ loss: Tensor, _ parts: [(name: String, value: Tensor)] = []) -> Stage {
      Stage(
        loss: loss, parts: parts, parameters: parameters,
        optimizer: optimizer.transformation(steps: experiment.steps),
        rate: optimizer.rate(steps: experiment.steps))
    }
    switch self {
    case .ddpm(let model): return [stage(model.loss(batch.examples, label: batch.labels))]
    case .classifier(let model):
      guard let labels = batch.labels else {
        return [stage(batch.examples.failing("a classifier is told no classes"))]
      }
      let objective = model.objective(batch.examples, labels)
      return [stage(objective.loss, [("accuracy", objective.accuracy)])]
    case .vae(let model, let settings):
      let weight =
        settings.klWarmup == 0 ? Tensor(1) : minimum(step / Double(settings.klWarmup), 1)
      let parts = model.parts(
        batch.examples, settings.bound, draws: settings.draws, weight: weight)
      return [
        stage(
          -parts.bound.mean(),
          [
            ("reconstruction", parts.reconstruction.mean()),
            ("divergence", parts.divergence.mean()),
          ])
      ]
    case .wgan(let model, let settings):
      let (generator, critic) = (parameters["generator"].part, parameters["critic"].part)
      let runs = settings.criticSteps
      let objective = model.criticObjective(batch.examples, label: batch.labels)
      let rate = optimizer.rate(steps: experiment.steps, runs: runs, times: settings.criticRate)
      var limit: Double?
      if case .clipping(let given) = model.constraint { limit = given }
      return [
        Stage(
          name: "critic", runs: runs, loss: objective.loss, parts: objective.parts,
          parameters: critic, held: generator.variables + model.criticState,
          updates: objective.updates,
          // Samples are drawn by the generator alone, so only its weights are averaged.
          optimizer: optimizer.transformation(rate, clamp: limit, isAveraged: false), rate: rate),
        Stage(
          loss: model.generatorLoss(count: experiment.batch, label: batch.labels), parts: [],
          parameters: generator,
          held: critic.variables + model.criticState,
          optimizer: optimizer.transformation(steps: experiment.steps),
          rate: optimizer.rate(steps: experiment.steps)),
      ]
    }
  }

  /// The parameters that samples are drawn with.
  func sampled(of parameters: Parameters) -> [Variable] {
    switch self {
    case .ddpm, .vae, .classifier: parameters.variables
    case .wgan: parameters["generator"].part.variables
    }
  }
}
