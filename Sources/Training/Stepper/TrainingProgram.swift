import Domains
import Experiments
import TensorCore

/// The compiled training step of an experiment, with the figures it reports: what `train` runs and `bench` measures.
package final class TrainingProgram {
  /// The model.
  package let model: any Model
  /// Its parameters.
  package let parameters: Parameters
  /// The runtime that owns them.
  package let runtime: Runtime
  /// The programs of a step, in their order.
  package let programs: [(program: Program, runs: Int)]
  /// Examples of an epoch.
  let epoch: Int
  private let input: BatchInput
  private let stages: [Compiled]
  private let precision: Precision
  private let isChecked: Bool

  /// What a step reports.
  package struct Figures: Sendable {
    /// The loss of this step.
    package let loss: Float
    /// The loss of this step of each program, by its name in metrics.
    package let losses: [(name: String, value: Float)]
    /// The mean since the last line of metrics of the loss, and of what it consists of.
    package let means: [(name: String, value: Float)]
    /// The mean loss since the last line of metrics.
    var meanLoss: Float { means[0].value }
    /// The norm of all gradients together, before clipping; of the last program of the step.
    package let gradientNorm: Float
    /// The learning rate.
    package let rate: Float
    /// What was not finite, or nil; the program concerned then changed nothing.
    package let fault: Fault?
    /// Those norms of the other programs.
    let otherNorms: [(name: String, value: Float)]
  }

  /// What of a step was not finite.
  package struct Fault: Sendable {
    /// The term of the loss as metrics call it, or "gradient" where the loss is finite.
    package let term: String
    /// Which of the runs of its program in the step it was, from 1, where there are several.
    package let run: Int?
    fileprivate let stage: Int
  }

  /// A stage with its program, and what that was compiled of.
  private struct Compiled {
    let stage: Stage
    let program: Program
    let gradientNorm, rate, isFinite: Tensor
    let means: [(name: String, value: Tensor)]
    let outputs: [Tensor]
    let updates: [Update]
  }

  /// Compiles the training step of `experiment` on `data`.
  ///
  /// - Throws: `TensorError` where the model does not fit the data.
  package convenience init(_ experiment: Experiment, _ data: TrainingData, _ runtime: Runtime)
    throws
  {
    try self.init(experiment, data, runtime, isChecked: true)
  }

  /// - Parameter isChecked: Whether each step asks if its loss and gradients are finite. Training always
  ///   does; a program that does not shows what it costs.
  package init(
    _ experiment: Experiment, _ data: TrainingData, _ runtime: Runtime, isChecked: Bool
  ) throws {
    (self.runtime, self.isChecked) = (runtime, isChecked)
    let parameters = Parameters(experiment.model.root)
    let model = try experiment.model.model(forExamplesOf: data.domain.shape, parameters)
    let input = try BatchInput(data, experiment)
    let every = experiment.report.metricsEvery
    let stages = model.stages(input, step: Clock(over: every).step, parameters, experiment)
    let compiled = try stages.map { stage -> Compiled in
      let clock = Clock(over: every * stage.runs, of: stage.name)
      let descent = minimize(
        stage.loss, stage.parameters, stage.optimizer, holding: [clock.done] + stage.held)
      let means = ([("loss", stage.loss)] + stage.parts).map { clock.mean(of: $1, $0) }
      let rate = stage.rate(clock.step)
      let figures = isChecked ? [descent.gradientNorm, rate, descent.isFinite] : [rate]
      let outputs = [stage.loss] + means.map(\.value) + figures
      let others = stage.updates + [clock.update] + means.map(\.update)
      let updates =
        isChecked
        ? descent.updates + others.map { $0.where(descent.isFinite) }
        : descent.uncheckedUpdates + others
      let program = try runtime.compile(
        stage.name, outputs, updates: updates, precision: experiment.precision)
      return Compiled(
        stage: stage, program: program, gradientNorm: descent.gradientNorm, rate: rate,
        isFinite: descent.isFinite, means: means.map { (stage.figure($0.name), $0.value) },
        outputs: outputs, updates: updates)
    }
    precision = experiment.precision
    (self.model, self.parameters, self.input) = (model, parameters, input)
    epoch = data.epoch
    self.stages = compiled
    programs = compiled.map { ($0.program, $0.stage.runs) }
  }

  /// The names of the variables that a checkpoint holds, of all programs, each once.
  package var variableNames: [String] {
    Set(programs.flatMap(\.program.savedNames)).sorted()
  }

  /// Floating-point operations of a step in matrix products and convolutions.
  package var flops: Double {
    programs.reduce(0) { sum, entry in
      sum + Double(entry.runs) * entry.program.kernels.reduce(0) { $0 + $1.flops }
    }
  }

  /// Takes step number `step`, from 0; ends it early where a loss or a gradient is not finite.
  package func run(step: Int) throws -> Figures {
    var last = stages[stages.count - 1]
    var fault: Fault?
    for (i, compiled) in stages.enumerated() where fault == nil {
      last = compiled
      for run in 0..<compiled.stage.runs where fault == nil {
        try input.fill(compiled.program, step: step * compiled.stage.runs + run)
        compiled.program.run()
        if try compiled.program.scalar(compiled.isFinite) == 0 {
          let terms = compiled.means.dropFirst() + compiled.means.prefix(1)
          let term = try terms.first { !(try compiled.program.scalar($0.value)).isFinite }
          fault = Fault(
            term: term?.name ?? compiled.stage.figure("gradient"),
            run: compiled.stage.runs > 1 ? run + 1 : nil, stage: i)
        }
      }
    }
    let others = stages.dropLast()
    return Figures(
      loss: try last.program.scalar(last.stage.loss),
      losses: try stages.map {
        ($0.stage.figure("loss"), try $0.program.scalar($0.stage.loss))
      },
      means: try (stages.suffix(1) + others).flatMap { compiled in
        try compiled.means.map { ($0.name, try compiled.program.scalar($0.value)) }
      },
      gradientNorm: try last.program.scalar(last.gradientNorm),
      rate: try last.program.scalar(last.rate), fault: fault,
      otherNorms: try others.map {
        ($0.stage.figure("gradientNorm"), try $0.program.scalar($0.gradientNorm))
      })
  }

  /// As `run`, without its figures, and whatever the outcome.
  package func runUnreported(step: Int) throws {
    for compiled in stages {
      for run in 0..<compiled.stage.runs {
        try input.fill(compiled.program, step: step * compiled.stage.runs + run)
        compiled.program.run()
        if isChecked { _ = try compiled.program.scalar(compiled.isFinite) }
      }
    }
  }

  /// What first was not finite in the step that ended with `fault`, which runs again on the same draws with
  /// every operation by itself; nil where that run is finite.
  ///
  /// Of use right after that step, while inputs and variables are as they were.
  package func firstNonFinite(_ fault: Fault) throws -> NonFinite? {
    let compiled = stages[fault.stage]
    let unfused = try runtime.compile(
      compiled.program.name, compiled.outputs, updates: compiled.updates, options: .init(precision: precision, isFusing: false))
    unfused.takeInputs(of: compiled.program)
    return try unfused.firstNonFinite(
      behind: [compiled.stage.loss, compiled.gradientNorm], at: compiled.program.runs - 1)
  }

  /// As `run`, with the time of each kernel added to `nanoseconds`, a list for each program.
  package func runProfiled(step: Int, _ nanoseconds: inout [[Int64]]) throws {
    if nanoseconds.isEmpty { nanoseconds = stages.map { _ in [] } }
    for (i, compiled) in stages.enumerated() {
      for run in 0..<compiled.stage.runs {
        try input.fill(compiled.program, step: step * compiled.stage.runs + run)
        compiled.program.runProfiled(&nanoseconds[i])
      }
    }
  }
}

/// The number of the run of a program, and means of numbers over windows of `count` runs, kept in variables
/// so that a resumed run reports the same.
private struct Clock {
  /// Runs done.
  let done: Variable
  let count: Int
  private let prefix: String

  init(over count: Int, of name: String = "train") {
    prefix = name == "train" ? "report" : "report/\(name)"
    done = Variable("\(prefix)/step", initially: Tensor(0))
    self.count = count
  }

  /// From one.
  var step: Tensor { done.value + 1 }
  var update: Update { Update(done, step) }

  func mean(of number: Tensor, _ name: String) -> (name: String, value: Tensor, update: Update) {
    let sum = Variable("\(prefix)/\(name)", initially: Tensor(0))
    let place = done.value - Double(count) * floor(done.value / Double(count))
    let total = select(place < Tensor(0.5), number, sum.value + number)
    return (name, total / (place + 1), Update(sum, total))
  }
}
