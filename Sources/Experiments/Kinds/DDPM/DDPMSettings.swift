import Configuration
import DDPM
import TensorCore
import VAE

/// A DDPM and its network, as an experiment file says it.
package struct DDPMSettings: Equatable, Sendable {
  /// What estimates the noise.
  package enum Network: Equatable, Sendable {
    /// For points: hidden layers of `width`, `depth` of them, `timeFeatures` sines and cosines of the time.
    case mlp(width: Int, depth: Int, timeFeatures: Int)
    /// For images: see `UNetConfiguration`.
    case unet(base: Int, multipliers: [Int], blocks: Int, attention: Bool)
  }

  /// The family of noise schedules.
  package var schedule: NoiseSchedule.Kind
  /// T, the number of times of the schedule.
  package var times: Int
  /// The network.
  package var network: Network
  /// How many classes the network is told, or nil where it learns without.
  package var classes: Int?

  init(from reader: inout ConfigurationReader) throws {
    let kinds = NoiseSchedule.Kind.allCases.map(\.rawValue)
    let name = try reader.string("schedule", default: "linear", oneOf: kinds)
    schedule = NoiseSchedule.Kind(rawValue: name) ?? .linear
    times = try reader.int("times", default: 1000, in: 10...100_000)
    classes = try reader.optionalInt("classes", in: 1...256)
    switch try reader.string("network", oneOf: ["mlp", "unet"]) {
    case "mlp":
      network = .mlp(
        width: try reader.int("width", default: 128, in: 1...8192),
        depth: try reader.int("depth", default: 3, in: 1...64),
        timeFeatures: try reader.int("timeFeatures", default: 64, in: 2...4096))
      if case .mlp(_, _, let timeFeatures) = network, timeFeatures % 2 != 0 {
        throw reader.error("timeFeatures", "expected an even number, found \(timeFeatures)")
      }
    default:
      network = .unet(
        base: try reader.int("base", default: 32, in: 2...1024),
        multipliers: try reader.intArray(
          "multipliers", default: [1, 2, 4], in: 1...64, count: 1...8),
        blocks: try reader.int("blocks", default: 1, in: 1...16),
        attention: try reader.bool("attention", default: true))
    }
  }

  var members: [ConfigurationValue.Member] {
    let general: [ConfigurationValue.Member] = [
      .init("kind", .string("ddpm")), .init("schedule", .string(schedule.rawValue)),
      .init("times", .integer(times)), .init("classes", .optional(classes)),
    ]
    switch network {
    case .mlp(let width, let depth, let timeFeatures):
      return general + [
        .init("network", .string("mlp")), .init("width", .integer(width)),
        .init("depth", .integer(depth)), .init("timeFeatures", .integer(timeFeatures)),
      ]
    case .unet(let base, let multipliers, let blocks, let attention):
      return general + [
        .init("network", .string("unet")), .init("base", .integer(base)),
        .init("multipliers", .list(multipliers)), .init("blocks", .integer(blocks)),
        .init("attention", .bool(attention)),
      ]
    }
  }

  /// Whether the network is for points rather than images.
  var isForPoints: Bool { if case .mlp = network { true } else { false } }

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
    guard case .unet(let base, let multipliers, let blocks, let attention) = network,
      shape.count == 3
    else { return nil }
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
    } else if case .mlp(let width, let depth, let timeFeatures) = network {
      denoiser = mlpDenoiser(
        dimensions: shape[0], width: width, depth: depth, timeFeatures: timeFeatures,
        times: times, classes: classes, parameters)
    } else {
      throw TensorError("model: no network for examples of \(shape)")
    }
    return DDPM(schedule: try NoiseSchedule(schedule, times: times), denoiser: denoiser)
  }
}
