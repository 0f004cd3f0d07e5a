import TensorCore
import WGAN

/// Numbers for tests (SplitMix64): the same in every run.
struct Numbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0xD134_2543_DE82_EF95 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func values(_ count: Int, in range: ClosedRange<Double> = -1...1) -> [Double] {
    (0..<count).map { _ in Double(Float(Double.random(in: range, using: &self))) }
  }
}

/// A network of a shape of examples, small enough for the reference.
struct SmallWGAN {
  let parameters = Parameters("wgan")
  let model: WGAN
  let shape: [Int]

  static let points = Networks(.mlp, latent: 3, generator: [6, 5], critic: [7, 6])
  static let images = Networks(
    .convolutional, latent: 3, generator: [4, 3], critic: [3, 4], generatorNorm: .group,
    criticNorm: .none)
  static let blocks = Networks(
    .residual, latent: 3, generator: [4, 2], critic: [3, 4], generatorNorm: .group,
    criticNorm: .none)

  init(
    _ networks: Networks = SmallWGAN.points, _ constraint: Constraint = .gradientNormalized,
    _ loss: AdversarialLoss = .hinge
  ) throws {
    shape = networks.family == .mlp ? [2] : [4, 4, 1]
    model = try WGAN(
      shape: shape, networks: networks, constraint: constraint, loss: loss, parameters)
  }

  func examples(_ count: Int, scale: Double = 1, seed: Int = 1) -> [Double] {
    var numbers = Numbers(seed: seed)
    return numbers.values(count * shape.reduce(1, *), in: -scale...scale)
  }
}

extension Reference {
  /// The values of one expression.
  mutating func value(_ y: Tensor, _ inputs: [String: [Double]] = [:]) throws -> [Double] {
    try evaluate([y], inputs)[0]
  }
}
