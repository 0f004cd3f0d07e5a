import Domains
import NormalizingFlow
import TensorCore

/// Validation of a flow by the mean log density of the data.
final class DensityValidation: Validating {
  private let input: OrderedInput
  private let program: Program
  private let density: Tensor

  /// Makes a validation.
  ///
  /// - Throws: `DataError` if the data have no validation split.
  init(
    _ flow: CouplingFlow, _ weights: (Tensor) -> Tensor, _ data: TrainingData,
    _ experiment: Experiment, _ runtime: Runtime
  ) throws {
    input = try OrderedInput(data, experiment, batch: 1024)
    density = weights(flow.logDensity(input.examples))
    program = try runtime.compile("validate", [density])
  }

  func run() throws -> ValidationFigures {
    var sum = 0.0
    try input.forEachBatch(program) { rows in
      sum += try program.sum(density, rows: rows)
    }
    let mean = sum / Double(input.count)
    return ValidationFigures(bound: mean, metrics: [("validationLoss", .number(-mean))])
  }
}
