import Configuration
import DDPM
import TensorCore
import VAE

/// Settings of a DDPM and its network, as in an experiment file.
package struct DDPMSettings: ModelSettings {
  package static let kind = "ddpm"
  package static let help = "A denoising diffusion model."

  /// Networks that estimate the noise.
  package enum Network: String, CaseIterable, Sendable {
    /// Network for points: `depth` hidden layers of `width` units, `timeFeatures` sines and cosines of the
    /// time.
    case mlp
    /// Network for images: see `UNetConfiguration`.
    case unet
  }

  /// Family of the noise schedule.
  package var schedule = NoiseSchedule.Kind.linear
  /// T, the number of times of the schedule.
  package var times = 1000
  /// Number of classes the network is conditioned on, or nil.
  package var classes: Int?
  /// The network.
  package var network = Network.mlp
  /// Sizes of the MLP.
  package var width = 128, depth = 3, timeFeatures = 64
  /// Sizes of the U-Net.
  package var base = 32, multipliers = [1, 2, 4], blocks = 1
  /// True if the U-Net has self-attention at the smallest image size.
  package var attention = true

  private static let network = Schema<Self>.Choice("network", \.network)

  package static let schema = Schema<Self>([
    .word(
      "schedule", \.schedule,
      "Noise schedule: variance linear from 0.0001 to 0.02, or from 0 (su), or along a cosine."
    ).known(as: "betaSchedule", "noiseSchedule"),
    .int("times", \.times, in: 10...100_000, "T, the number of steps from data to noise.")
      .known(
        as: "timesteps", "numTimesteps", "nTimesteps", "diffTimesteps", "diffusionSteps",
        "numTrainTimesteps", "t"),
    .optionalInt(
      "classes", \.classes, in: 1...256,
      "Number of classes the network is conditioned on; null for an unconditional model."
    ).known(as: "numClasses", "nClasses", "classCond"),
    .choice(
      network, default: .required,
      "Network that estimates the noise: mlp for points, unet for images."
    )
    .known(as: "arch", "architecture"),
    .int("width", \.width, in: 1...8192, "Number of units of each hidden layer.")
      .when(network.is(.mlp)).known(as: "hiddenDim", "hiddenSize", "hiddenUnits", "hiddenDims"),
    .int("depth", \.depth, in: 1...64, "Number of hidden layers.")
      .when(network.is(.mlp)).known(as: "numLayers", "nLayers", "layers"),
    .int(
      "timeFeatures", \.timeFeatures, in: 2...4096, multipleOf: 2,
      "Number of sines and cosines that encode the time."
    ).when(network.is(.mlp)),
    .int(
      "base", \.base, in: 2...1024,
      "Number of channels at full image size: even, and divisible by the norms' 8 groups."
    ).when(network.is(.unet)).known(as: "baseChannels", "modelChannels"),
    .ints(
      "multipliers", \.multipliers, in: 1...64, count: 1...8,
      "Numbers of channels at each size, as multiples of base; the size halves from one to the next."
    ).when(network.is(.unet)).known(as: "dimMults", "channelMult", "chMult"),
    .int("blocks", \.blocks, in: 1...16, "Number of residual blocks at each size.")
      .when(network.is(.unet)).known(as: "numResBlocks"),
    .bool(
      "attention", \.attention, "Self-attention at the smallest image size."
    )
    .when(network.is(.unet)),
  ])

  package init() {}

  package var root: String { "denoiser" }
  package var scheduleTimes: Int? { times }
  package var gainsFromBF16: Bool { !isForPoints }
  package var classCount: Int? { classes }
  package var isForPoints: Bool { network == .mlp }
  package var sizeKeys: String { isForPoints ? "model.width" : "model.base" }

  package func failure(forExamplesOf shape: [Int]) -> String? {
    switch network {
    case .mlp:
      shape.count == 1 ? nil : "mlp needs points, and the data are images; expected unet"
    case .unet:
      shape.count == 3
        ? unetConfiguration(forExamplesOf: shape)?.failure
        : "unet needs images, but the data are points; expected mlp"
    }
  }

  private func unetConfiguration(forExamplesOf shape: [Int]) -> UNetConfiguration? {
    guard network == .unet, shape.count == 3 else { return nil }
    var sizes = UNetConfiguration(
      height: shape[0], width: shape[1], channels: shape[2], base: base, multipliers: multipliers,
      blocks: blocks)
    sizes.attention = attention
    sizes.classes = classes
    return sizes
  }

  package func model(
    forExamplesOf shape: [Int], _ parameters: Parameters
  ) throws -> any Model {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    let denoiser: Denoiser
    if let sizes = unetConfiguration(forExamplesOf: shape) {
      denoiser = unetDenoiser(sizes, times: times, parameters)
    } else {
      denoiser = mlpDenoiser(
        dimensions: shape[0], width: width, depth: depth, timeFeatures: timeFeatures,
        times: times, classes: classes, parameters)
    }
    return DiffusionModel(
      ddpm: GaussianDiffusion(
        schedule: try NoiseSchedule(schedule, times: times), denoiser: denoiser))
  }
}
