import DDPM
import TensorCore

/// A DDPM and its network, as an experiment file says it.
public struct DDPMSettings: Equatable, Sendable {
  /// What estimates the noise.
  public enum Network: String, CaseIterable, Sendable {
    /// For points: hidden layers of `width`, `depth` of them, `timeFeatures` sines and cosines of the time.
    case mlp
    /// For images: see `UNetConfiguration`.
    case unet
  }

  /// The family of noise schedules.
  public var schedule = NoiseSchedule.Kind.linear
  /// T, the number of times of the schedule.
  public var times = 1000
  /// How many classes the network is told, or nil where it learns without.
  public var classes: Int?
  /// The network.
  public var network = Network.mlp
  /// Sizes of the MLP.
  public var width = 128, depth = 3, timeFeatures = 64
  /// Sizes of the U-Net.
  public var base = 32, multipliers = [1, 2, 4], blocks = 1
  /// Whether the U-Net attends to itself, where images are smallest.
  public var attention = true

  private static let network = Schema<Self>.Choice("network", \.network)

  static let schema = Schema<Self>([
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

  /// Whether the network is for points rather than images.
  var isForPoints: Bool { network == .mlp }

  /// Why the network does not fit examples of `shape`, or nil where it does.
  func failure(forExamplesOf shape: [Int]) -> String? {
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

  /// The model for examples of `shape`; its parameters join `parameters`.
  ///
  /// - Throws: `TensorError` where the network does not fit the data.
  func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> DDPM {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    let denoiser: Denoiser
    if let sizes = unetConfiguration(forExamplesOf: shape) {
      denoiser = unetDenoiser(sizes, times: times, parameters)
    } else {
      denoiser = mlpDenoiser(
        dimensions: shape[0], width: width, depth: depth, timeFeatures: timeFeatures,
        times: times, classes: classes, parameters)
    }
    return DDPM(schedule: try NoiseSchedule(schedule, times: times), denoiser: denoiser)
  }
}
