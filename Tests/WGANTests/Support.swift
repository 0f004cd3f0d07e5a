import TensorCore
import TestSupport
import WGAN

/// Networks for examples of a shape, small enough for the reference.
struct SmallWGAN {
  let parameters = Parameters("wgan")
  let model: WassersteinGAN
  let shape: [Int]

  static let points = AdversarialNetworks(.mlp, latent: 3, generator: [6, 5], critic: [7, 6])
  static let images = AdversarialNetworks(
    .convolutional, latent: 3, generator: [4, 3], critic: [3, 4], generatorNorm: .group,
    criticNorm: .none)
  static let blocks = AdversarialNetworks(
    .residual, latent: 3, generator: [4, 2], critic: [3, 4], generatorNorm: .group,
    criticNorm: .none)

  init(
    _ networks: AdversarialNetworks = SmallWGAN.points,
    _ constraint: Constraint = .gradientNormalized,
    _ loss: AdversarialLoss = .hinge, consistency: Consistency? = nil
  ) throws {
    shape = networks.family == .mlp ? [2] : [4, 4, 1]
    model = try WassersteinGAN(
      shape: shape, networks: networks, constraint: constraint, loss: loss,
      consistency: consistency, parameters)
  }

  func examples(_ count: Int, scale: Double = 1, seed: Int = 1) -> [Double] {
    var numbers = SplitMix64(seed: seed)
    return numbers.values(count * shape.reduce(1, *), in: -scale...scale)
  }
}

extension Reference {
  /// The values of one expression.
  mutating func value(_ y: Tensor, _ inputs: [String: [Double]] = [:]) throws -> [Double] {
    try evaluate([y], inputs)[0]
  }
}
