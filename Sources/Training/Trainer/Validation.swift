import Classifier
import Datasets
import TensorCore
import VAE

/// A model on validation data, always on the same draws.
protocol Validating {
  /// The figures of the weights as they are.
  func run() throws -> ValidationFigures
}

/// What was found on validation data.
struct ValidationFigures {
  /// What is to rise: a mean log probability, in nats per example.
  let bound: Double
  /// As a line of metrics has them; bounds are losses there, to be compared with the training's.
  let metrics: [(name: String, value: MetricValue)]
  /// What the user should know unless it passes.
  var complaint: String?
}

/// The bound of a variational autoencoder.
final class BoundValidation: Validating {
  private let input: OrderedInput
  private let program: Program
  private let parts: VAE.Parts

  /// - Throws: `DataError` where the data have no validation part.
  init(
    _ vae: VAE, _ settings: VAESettings, _ weights: (Tensor) -> Tensor, _ data: TrainingData,
    _ experiment: Experiment, _ runtime: Runtime
  ) throws {
    let batch = data.domain.shape.count == 1 ? 1024 : 500
    input = try OrderedInput(data, experiment, batch: batch)
    parts = vae.parts(
      input.examples, settings.bound, draws: settings.draws, keys: input.keys
    ).map(weights)
    program = try runtime.compile(
      "validate", [parts.bound, parts.reconstruction, parts.divergence, parts.means])
  }

  func run() throws -> ValidationFigures {
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
    // Latent coordinates that the data move: those whose posterior's centre varies over the data with a
    // variance above 0.01 (Burda et al. 2016, §5.2).
    let active = zip(sums, squares).count { sum, square in
      square / count - (sum / count) * (sum / count) > 0.01
    }
    divergence /= count
    let complaint = """
      the posterior has collapsed: KL \(rounded(divergence)) nats, \(active) active latent units; a KL \
      warm-up may help (model.klWarmup)
      """
    return ValidationFigures(
      bound: bound / count,
      metrics: [
        ("validationLoss", .number(-bound / count)),
        ("validationReconstruction", .number(reconstruction / count)),
        ("validationDivergence", .number(divergence)), ("activeUnits", .integer(active)),
      ],
      complaint: active == 0 || divergence < 0.1 ? complaint : nil)
  }
}

/// The accuracy of a classifier.
final class AccuracyValidation: Validating {
  private let judge: Judge
  private let images: LabelledTable

  /// - Throws: `DataError` where the data have no labels.
  init(
    _ classifier: Classifier, _ weights: (Tensor) -> Tensor, _ data: TrainingData,
    _ experiment: Experiment, _ runtime: Runtime
  ) throws {
    judge = try Judge(classifier, runtime, weights)
    images = try LabelledTable(data, experiment)
  }

  func run() throws -> ValidationFigures {
    let accuracy = Accuracy(try judge(images.table), labels: images.labels)
    return ValidationFigures(
      bound: -accuracy.loss.mean,
      metrics: [
        ("validationLoss", .number(accuracy.loss.mean)),
        ("validationAccuracy", .number(accuracy.share.mean)),
      ])
  }
}

extension Model {
  /// What looks at validation data, for models that have something to look at.
  func validation(
    _ weights: (Tensor) -> Tensor, _ data: TrainingData, _ experiment: Experiment,
    _ runtime: Runtime
  ) throws -> (any Validating)? {
    switch self {
    case .ddpm, .wgan: nil
    case .vae(let model, let settings):
      try BoundValidation(model, settings, weights, data, experiment, runtime)
    case .classifier(let model):
      try AccuracyValidation(model, weights, data, experiment, runtime)
    }
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
