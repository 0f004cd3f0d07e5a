import Datasets
import Domains
import Formats
import Support
import TensorCore
import VAE

/// Validation of a variational autoencoder by its bound.
final class BoundValidation: Validating {
  private let input: OrderedInput
  private let program: Program
  private let parts: VariationalAutoencoder.Parts

  /// Makes a validation.
  ///
  /// - Throws: `FigmentError` if the data have no validation split.
  init(
    _ vae: VariationalAutoencoder, _ settings: VAESettings, _ weights: (Tensor) -> Tensor,
    _ data: TrainingData,
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
      bound += try program.sum(parts.bound, rows: rows)
      reconstruction += try program.sum(parts.reconstruction, rows: rows)
      divergence += try program.sum(parts.divergence, rows: rows)
      try program.read(parts.means) { span in
        for i in 0..<rows * width {
          sums[i % width] += Double(span[i])
          squares[i % width] += Double(span[i]) * Double(span[i])
        }
      }
    }
    let count = Double(input.count)
    // Active units: latent coordinates whose posterior mean varies over the data with variance
    // above 0.01 (Burda et al. 2016, §5.2).
    let active = zip(sums, squares).count { sum, square in
      square / count - (sum / count) * (sum / count) > 0.01
    }
    divergence /= count
    let warning = """
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
      warning: active == 0 || divergence < 0.1 ? warning : nil)
  }
}
