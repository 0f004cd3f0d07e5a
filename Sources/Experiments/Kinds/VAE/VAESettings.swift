import Classifier
import Configuration
import Domains
import TensorCore
import VAE

/// A variational autoencoder, as an experiment file says it.
package struct VAESettings: ModelSettings {
  package static let kind = "vae"
  package static let help = "A variational autoencoder."

  /// Kinds of hidden layers.
  package enum Layers: String, CaseIterable, Sendable {
    /// Dense ones.
    case mlp
    /// Convolutions, then dense ones.
    case convolutional
  }

  /// Families of posteriors, each with its space.
  package enum Posterior: String, CaseIterable, Sendable {
    /// Of a flat space.
    case gaussian
    /// Von Mises-Fisher, of a sphere.
    case vmf
  }

  /// Families of p(x|z).
  package enum Family: String, CaseIterable, Sendable {
    /// Of pixels that are 0 or 1.
    case bernoulli
    /// Of numbers.
    case gaussian
  }

  /// The kind of the hidden layers.
  package var layers = Layers.mlp
  /// Channels of the convolutions, where there are some.
  package var channels = [32, 64]
  /// Units of the dense layers.
  package var hidden = [512, 256]
  /// What follows each hidden layer.
  package var activation = Network.Activation.relu
  /// The family of posteriors.
  package var posterior = Posterior.gaussian
  /// The dimension of the latent variables.
  package var dimension = 2
  /// The concentration of von Mises-Fisher posteriors, or nil where it is learned.
  package var concentration: Double?
  /// The family of p(x|z).
  package var family = Family.bernoulli
  /// The standard deviation of a Gaussian p(x|z), or nil where it is learned.
  package var deviation: Double?
  /// What is maximised.
  package var bound = VariationalAutoencoder.Bound.elbo
  /// K, the draws of z an example.
  package var draws = 1
  /// Steps over which the weight of the KL rises from 0 to 1; none for 0.
  package var klWarmup = 0

  /// The hidden layers.
  package var network: Network {
    Network(channels: layers == .mlp ? [] : channels, hidden: hidden, activation: activation)
  }

  /// The space of the latent variables.
  package var latent: Latent {
    switch posterior {
    case .gaussian: .gaussian(dimension: dimension)
    case .vmf: .sphere(dimension: dimension, concentration: concentration)
    }
  }

  /// p(x|z).
  package var likelihood: ObservationModel {
    switch family {
    case .bernoulli: .bernoulli
    case .gaussian: .gaussian(standardDeviation: deviation)
    }
  }

  private static let layers = Schema<Self>.Choice("network", \.layers)
  private static let posterior = Schema<Self>.Choice("posterior", \.posterior)
  private static let family = Schema<Self>.Choice("likelihood", \.family)
  private static let bound = Schema<Self>.Choice("bound", \.bound)

  package static let schema = Schema<Self>([
    .choice(layers, "The hidden layers: dense ones, or convolutions before them.")
      .known(as: "arch", "architecture"),
    .ints(
      "channels", \.channels, in: 1...1024, count: 1...8,
      "Channels of the convolutions, from the data inwards; each halves the images."
    ).when(layers.is(.convolutional)).known(as: "baseChannels", "modelChannels"),
    .ints(
      "hidden", \.hidden, default: .either([512, 256], layers.is(.mlp), otherwise: [256]),
      in: 1...16_384,
      count: 0...16,
      "Units of the encoder's dense layers; the decoder's are the same, backwards."
    ).known(
      as: "hiddenDim", "hiddenSize", "hiddenUnits", "hiddenDims", "numLayers", "nLayers", "layers"),
    .word("activation", \.activation, "What follows each hidden layer."),
    .choice(posterior, "The posteriors: Gaussian, or von Mises-Fisher on a sphere (vmf)."),
    .int(
      "latent", \.dimension, default: .required, in: 1...4096, "Dimensions of the latent variables."
    )
    .known(as: "latentDim", "zDim", "nz", "latentSize"),
    .optionalNumber(
      "concentration", \.concentration, in: Latent.concentrations,
      "How narrow the posteriors are, one number for all; null to learn it for each example."
    ).when(posterior.is(.vmf), elseNullWith: "a gaussian posterior"),
    .choice(
      family,
      "The density of the data given the latent variables; bernoulli is for images of zeros and ones."
    ),
    .optionalNumber(
      "deviation", \.deviation, in: 1e-6...1e6,
      "The standard deviation of the data about their means; null to learn it."
    ).when(family.is(.gaussian), elseNullWith: "a bernoulli likelihood"),
    .choice(
      bound, "What is maximised: the evidence lower bound, or the importance-weighted one (iwae)."),
    .int(
      "draws", \.draws, default: .either(1, bound.is(.elbo), otherwise: 5), in: 1...10_000,
      "Draws of the latent variables an example."
    ).known(as: "numDraws", "iwaeSamples"),
    .int(
      "klWarmup", \.klWarmup, in: 0...16_000_000,
      "Steps over which the weight of the KL divergence rises from 0 to 1."
    ).known(as: "klWarm", "klAnnealing"),
  ])

  package init() {}

  package var root: String { "vae" }
  package var gainsFromBF16: Bool { !network.channels.isEmpty }
  package var hasBound: Bool { true }
  package var sizeKeys: String { "model.hidden" }

  package func binarisation(forExamplesOf shape: [Int]?) -> Binarisation {
    likelihood == .bernoulli && shape?.count != 1 ? .dynamic : .none
  }

  /// A density wants numbers, a probability of pixels wants 0 and 1.
  package var pixels: PixelScale {
    PixelScale(range: 0...1, isDequantised: likelihood != .bernoulli)
  }

  package func failure(forExamplesOf shape: [Int]) -> String? {
    if likelihood == .bernoulli && shape.count == 1 {
      return "a bernoulli likelihood is for images, and the data are points; expected gaussian"
    }
    return network.failure(forExamplesOf: shape)
  }

  package func model(
    forExamplesOf shape: [Int], _ parameters: Parameters
  ) throws -> any Model {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    return AutoencoderModel(
      vae: try VariationalAutoencoder(
        shape: shape, network: network, latent: latent, likelihood: likelihood, parameters),
      settings: self)
  }
}
