import Configuration
import TensorCore
import WGAN

/// A generator and its critic, as an experiment file says them.
package struct WGANSettings: ModelSettings {
  package static let kind = "wgan"
  package static let help = "A generator and its critic."

  /// What follows the critic's layers.
  package enum Activation: String, CaseIterable, Sendable {
    /// With a slope below 0.
    case leakyReLU = "leaky-relu"
    /// x times its sigmoid.
    case silu
  }

  /// What keeps the critic from growing steep.
  package enum ConstraintKind: String, CaseIterable, Sendable {
    /// Normalized by its gradient (GN-GAN).
    case gn
    /// The same, as it is linear piece by piece (GraN-GAN).
    case gran
    /// A penalty on the gradient.
    case gp
    /// Spectral normalization.
    case sn
    /// Clipped weights.
    case clip
    /// Nothing.
    case none
  }

  /// The layers of both: families, norms and sizes.
  package var family = Networks.Family.mlp
  /// Dimensions of the generator's noise.
  package var latent = 16
  /// How many classes both networks are told, or nil where they learn without.
  package var classes: Int?
  /// Units or channels of the generator's layers.
  package var generator = [128, 128, 128]
  /// Units or channels of the critic's layers.
  package var critic = [128, 128, 128]
  /// What follows the generator's layers, and the critic's.
  package var generatorNorm = Networks.Norm.none, criticNorm = Networks.Norm.none
  /// What follows those of the critic then.
  package var criticActivation = Activation.leakyReLU
  /// The slope of a leaky ReLU below 0.
  package var slope = 0.2
  /// What keeps the critic from growing steep.
  package var constraintKind = ConstraintKind.gn
  /// ε of GraN-GAN.
  package var epsilon = 0.1
  /// The weight of the gradient penalty.
  package var penalty = 10.0
  /// Whether slopes below 1 cost nothing.
  package var isOneSided = false
  /// Where weights are clipped.
  package var limit = 0.01
  /// What is made of scores.
  package var loss = AdversarialLoss.hinge
  /// What keeps scores from jumping between neighbours, or nil.
  package var consistency: Consistency?
  /// Steps of the critic for each of the generator.
  package var criticSteps = 1
  /// The critic's learning rate over the generator's.
  package var criticRate = 1.0

  /// The layers of both.
  package var networks: Networks {
    let activation: Networks.Activation =
      switch criticActivation {
      case .leakyReLU: .leakyReLU(negativeSlope: slope)
      case .silu: .silu
      }
    return Networks(
      family, latent: latent, classes: classes, generator: generator, critic: critic,
      generatorNorm: generatorNorm, criticNorm: criticNorm, criticActivation: activation)
  }

  /// What keeps the critic from growing steep.
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
      "statistics of a batch make examples depend on each other, so that the critic's gradient is not "
      + "that of one example and a sample not that of its seed"
  ]

  private static let consistency = Schema<Consistency>([
    .number(
      "weight", \.weight, in: 0...1e6, "The weight of the squared difference of the two scores."),
    .number(
      "deviation", \.standardDeviation, in: 1e-6...1e3,
      "How far a neighbour is from its example, in standard deviations of the data."),
  ])

  package static let schema = Schema<Self>([
    .choice(family, "The layers of both networks; those of images are convolutional or residual.")
      .known(as: "arch", "architecture"),
    .int(
      "latent", \.latent, default: .either(16, family.is(.mlp), otherwise: 64), in: 1...4096,
      "Dimensions of the noise that the generator starts from."
    ).known(as: "latentDim", "zDim", "nz", "latentSize"),
    .optionalInt(
      "classes", \.classes, in: 1...256,
      "How many classes of the data both networks are told; null to learn without."
    ).known(as: "numClasses", "nClasses", "classCond"),
    .ints(
      "generator", \.generator,
      default: .either([128, 128, 128], family.is(.mlp), otherwise: [128, 64, 32]), in: 1...1024,
      or: (family.is(.mlp), 1...16_384), count: 1...16,
      "Units of the generator's layers, or their channels, from the noise outwards."
    ).known(as: "gen"),
    .ints(
      "critic", \.critic,
      default: .either([128, 128, 128], family.is(.mlp), otherwise: [32, 64, 128]), in: 1...1024,
      or: (family.is(.mlp), 1...16_384), count: 1...16,
      "Units of the critic's layers, or their channels, from the data inwards."
    ).known(as: "discriminator", "disc"),
    .word(
      "generatorNorm", \.generatorNorm, default: .either(.none, family.is(.mlp), otherwise: .group),
      refused: refusedNorms, "What follows the generator's layers, before their activation."),
    .word(
      "criticNorm", \.criticNorm, refused: refusedNorms,
      "What follows the critic's layers, before their activation."),
    .choice(activation, "The critic's activation: silu makes it smooth."),
    .number("slope", \.slope, in: 0...1.0.nextDown, "The slope of the leaky ReLU below 0.")
      .when(activation.is(.leakyReLU)),
    .choice(
      constraint,
      "What keeps the critic f from growing steep: f / (|grad f| + |f|) (gn), "
        + "f |grad f| / (|grad f|^2 + epsilon) (gran), a gradient penalty (gp), spectral "
        + "normalization (sn), clipped weights (clip)."),
    .number("epsilon", \.epsilon, in: 1e-12...1e6, "Added to the squared slope that divides.")
      .when(constraint.is(.gran)),
    .number("penalty", \.penalty, in: 0...1e6, "The weight of the gradient penalty.")
      .when(constraint.is(.gp)).known(as: "lambdaGP", "gpWeight", "gpLambda", "gradientPenalty"),
    .bool("oneSided", \.isOneSided, "Whether slopes below 1 cost nothing.")
      .when(constraint.is(.gp)),
    .number(
      "limit", \.limit, in: 1e-9...1e6, "Where the critic's weights are clipped, either side."
    )
    .when(constraint.is(.clip)).known(as: "clipValue", "weightClip"),
    .optionalMapping(
      "consistency", \.consistency, consistency,
      from: Consistency(weight: 5, standardDeviation: 0.05),
      "What keeps the critic's score from jumping between an example and its neighbour; null for none."
    ),
    .word("loss", \.loss, "What is made of the critic's scores; with gn, logistic is GN-GAN."),
    .int(
      "criticSteps", \.criticSteps, in: 1...1000, "Steps of the critic for each of the generator."
    )
    .known(as: "nCritic", "criticIters", "dSteps"),
    .number(
      "criticRate", \.criticRate, in: 1e-6...1e6,
      "The critic's learning rate, as a multiple of the generator's."),
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
