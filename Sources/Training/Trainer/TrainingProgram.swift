import DDPM
import TensorCore

/// The compiled training step of an experiment, with the figures it reports: what `train` runs and `bench` measures.
public final class TrainingProgram {
  /// The model.
  public let model: DDPM
  /// Its parameters.
  public let parameters: Parameters
  /// The runtime that owns them.
  public let runtime: Runtime
  /// One step.
  public let program: Program
  private let input: BatchInput
  private let loss, meanLoss, gradientNorm, rate, isFinite: Tensor

  /// What a step reports.
  public struct Figures: Sendable {
    /// The loss of this step.
    public let loss: Float
    /// The mean loss since the last line of metrics.
    public let meanLoss: Float
    /// The norm of all gradients together, before clipping.
    public let gradientNorm: Float
    /// The learning rate.
    public let rate: Float
    /// Whether loss and gradients were finite; if not, the step changed nothing.
    public let isFinite: Bool
  }

  /// Compiles the training step of `experiment` on `data`.
  ///
  /// - Throws: `TensorError` where the model does not fit the data.
  public init(_ experiment: Experiment, _ data: TrainingData, _ runtime: Runtime) throws {
    self.runtime = runtime
    let parameters = Parameters("denoiser")
    let model = try experiment.model.model(forExamplesOf: data.domain.shape, parameters)
    let input = try BatchInput(
      data, batch: experiment.batch, seed: runtime.seed, classes: experiment.model.classes)
    let loss = model.loss(input.examples, label: input.labels)
    let descent = minimize(
      loss, parameters, experiment.optimizer.transformation(steps: experiment.steps))
    let mean = RunningMean(of: loss, over: experiment.report.metricsEvery)
    let rate = experiment.optimizer.rate(steps: experiment.steps)(mean.step)
    (self.model, self.parameters, self.input) = (model, parameters, input)
    (self.loss, meanLoss, gradientNorm) = (loss, mean.value, descent.gradientNorm)
    (self.rate, isFinite) = (rate, descent.isFinite)
    program = try runtime.compile(
      "train", [loss, mean.value, descent.gradientNorm, rate, descent.isFinite],
      updates: descent.updates + mean.updates)
  }

  /// Takes step number `step`, from 0.
  public func run(step: Int) throws -> Figures {
    input.fill(program, step: step)
    program.run()
    return Figures(
      loss: try program.scalar(loss), meanLoss: try program.scalar(meanLoss),
      gradientNorm: try program.scalar(gradientNorm), rate: try program.scalar(rate),
      isFinite: try program.scalar(isFinite) != 0)
  }

  /// As `run`, with the time of each kernel added to `nanoseconds`.
  package func runProfiled(step: Int, _ nanoseconds: inout [Int64]) {
    input.fill(program, step: step)
    program.runProfiled(&nanoseconds)
  }
}

/// The mean of a number over windows of `count` runs, kept in variables so that a resumed run reports the same.
private struct RunningMean {
  let value: Tensor
  let step: Tensor
  let updates: [Update]

  init(of number: Tensor, over count: Int) {
    let done = Variable("report/step", initially: Tensor(0))
    let sum = Variable("report/loss", initially: Tensor(0))
    let place = done.value - Double(count) * floor(done.value / Double(count))
    let total = select(place < Tensor(0.5), number, sum.value + number)
    step = done.value + 1
    value = total / (place + 1)
    updates = [Update(done, step), Update(sum, total)]
  }
}
