import Domains
import Experiments
import TensorCore

/// The compiled training step of an experiment, with its reported metrics; run by `train` and
/// measured by `bench`.
package final class TrainingProgram {
  /// The model.
  package let model: any Model
  /// The model's parameters.
  package let parameters: Parameters
  /// The runtime that owns the parameters.
  package let runtime: Runtime
  /// The programs of a step in order, each with its number of runs per step.
  package let programs: [(program: Program, runs: Int)]
  /// Number of examples per epoch.
  let epoch: Int
  private let input: BatchInput
  private let stages: [Compiled]
  private let precision: Precision
  private let isChecked: Bool

  /// Metrics reported by a step.
  package struct Figures: Sendable {
    /// Loss of the last program in this step.
    package let loss: Float
    /// Loss of each program in this step, by its metric name.
    package let losses: [(name: String, value: Float)]
    /// Means of the loss and its terms since the last line of metrics.
    package let means: [(name: String, value: Float)]
    /// Mean loss since the last line of metrics.
    var meanLoss: Float { means[0].value }
    /// Global norm of the gradients before clipping, of the last program of the step.
    package let gradientNorm: Float
    /// The learning rate.
    package let rate: Float
    /// The first value that was not finite, or nil; its program then changed nothing.
    package let fault: Fault?
    /// Gradient norms of the other programs.
    let otherNorms: [(name: String, value: Float)]
  }

  /// Location of a non-finite value in a step.
  package struct Fault: Sendable {
    /// Metric name of the loss term, or "gradient" if the loss is finite.
    package let term: String
    /// Index of the program's run within the step, from 1, or nil if it runs once.
    package let run: Int?
    fileprivate let stage: Int
  }

  /// A stage with its program, and the expressions that it was compiled from.
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
  /// - Throws: `TensorError` if the model does not fit the data.
  package convenience init(_ experiment: Experiment, _ data: TrainingData, _ runtime: Runtime)
    throws
  {
    try self.init(experiment, data, runtime, isChecked: true)
  }

  /// Compiles the training step of `experiment` on `data`.
  ///
  /// - Parameter isChecked: True if each step checks that its loss and gradients are finite. Always
  ///   true in training; the unchecked program serves to measure the cost.
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

  /// Floating-point operations per step in matrix products and convolutions.
  package var flops: Double {
    programs.reduce(0) { sum, entry in
      sum + Double(entry.runs) * entry.program.kernels.reduce(0) { $0 + $1.flops }
    }
  }

  /// Takes step number `step`, from 0; ends it early if a loss or a gradient is not finite.
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

  /// Same as `run`, without metrics, and ignoring non-finite values.
  package func runUnreported(step: Int) throws {
    for compiled in stages {
      for run in 0..<compiled.stage.runs {
        try input.fill(compiled.program, step: step * compiled.stage.runs + run)
        compiled.program.run()
        if isChecked { _ = try compiled.program.scalar(compiled.isFinite) }
      }
    }
  }

  /// The first non-finite value of the step that ended with `fault`, found by repeating the program
  /// on the same draws one operation at a time; nil if that run is finite.
  ///
  /// Call it right after that step, while inputs and variables are unchanged.
  package func firstNonFinite(_ fault: Fault) throws -> NonFinite? {
    let compiled = stages[fault.stage]
    let unfused = try runtime.compile(
      compiled.program.name, compiled.outputs, updates: compiled.updates,
      options: .init(precision: precision, isFusing: false))
    unfused.takeInputs(of: compiled.program)
    return try unfused.firstNonFinite(
      behind: [compiled.stage.loss, compiled.gradientNorm], at: compiled.program.runs - 1)
  }

  /// Same as `run`, adding the time of each kernel to `nanoseconds`, a list per program.
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

/// The run counter of a program, and means over windows of `count` runs, kept in variables so that
/// a resumed run reports the same values.
private struct Clock {
  /// Number of runs done.
  let done: Variable
  let count: Int
  private let prefix: String

  init(over count: Int, of name: String = "train") {
    prefix = name == "train" ? "report" : "report/\(name)"
    done = Variable("\(prefix)/step", initially: Tensor(0))
    self.count = count
  }

  /// Number of the current run, from 1.
  var step: Tensor { done.value + 1 }
  var update: Update { Update(done, step) }

  func mean(of number: Tensor, _ name: String) -> (name: String, value: Tensor, update: Update) {
    let sum = Variable("\(prefix)/\(name)", initially: Tensor(0))
    let place = done.value - Double(count) * floor(done.value / Double(count))
    let total = select(place < Tensor(0.5), number, sum.value + number)
    return (name, total / (place + 1), Update(sum, total))
  }
}
