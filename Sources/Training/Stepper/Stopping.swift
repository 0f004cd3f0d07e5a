import TensorCore

/// Early stopping: the best weights so far and the number of epochs since, as variables of the run.
final class Stopping {
  private let runtime: Runtime
  private let patience: Int
  private let warmup: Int
  private let keeping: Program
  private let bestBound = Variable("stopping/bound", initially: Tensor(-.infinity))
  private let epochs = Variable("stopping/epochs", initially: Tensor(0))
  /// Names of its variables in checkpoints.
  let variableNames: [String]

  init(
    _ parameters: Parameters, _ weights: Weights, patience: Int, warmup: Int, _ runtime: Runtime
  ) throws {
    (self.patience, self.warmup, self.runtime) = (patience, warmup, runtime)
    let read = weights.reading(parameters.variables)
    keeping = try runtime.compile(
      "keep", [],
      updates: parameters.variables.map {
        Update(Variable(Weights.best.name($0), initially: $0.value), read($0.value))
      })
    _ = try runtime.values(of: bestBound)
    _ = try runtime.values(of: epochs)
    variableNames =
      parameters.variables.map { Weights.best.name($0) } + [bestBound, epochs].map(\.name)
  }

  /// Number of epochs since the best bound.
  var epochsSinceBest: Int { get throws { Int(try runtime.values(of: epochs)[0]) } }
  var isOver: Bool { get throws { try epochsSinceBest >= patience } }

  /// Records the bound after an epoch, and keeps the weights if it is the best.
  ///
  /// During the warm-up of the KL the latest weights are kept, because no bound counts yet.
  func observe(bound: Double, step: Int) throws {
    let isWarm = step >= warmup
    let best = try runtime.values(of: bestBound)[0]
    if isWarm, Float(bound) <= best {
      try runtime.write(variable: epochs.name, [Float(try epochsSinceBest + 1)])
      return
    }
    keeping.run(at: 0)
    if isWarm { try runtime.write(variable: bestBound.name, [Float(bound)]) }
    try runtime.write(variable: epochs.name, [0])
  }
}
