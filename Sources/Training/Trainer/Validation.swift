import Datasets
import TensorCore
import VAE

/// The bound of a model on validation data, always on the same draws.
final class Validation {
  /// What was found.
  struct Figures {
    /// The mean unweighted lower bound of log p(x), in nats per example.
    let bound: Double
    /// Its parts, in nats per example.
    let reconstruction, divergence: Double
    /// Latent coordinates that the data move: those whose posterior's centre varies over the data with a
    /// variance above 0.01.
    ///
    /// See Burda et al. 2016, §5.1.
    let activeUnits: Int
  }

  private let input: OrderedInput
  private let program: Program
  private let parts: VAE.Parts

  /// - Throws: `DataError` where the data have no validation part.
  init?(
    _ model: Model, _ weights: (Tensor) -> Tensor, _ data: TrainingData, _ experiment: Experiment,
    _ runtime: Runtime
  ) throws {
    guard case .vae(let vae, let settings) = model else { return nil }
    let batch = data.domain.shape.count == 1 ? 1024 : 500
    input = try OrderedInput(data, experiment, batch: batch)
    parts = vae.parts(
      input.examples, settings.bound, draws: settings.draws, keys: input.keys
    ).map(weights)
    program = try runtime.compile(
      "validate", [parts.bound, parts.reconstruction, parts.divergence, parts.means])
  }

  /// The figures of the weights as they are.
  func run() throws -> Figures {
    var (bound, reconstruction, divergence) = (0.0, 0.0, 0.0)
    let width = parts.means.shape[1]
    var sums = [Double](repeating: 0, count: width)
    var squares = sums
    try input.forEachBatch(program) { rows in
      func total(_ x: Tensor) throws -> Double {
        try program.read(x) { span in (0..<rows).reduce(0) { $0 + Double(span[$1]) } }
      }
      bound += try total(parts.bound)
      reconstruction += try total(parts.reconstruction)
      divergence += try total(parts.divergence)
      try program.read(parts.means) { span in
        for i in 0..<rows * width {
          sums[i % width] += Double(span[i])
          squares[i % width] += Double(span[i]) * Double(span[i])
        }
      }
    }
    let count = Double(input.count)
    let active = zip(sums, squares).count { sum, square in
      square / count - (sum / count) * (sum / count) > 0.01
    }
    return Figures(
      bound: bound / count, reconstruction: reconstruction / count,
      divergence: divergence / count, activeUnits: active)
  }
}

/// Early stopping: the best weights so far, and how long ago they were found, as variables of the run.
final class Stopping {
  private let runtime: Runtime
  private let patience: Int
  private let warmup: Int
  private let keeping: Program
  private let bestBound = Variable("stopping/bound", initially: Tensor(-.infinity))
  private let epochs = Variable("stopping/epochs", initially: Tensor(0))
  /// The variables that checkpoints hold for it.
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

  /// Epochs since the best bound, and whether they are too many.
  var epochsSinceBest: Int { get throws { Int(try runtime.values(of: epochs)[0]) } }
  var isOver: Bool { get throws { try epochsSinceBest >= patience } }

  /// Takes note of the bound after an epoch: keeps the weights if it is the best.
  ///
  /// While the KL is being warmed up the latest weights are kept, as no bound counts yet.
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
