import Configuration
import DDPM
import TensorCore
import VAE

/// A DDPM and its network, as an experiment file says it.
package struct DDPMSettings: ModelSettings {
  package static let kind = "ddpm"
  package static let help = "A denoising diffusion model."

  /// What estimates the noise.
  package enum Network: String, CaseIterable, Sendable {
    /// For points: hidden layers of `width`, `depth` of them, `timeFeatures` sines and cosines of the time.
    case mlp
    /// For images: see `UNetConfiguration`.
    case unet
  }

  /// The family of noise schedules.
  package var schedule = NoiseSchedule.Kind.linear
  /// T, the number of times of the schedule.
  package var times = 1000
  /// How many classes the network is told, or nil where it learns without.
  package var classes: Int?
  /// The network.
  package var network = Network.mlp
  /// Sizes of the MLP.
  package var width = 128, depth = 3, timeFeatures = 64
  /// Sizes of the U-Net.
  package var base = 32, multipliers = [1, 2, 4], blocks = 1
  /// Whether the U-Net attends to itself, where images are smallest.
  package var attention = true

  private static let network = Schema<Self>.Choice("network", \.network)

  package static let schema = Schema<Self>([
    .word(
      "schedule", \.schedule,
      "How noise grows: linear in the variance from 0.0001 to 0.02, or from 0 (su), or along a cosine."
    ).known(as: "betaSchedule", "noiseSchedule"),
    .int("times", \.times, in: 10...100_000, "T, the number of steps from data to noise.")
      .known(
        as: "timesteps", "numTimesteps", "nTimesteps", "diffTimesteps", "diffusionSteps",
        "numTrainTimesteps", "t"),
    .optionalInt(
      "classes", \.classes, in: 1...256,
      "How many classes of the data the network is told; null to learn without."
    ).known(as: "numClasses", "nClasses", "classCond"),
    .choice(
      network, default: .required, "What estimates the noise: mlp is for points, unet for images."
    )
    .known(as: "arch", "architecture"),
    .int("width", \.width, in: 1...8192, "Units of each hidden layer.")
      .when(network.is(.mlp)).known(as: "hiddenDim", "hiddenSize", "hiddenUnits", "hiddenDims"),
    .int("depth", \.depth, in: 1...64, "Hidden layers.")
      .when(network.is(.mlp)).known(as: "numLayers", "nLayers", "layers"),
    .int(
      "timeFeatures", \.timeFeatures, in: 2...4096, multipleOf: 2,
      "Sines and cosines by which the network is told the time."
    ).when(network.is(.mlp)),
    .int(
      "base", \.base, in: 2...1024,
      "Channels at the full size of the images: even, and divisible by the norms' 8 groups."
    ).when(network.is(.unet)).known(as: "baseChannels", "modelChannels"),
    .ints(
      "multipliers", \.multipliers, in: 1...64, count: 1...8,
      "Channels at each size, as multiples of base; the images halve from one to the next."
    ).when(network.is(.unet)).known(as: "dimMults", "channelMult", "chMult"),
    .int("blocks", \.blocks, in: 1...16, "Residual blocks at each size.")
      .when(network.is(.unet)).known(as: "numResBlocks"),
    .bool(
      "attention", \.attention, "Whether pixels attend to each other where images are smallest."
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
      shape.count == 1 ? nil : "mlp is for points, and the data are images; expected unet"
    case .unet:
      shape.count == 3
        ? unetConfiguration(forExamplesOf: shape)?.failure
        : "unet is for images, and the data are points; expected mlp"
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
