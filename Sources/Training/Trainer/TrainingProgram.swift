import TensorCore

/// The compiled training step of an experiment, with the figures it reports: what `train` runs and `bench` measures.
public final class TrainingProgram {
  /// The model.
  public let model: Model
  /// Its parameters.
  public let parameters: Parameters
  /// The runtime that owns them.
  public let runtime: Runtime
  /// One step.
  public let program: Program
  /// Examples of an epoch.
  let epoch: Int
  private let input: BatchInput
  private let loss, gradientNorm, rate, isFinite: Tensor
  private let means: [(name: String, value: Tensor)]

  /// What a step reports.
  public struct Figures: Sendable {
    /// The loss of this step.
    public let loss: Float
    /// The mean since the last line of metrics of the loss, and of what it consists of.
    public let means: [(name: String, value: Float)]
    /// The mean loss since the last line of metrics.
    public var meanLoss: Float { means[0].value }
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
    let parameters = Parameters(experiment.model.root)
    let model = try experiment.model.model(forExamplesOf: data.domain.shape, parameters)
    let input = try BatchInput(data, experiment)
    let clock = Clock(over: experiment.report.metricsEvery)
    let objective = model.objective(input, step: clock.step)
    let descent = minimize(
      objective.loss, parameters, experiment.optimizer.transformation(steps: experiment.steps),
      holding: [clock.done])
    let means = ([("loss", objective.loss)] + objective.parts).map { clock.mean(of: $1, $0) }
    let rate = experiment.optimizer.rate(steps: experiment.steps)(clock.step)
    (self.model, self.parameters, self.input) = (model, parameters, input)
    epoch = data.epoch
    (loss, gradientNorm) = (objective.loss, descent.gradientNorm)
    (self.rate, isFinite) = (rate, descent.isFinite)
    self.means = means.map { ($0.name, $0.value) }
    program = try runtime.compile(
      "train",
      [objective.loss] + means.map(\.value) + [descent.gradientNorm, rate, descent.isFinite],
      updates: descent.updates + [clock.update] + means.map(\.update),
      precision: experiment.precision)
  }

  /// Takes step number `step`, from 0.
  public func run(step: Int) throws -> Figures {
    input.fill(program, step: step)
    program.run()
    return Figures(
      loss: try program.scalar(loss),
      means: try means.map { ($0.name, try program.scalar($0.value)) },
      gradientNorm: try program.scalar(gradientNorm), rate: try program.scalar(rate),
      isFinite: try program.scalar(isFinite) != 0)
  }

  /// As `run`, with the time of each kernel added to `nanoseconds`.
  package func runProfiled(step: Int, _ nanoseconds: inout [Int64]) {
    input.fill(program, step: step)
    program.runProfiled(&nanoseconds)
  }
}

/// The number of the step, and means of numbers over windows of `count` steps, kept in variables so that
/// a resumed run reports the same.
private struct Clock {
  /// Steps done.
  let done = Variable("report/step", initially: Tensor(0))
  let count: Int

  init(over count: Int) { self.count = count }

  /// From one.
  var step: Tensor { done.value + 1 }
  var update: Update { Update(done, step) }

  func mean(of number: Tensor, _ name: String) -> (name: String, value: Tensor, update: Update) {
    let sum = Variable("report/\(name)", initially: Tensor(0))
    let place = done.value - Double(count) * floor(done.value / Double(count))
    let total = select(place < Tensor(0.5), number, sum.value + number)
    return (name, total / (place + 1), Update(sum, total))
  }
}
