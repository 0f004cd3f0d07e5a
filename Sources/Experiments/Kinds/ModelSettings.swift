import Configuration
import Domains
import TensorCore

/// What is trained, by `model.kind`.
package enum ModelSettings: Equatable, Sendable {
  /// A denoising diffusion model.
  case ddpm(DDPMSettings)
  /// A variational autoencoder.
  case vae(VAESettings)
  /// A generator and its critic.
  case wgan(WGANSettings)
  /// A classifier, by which the samples of others are judged.
  case classifier(ClassifierSettings)

  init(from reader: inout ConfigurationReader) throws {
    switch try reader.string("kind", oneOf: ["ddpm", "vae", "wgan", "classifier"]) {
    case "ddpm": self = .ddpm(try DDPMSettings(from: &reader))
    case "wgan": self = .wgan(try WGANSettings(from: &reader))
    case "classifier": self = .classifier(try ClassifierSettings(from: &reader))
    default: self = .vae(try VAESettings(from: &reader))
    }
  }

  var members: [ConfigurationValue.Member] {
    switch self {
    case .ddpm(let settings): settings.members
    case .vae(let settings): settings.members
    case .wgan(let settings): settings.members
    case .classifier(let settings): settings.members
    }
  }

  /// The word of an experiment file.
  package var kind: String {
    switch self {
    case .ddpm: "ddpm"
    case .vae: "vae"
    case .wgan: "wgan"
    case .classifier: "classifier"
    }
  }

  /// What the names of all parameters begin with.
  package var root: String {
    switch self {
    case .ddpm: "denoiser"
    case .vae: "vae"
    case .wgan: "wgan"
    case .classifier: "classifier"
    }
  }

  /// The programs of a training step, and how often each runs in it.
  package var programs: [(name: String, runs: Int)] {
    switch self {
    case .ddpm, .vae, .classifier: [("train", 1)]
    case .wgan(let settings): [("critic", settings.criticSteps), ("train", 1)]
    }
  }

  /// T, for models with a schedule of noise.
  package var times: Int? {
    switch self {
    case .ddpm(let settings): settings.times
    case .vae, .wgan, .classifier: nil
    }
  }

  /// Whether training in bf16 is the choice where the processor has it and nothing is asked.
  ///
  /// Convolutions gain most. Dense networks are quick in fp32, too, and what is read off them are
  /// likelihoods and exact fields.
  package var gainsFromBF16: Bool {
    switch self {
    case .ddpm(let settings): !settings.isForPoints
    case .vae(let settings): !settings.network.channels.isEmpty
    case .wgan(let settings): settings.networks.family != .mlp
    case .classifier: true
    }
  }

  /// How many classes the model is told, or nil where it learns without.
  package var classes: Int? {
    switch self {
    case .ddpm(let settings): settings.classes
    case .classifier(let settings): settings.classes
    case .wgan(let settings): settings.networks.classes
    case .vae: nil
    }
  }

  /// Whether the network is for points, where the data do not say it.
  package var isForPoints: Bool {
    switch self {
    case .ddpm(let settings): settings.isForPoints
    case .vae, .classifier: false
    case .wgan(let settings): settings.networks.family == .mlp
    }
  }

  /// Whether there is a figure to watch on validation data: a bound of log p(x), or log p(class | x).
  var hasBound: Bool {
    switch self {
    case .ddpm, .wgan: false
    case .vae, .classifier: true
    }
  }

  /// Whether the model draws examples.
  package var drawsSamples: Bool {
    switch self {
    case .ddpm, .vae, .wgan: true
    case .classifier: false
    }
  }

  /// The name of the picture that shows what a finished run came to.
  package var resultPicture: String { drawsSamples ? Drawing.finalSample : Drawing.confusion }

  /// Whether two networks are trained against each other.
  package var isAdversarial: Bool { programs.count > 1 }

  /// How images are binarised unless an experiment says otherwise.
  func binarisation(forExamplesOf shape: [Int]?) -> Binarisation {
    switch self {
    case .ddpm, .wgan, .classifier: .none
    case .vae(let settings):
      settings.likelihood == .bernoulli && shape?.count != 1 ? .dynamic : .none
    }
  }

  /// Which numbers the model sees for the bytes of images.
  package var pixels: PixelScale {
    switch self {
    case .ddpm, .wgan, .classifier: PixelScale(range: -1...1, isDequantised: false)
    case .vae(let settings):
      // A density wants numbers, a probability of pixels wants 0 and 1.
      PixelScale(range: 0...1, isDequantised: settings.likelihood != .bernoulli)
    }
  }

  /// What black and white are in images as the model sees them.
  package var range: ClosedRange<Float> {
    Float(pixels.range.lowerBound)...Float(pixels.range.upperBound)
  }

  /// Why the network does not fit examples of `shape`, or nil where it does.
  func failure(forExamplesOf shape: [Int]) -> String? {
    switch self {
    case .ddpm(let settings): settings.failure(forExamplesOf: shape)
    case .vae(let settings): settings.failure(forExamplesOf: shape)
    case .wgan(let settings): settings.failure(forExamplesOf: shape)
    case .classifier(let settings): settings.failure(forExamplesOf: shape)
    }
  }

  /// The model for examples of `shape`; its parameters join `parameters`.
  ///
  /// - Throws: `TensorError` where the network does not fit the data.
  package func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> any Model {
    switch self {
    case .ddpm(let settings):
      DiffusionModel(ddpm: try settings.model(forExamplesOf: shape, parameters))
    case .vae(let settings):
      AutoencoderModel(
        vae: try settings.model(forExamplesOf: shape, parameters), settings: settings)
    case .wgan(let settings):
      AdversarialModel(
        wgan: try settings.model(forExamplesOf: shape, parameters), settings: settings)
    case .classifier(let settings):
      ClassifierModel(classifier: try settings.model(forExamplesOf: shape, parameters))
    }
  }
}
