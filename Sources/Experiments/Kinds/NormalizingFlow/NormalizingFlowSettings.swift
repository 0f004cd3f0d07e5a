import Configuration
import NormalizingFlow
import TensorCore

/// Settings of a normalizing flow of points, as in an experiment file.
package struct NormalizingFlowSettings: ModelSettings {
  package static let kind = "normalizing-flow"
  package static let help = "A normalizing flow of points, with an exact density."

  /// Number of couplings.
  package var couplings = 8
  /// Numbers of units of the hidden layers of each coupling's network.
  package var hidden = [64, 64]
  /// Bound of the log scale of a coupling.
  package var logScaleLimit = 2.0

  package static let schema = Schema<Self>([
    .int(
      "couplings", \.couplings, in: 2...256,
      "Number of affine couplings; they alternate, each transforming one coordinate given the other."
    ),
    .ints(
      "hidden", \.hidden, in: 1...16_384, count: 1...16,
      "Numbers of units of the hidden layers of each coupling's network."
    ).known(as: "hiddenDims", "hiddenDim", "hiddenSize", "hiddenUnits"),
    .number(
      "logScaleLimit", \.logScaleLimit, in: 0.01...20,
      "Largest absolute value of the log scale of a coupling."),
  ])

  package init() {}

  package var root: String { "flow" }
  package var gainsFromBF16: Bool { false }
  package var isForPoints: Bool { true }
  package var hasBound: Bool { true }
  package var sizeKeys: String { "model.hidden" }

  package func failure(forExamplesOf shape: [Int]) -> String? {
    shape.count == 1
      ? nil : "normalizing-flow needs points, and the data are images; expected a 2-D set"
  }

  package func model(
    forExamplesOf shape: [Int], _ parameters: Parameters
  ) throws -> any Model {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    return FlowModel(
      flow: try CouplingFlow(
        shape: shape, couplings: couplings, hidden: hidden, logScaleLimit: logScaleLimit,
        parameters))
  }
}
