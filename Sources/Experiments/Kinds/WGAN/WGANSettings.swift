import Configuration
import TensorCore
import WGAN

/// Settings of a generator and its critic, as in an experiment file.
package struct WGANSettings: ModelSettings {
  package static let kind = "wgan"
  package static let help = "A generative adversarial network: a generator and its critic."

  /// Activations of the critic.
  package enum Activation: String, CaseIterable, Sendable {
    /// Leaky ReLU, with a negative slope.
    case leakyReLU = "leaky-relu"
    /// SiLU, x times its sigmoid.
    case silu
  }

  /// Constraints on the gradient norm of the critic.
  package enum ConstraintKind: String, CaseIterable, Sendable {
    /// Gradient normalization (GN-GAN).
    case gn
    /// Gradient normalization of piecewise linear critics (GraN-GAN).
    case gran
    /// Gradient penalty.
    case gp
    /// Spectral normalization.
    case sn
    /// Clipped weights.
    case clip
    /// No constraint.
    case none
  }

  /// Layers of both networks: family, norms and sizes.
  package var family = AdversarialNetworks.Family.mlp
  /// Dimension of the generator's noise.
  package var latent = 16
  /// Number of classes both networks are conditioned on, or nil.
  package var classes: Int?
  /// Numbers of units or channels of the generator's layers.
  package var generator = [128, 128, 128]
  /// Numbers of units or channels of the critic's layers.
  package var critic = [128, 128, 128]
  /// Normalization after the layers of the generator and of the critic.
  package var generatorNorm = AdversarialNetworks.Norm.none,
    criticNorm = AdversarialNetworks.Norm.none
  /// Activation after the critic's layers and norms.
  package var criticActivation = Activation.leakyReLU
  /// Slope of a leaky ReLU below 0.
  package var slope = 0.2
  /// Constraint on the gradient norm of the critic.
  package var constraintKind = ConstraintKind.gn
  /// ε of GraN-GAN.
  package var epsilon = 0.1
  /// Weight of the gradient penalty.
  package var penalty = 10.0
  /// True if gradient norms below 1 are not penalised.
  package var isOneSided = false
  /// Bound of the clipped weights.
  package var limit = 0.01
  /// Loss as a function of the critic's scores.
  package var loss = AdversarialLoss.hinge
  /// Consistency penalty between neighbouring examples, or nil.
  package var consistency: Consistency?
  /// Number of steps of the critic per step of the generator.
  package var criticSteps = 1
  /// Ratio of the critic's learning rate to the generator's.
  package var criticRate = 1.0

  /// Layers of both networks.
  package var networks: AdversarialNetworks {
    let activation: AdversarialNetworks.Activation =
      switch criticActivation {
      case .leakyReLU: .leakyReLU(negativeSlope: slope)
      case .silu: .silu
      }
    return AdversarialNetworks(
      family, latent: latent, classes: classes, generator: generator, critic: critic,
      generatorNorm: generatorNorm, criticNorm: criticNorm, criticActivation: activation)
  }

  /// Constraint on the gradient norm of the critic.
  package var constraint: Constraint {
    switch constraintKind {
    case .gn: .gradientNormalized
    case .gran: .piecewiseNormalized(epsilon: epsilon)
    case .gp: .gradientPenalty(weight: penalty, isOneSided: isOneSided)
    case .sn: .spectral
    case .clip: .clipping(limit: limit)
    case .none: .none
    }
  }

  private static let family = Schema<Self>.Choice("network", \.family)
  private static let activation = Schema<Self>.Choice("criticActivation", \.criticActivation)
  private static let constraint = Schema<Self>.Choice("constraint", \.constraintKind)

  private static let refusedNorms = [
    "batch":
      "batch statistics make examples depend on each other: the critic's gradient would not be that of "
      + "one example, nor a sample determined by its seed"
  ]

  private static let consistency = Schema<Consistency>([
    .number(
      "weight", \.weight, in: 0...1e6, "Weight of the squared difference of the two scores."),
    .number(
      "deviation", \.standardDeviation, in: 1e-6...1e3,
      "Distance of a neighbour from its example, in standard deviations of the data."),
  ])

  package static let schema = Schema<Self>([
    .choice(
      family, "Layers of both networks; mlp for points, convolutional or residual for images."
    )
    .known(as: "arch", "architecture"),
    .int(
      "latent", \.latent, default: .either(16, family.is(.mlp), otherwise: 64), in: 1...4096,
      "Dimension of the generator's noise."
    ).known(as: "latentDim", "zDim", "nz", "latentSize"),
    .optionalInt(
      "classes", \.classes, in: 1...256,
      "Number of classes both networks are conditioned on; null for an unconditional model."
    ).known(as: "numClasses", "nClasses", "classCond"),
    .ints(
      "generator", \.generator,
      default: .either([128, 128, 128], family.is(.mlp), otherwise: [128, 64, 32]), in: 1...1024,
      or: (family.is(.mlp), 1...16_384), count: 1...16,
      "Numbers of units or channels of the generator's layers, from the noise outwards."
    ).known(as: "gen"),
    .ints(
      "critic", \.critic,
      default: .either([128, 128, 128], family.is(.mlp), otherwise: [32, 64, 128]), in: 1...1024,
      or: (family.is(.mlp), 1...16_384), count: 1...16,
      "Numbers of units or channels of the critic's layers, from the data inwards."
    ).known(as: "discriminator", "disc"),
    .word(
      "generatorNorm", \.generatorNorm, default: .either(.none, family.is(.mlp), otherwise: .group),
      refused: refusedNorms, "Normalization after the generator's layers, before their activation."),
    .word(
      "criticNorm", \.criticNorm, refused: refusedNorms,
      "Normalization after the critic's layers, before their activation."),
    .choice(activation, "Activation of the critic; silu makes it smooth."),
    .number("slope", \.slope, in: 0...1.0.nextDown, "Negative slope of the leaky ReLU.")
      .when(activation.is(.leakyReLU)),
    .choice(
      constraint,
      "Constraint on the gradient norm of the critic f: f / (|grad f| + |f|) (gn), "
        + "f |grad f| / (|grad f|^2 + epsilon) (gran), a gradient penalty (gp), spectral "
        + "normalization (sn), clipped weights (clip)."),
    .number(
      "epsilon", \.epsilon, in: 1e-12...1e6,
      "Constant added to the squared gradient norm in the denominator."
    )
    .when(constraint.is(.gran)),
    .number("penalty", \.penalty, in: 0...1e6, "Weight of the gradient penalty.")
      .when(constraint.is(.gp)).known(as: "lambdaGP", "gpWeight", "gpLambda", "gradientPenalty"),
    .bool("oneSided", \.isOneSided, "Penalise only gradient norms above 1.")
      .when(constraint.is(.gp)),
    .number(
      "limit", \.limit, in: 1e-9...1e6, "Bound on the absolute value of the critic's weights."
    )
    .when(constraint.is(.clip)).known(as: "clipValue", "weightClip"),
    .optionalMapping(
      "consistency", \.consistency, consistency,
      from: Consistency(weight: 5, standardDeviation: 0.05),
      "Penalty on the difference of the critic's scores of an example and a neighbour; null for none."
    ),
    .word("loss", \.loss, "Loss as a function of the critic's scores; logistic with gn is GN-GAN."),
    .int(
      "criticSteps", \.criticSteps, in: 1...1000,
      "Number of steps of the critic per step of the generator."
    )
    .known(as: "nCritic", "criticIters", "dSteps"),
    .number(
      "criticRate", \.criticRate, in: 1e-6...1e6,
      "Learning rate of the critic, as a multiple of the generator's."),
  ])

  package init() {}

  package var root: String { "wgan" }
  package var programs: [(name: String, runs: Int)] { [("critic", criticSteps), ("train", 1)] }
  package var gainsFromBF16: Bool { family != .mlp }
  package var classCount: Int? { classes }
  package var isForPoints: Bool { family == .mlp }
  package var sizeKeys: String { "model.generator and model.critic" }

  package func failure(forExamplesOf shape: [Int]) -> String? {
    networks.failure(forExamplesOf: shape)
  }

  package func model(
    forExamplesOf shape: [Int], _ parameters: Parameters
  ) throws -> any Model {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    return AdversarialModel(
      wgan: try WassersteinGAN(
        shape: shape, networks: networks, constraint: constraint, loss: loss,
        consistency: consistency, parameters),
      settings: self)
  }
}
