import Classifier
import Configuration
import Domains
import TensorCore
import VAE

/// Settings of a variational autoencoder, as in an experiment file.
package struct VAESettings: ModelSettings {
  package static let kind = "vae"
  package static let help = "A variational autoencoder."

  /// Kinds of hidden layers.
  package enum Layers: String, CaseIterable, Sendable {
    /// Dense layers.
    case mlp
    /// Convolutions followed by dense layers.
    case convolutional
  }

  /// Families of posteriors, each with its latent space.
  package enum Posterior: String, CaseIterable, Sendable {
    /// Gaussian, in a flat space.
    case gaussian
    /// Von Mises-Fisher, on a sphere.
    case vmf
  }

  /// Families of p(x|z).
  package enum Family: String, CaseIterable, Sendable {
    /// Bernoulli, for pixels that are 0 or 1.
    case bernoulli
    /// Gaussian, for real numbers.
    case gaussian
  }

  /// Kind of the hidden layers.
  package var layers = Layers.mlp
  /// Numbers of channels of the convolutions, if there are any.
  package var channels = [32, 64]
  /// Numbers of units of the dense layers.
  package var hidden = [512, 256]
  /// Activation after each hidden layer.
  package var activation = Network.Activation.relu
  /// Family of posteriors.
  package var posterior = Posterior.gaussian
  /// Dimension of the latent variables.
  package var dimension = 2
  /// Concentration of von Mises-Fisher posteriors, or nil to learn it.
  package var concentration: Double?
  /// Family of p(x|z).
  package var family = Family.bernoulli
  /// Standard deviation of a Gaussian p(x|z), or nil to learn it.
  package var deviation: Double?
  /// Bound to maximise.
  package var bound = VariationalAutoencoder.Bound.elbo
  /// K, the number of draws of z per example.
  package var draws = 1
  /// Number of steps over which the weight of the KL rises from 0 to 1; 0 for no warm-up.
  package var klWarmup = 0

  /// Sizes and kind of the hidden layers.
  package var network: Network {
    Network(channels: layers == .mlp ? [] : channels, hidden: hidden, activation: activation)
  }

  /// The latent space and its posteriors.
  package var latent: Latent {
    switch posterior {
    case .gaussian: .gaussian(dimension: dimension)
    case .vmf: .sphere(dimension: dimension, concentration: concentration)
    }
  }

  /// The likelihood p(x|z).
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
    .choice(layers, "Hidden layers: dense only, or convolutions followed by dense ones.")
      .known(as: "arch", "architecture"),
    .ints(
      "channels", \.channels, in: 1...1024, count: 1...8,
      "Numbers of channels of the convolutions, from the data inwards; each halves the image size."
    ).when(layers.is(.convolutional)).known(as: "baseChannels", "modelChannels"),
    .ints(
      "hidden", \.hidden, default: .either([512, 256], layers.is(.mlp), otherwise: [256]),
      in: 1...16_384,
      count: 0...16,
      "Numbers of units of the encoder's dense layers; the decoder's are the same in reverse."
    ).known(
      as: "hiddenDim", "hiddenSize", "hiddenUnits", "hiddenDims", "numLayers", "nLayers", "layers"),
    .word("activation", \.activation, "Activation after each hidden layer."),
    .choice(posterior, "Posteriors: Gaussian, or von Mises-Fisher on a sphere (vmf)."),
    .int(
      "latent", \.dimension, default: .required, in: 1...4096, "Dimension of the latent variables."
    )
    .known(as: "latentDim", "zDim", "nz", "latentSize"),
    .optionalNumber(
      "concentration", \.concentration, in: Latent.concentrations,
      "Concentration of the posteriors, the same for all examples; null to learn it for each."
    ).when(posterior.is(.vmf), elseNullWith: "a gaussian posterior"),
    .choice(
      family,
      "Distribution of the data given the latent variables; bernoulli needs images of zeros and ones."
    ),
    .optionalNumber(
      "deviation", \.deviation, in: 1e-6...1e6,
      "Standard deviation of the data given the latent variables; null to learn it."
    ).when(family.is(.gaussian), elseNullWith: "a bernoulli likelihood"),
    .choice(
      bound, "Bound to maximise: the evidence lower bound, or the importance-weighted bound (iwae)."
    ),
    .int(
      "draws", \.draws, default: .either(1, bound.is(.elbo), otherwise: 5), in: 1...10_000,
      "Number of draws of the latent variables per example."
    ).known(as: "numDraws", "iwaeSamples"),
    .int(
      "klWarmup", \.klWarmup, in: 0...16_000_000,
      "Number of steps over which the weight of the KL divergence rises from 0 to 1."
    ).known(as: "klWarm", "klAnnealing"),
  ])

  package init() {}

  package var root: String { "vae" }
  package var gainsFromBF16: Bool { !network.channels.isEmpty }
  package var hasBound: Bool { true }
  package var warmup: (key: String, steps: Int)? { ("model.klWarmup", klWarmup) }
  package var sizeKeys: String { "model.hidden" }

  package func binarisation(forExamplesOf shape: [Int]?) -> Binarisation {
    likelihood == .bernoulli && shape?.count != 1 ? .dynamic : .none
  }

  /// Scale for a density is continuous, and for a Bernoulli likelihood 0 and 1.
  package var pixels: PixelScale {
    PixelScale(range: 0...1, isDequantised: likelihood != .bernoulli)
  }

  package func failure(forExamplesOf shape: [Int]) -> String? {
    if likelihood == .bernoulli && shape.count == 1 {
      return "a bernoulli likelihood needs images, but the data are points; expected gaussian"
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
