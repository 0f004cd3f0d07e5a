import TensorCore

/// What is trained, by `model.kind`.
public enum ModelSettings: Equatable, Sendable {
  /// A denoising diffusion model.
  case ddpm(DDPMSettings)
  /// A variational autoencoder.
  case vae(VAESettings)
  /// A generator and its critic.
  case wgan(WGANSettings)
  /// A classifier, by which the samples of others are judged.
  case classifier(ClassifierSettings)

  /// Every kind, the only list of them by word.
  static let kinds: [Schema<Self>.Kind] = [
    .init(
      "ddpm", DDPMSettings(), DDPMSettings.schema, "A denoising diffusion model.",
      whole: { .ddpm($0) }, part: { if case .ddpm(let settings) = $0 { settings } else { nil } }),
    .init(
      "vae", VAESettings(), VAESettings.schema, "A variational autoencoder.",
      whole: { .vae($0) }, part: { if case .vae(let settings) = $0 { settings } else { nil } }),
    .init(
      "wgan", WGANSettings(), WGANSettings.schema, "A generator and its critic.",
      whole: { .wgan($0) }, part: { if case .wgan(let settings) = $0 { settings } else { nil } }),
    .init(
      "classifier", ClassifierSettings(), ClassifierSettings.schema,
      "A classifier of images, by which the samples of others are judged.",
      whole: { .classifier($0) },
      part: { if case .classifier(let settings) = $0 { settings } else { nil } }),
  ]

  static let schema = Schema<Self>(
    choosing: "kind", among: kinds, aliases: ["type"], "Which kind of model.")

  /// The clause that a model is of a kind for which something holds.
  static func clause(_ holds: (Self) -> Bool) -> Clause {
    let words = kinds.filter { holds($0.initial) }.map(\.word)
    return Clause("model.kind", words, said: "models of kind: \(enumerated(words))")
  }

  /// The word of an experiment file.
  public var kind: String {
    switch self {
    case .ddpm: "ddpm"
    case .vae: "vae"
    case .wgan: "wgan"
    case .classifier: "classifier"
    }
  }

  /// What the names of all parameters begin with.
  public var root: String {
    switch self {
    case .ddpm: "denoiser"
    case .vae: "vae"
    case .wgan: "wgan"
    case .classifier: "classifier"
    }
  }

  /// The programs of a training step, and how often each runs in it.
  var programs: [(name: String, runs: Int)] {
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
  public var gainsFromBF16: Bool {
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
  var isForPoints: Bool {
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
  public var drawsSamples: Bool {
    switch self {
    case .ddpm, .vae, .wgan: true
    case .classifier: false
    }
  }

  /// How images are binarised unless an experiment says otherwise.
  func binarisation(forExamplesOf shape: [Int]?) -> Binarisation {
    switch self {
    case .ddpm, .wgan, .classifier: .none
    case .vae(let settings):
      settings.likelihood == .bernoulli && shape?.count != 1 ? .dynamic : .none
    }
  }

  /// Which numbers the model sees for the bytes of images.
  var pixels: PixelScale {
    switch self {
    case .ddpm, .wgan, .classifier: PixelScale(range: -1...1, isDequantised: false)
    case .vae(let settings):
      // A density wants numbers, a probability of pixels wants 0 and 1.
      PixelScale(range: 0...1, isDequantised: settings.likelihood != .bernoulli)
    }
  }

  /// What black and white are in images as the model sees them.
  public var range: ClosedRange<Float> {
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
  func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> Model {
    switch self {
    case .ddpm(let settings): .ddpm(try settings.model(forExamplesOf: shape, parameters))
    case .vae(let settings): .vae(try settings.model(forExamplesOf: shape, parameters), settings)
    case .wgan(let settings): .wgan(try settings.model(forExamplesOf: shape, parameters), settings)
    case .classifier(let settings):
      .classifier(try settings.model(forExamplesOf: shape, parameters))
    }
  }
}
