import Configuration
import TensorCore
import WGAN

/// A generator and its critic, as an experiment file says them.
package struct WGANSettings: Equatable, Sendable {
  /// The layers of both.
  package var networks: Networks
  /// What keeps the critic from growing steep.
  package var constraint: Constraint
  /// What is made of scores.
  package var loss: AdversarialLoss
  /// What keeps scores from jumping between neighbours, or nil.
  package var consistency: Consistency?
  /// Steps of the critic for each of the generator.
  package var criticSteps: Int
  /// The critic's learning rate over the generator's.
  package var criticRate: Double

  init(from reader: inout ConfigurationReader) throws {
    let words = Networks.Family.allCases.map(\.rawValue)
    let family = Networks.Family(
      rawValue: try reader.string("network", default: "mlp", oneOf: words))
    let kind = family ?? .mlp
    let latent = try reader.int("latent", default: kind == .mlp ? 16 : 64, in: 1...4096)
    let range = kind == .mlp ? 1...16_384 : 1...1024
    let generator = try reader.intArray(
      "generator", default: kind == .mlp ? [128, 128, 128] : [128, 64, 32], in: range,
      count: 1...16)
    let critic = try reader.intArray(
      "critic", default: kind == .mlp ? [128, 128, 128] : [32, 64, 128], in: range, count: 1...16)
    networks = Networks(
      kind, latent: latent, classes: try reader.optionalInt("classes", in: 1...256),
      generator: generator, critic: critic,
      generatorNorm: try Self.norm(
        "generatorNorm", default: kind == .mlp ? .none : .group, &reader),
      criticNorm: try Self.norm("criticNorm", default: .none, &reader),
      criticActivation: try Self.activation(&reader))
    constraint = try Self.constraint(&reader)
    let word = try reader.string(
      "loss", default: "hinge", oneOf: AdversarialLoss.allCases.map(\.rawValue))
    loss = AdversarialLoss(rawValue: word) ?? .hinge
    consistency = try reader.optionalNested("consistency") { reader in
      Consistency(
        weight: try reader.double("weight", default: 5, in: 0...1e6),
        deviation: try reader.double("deviation", default: 0.05, in: 1e-6...1e3))
    }
    criticSteps = try reader.int("criticSteps", default: 1, in: 1...1000)
    criticRate = try reader.double("criticRate", default: 1, in: 1e-6...1e6)
  }

  private static func norm(
    _ key: String, default standard: Networks.Norm, _ reader: inout ConfigurationReader
  ) throws -> Networks.Norm {
    let words = Networks.Norm.allCases.map(\.rawValue)
    let reason =
      "statistics of a batch make examples depend on each other, so that the critic's gradient is not "
      + "that of one example and a sample not that of its seed"
    let word = try reader.string(
      key, default: standard.rawValue, oneOf: words, refused: ["batch": reason])
    return Networks.Norm(rawValue: word) ?? standard
  }

  private static func activation(
    _ reader: inout ConfigurationReader
  ) throws -> Networks.Activation {
    switch try reader.string(
      "criticActivation", default: "leaky-relu", oneOf: ["leaky-relu", "silu"])
    {
    case "silu": .silu
    default:
      .leakyReLU(slope: try reader.double("slope", default: 0.2, in: 0...1.0.nextDown))
    }
  }

  private static func constraint(_ reader: inout ConfigurationReader) throws -> Constraint {
    switch try reader.string(
      "constraint", default: "gn", oneOf: ["gn", "gran", "gp", "sn", "clip", "none"])
    {
    case "gran":
      .piecewiseNormalized(
        epsilon: try reader.double("epsilon", default: 0.1, in: 1e-12...1e6))
    case "gp":
      .gradientPenalty(
        weight: try reader.double("penalty", default: 10, in: 0...1e6),
        isOneSided: try reader.bool("oneSided", default: false))
    case "sn": .spectral
    case "clip":
      .clipping(limit: try reader.double("limit", default: 0.01, in: 1e-9...1e6))
    case "none": .none
    default: .gradientNormalized
    }
  }

  var members: [ConfigurationValue.Member] {
    var members: [ConfigurationValue.Member] = [
      .init("kind", .string("wgan")), .init("network", .string(networks.family.rawValue)),
      .init("latent", .integer(networks.latent)), .init("classes", .optional(networks.classes)),
      .init("generator", .list(networks.generator)),
      .init("critic", .list(networks.critic)),
      .init("generatorNorm", .string(networks.generatorNorm.rawValue)),
      .init("criticNorm", .string(networks.criticNorm.rawValue)),
    ]
    switch networks.criticActivation {
    case .leakyReLU(let slope):
      members += [
        .init("criticActivation", .string("leaky-relu")), .init("slope", .number(slope)),
      ]
    case .silu: members.append(.init("criticActivation", .string("silu")))
    }
    switch constraint {
    case .gradientNormalized: members.append(.init("constraint", .string("gn")))
    case .piecewiseNormalized(let epsilon):
      members += [.init("constraint", .string("gran")), .init("epsilon", .number(epsilon))]
    case .gradientPenalty(let weight, let isOneSided):
      members += [
        .init("constraint", .string("gp")), .init("penalty", .number(weight)),
        .init("oneSided", .bool(isOneSided)),
      ]
    case .spectral: members.append(.init("constraint", .string("sn")))
    case .clipping(let limit):
      members += [.init("constraint", .string("clip")), .init("limit", .number(limit))]
    case .none: members.append(.init("constraint", .string("none")))
    }
    if let consistency {
      members.append(
        .init(
          "consistency",
          .mapping([
            .init("weight", .number(consistency.weight)),
            .init("deviation", .number(consistency.deviation)),
          ])))
    }
    return members + [
      .init("loss", .string(loss.rawValue)), .init("criticSteps", .integer(criticSteps)),
      .init("criticRate", .number(criticRate)),
    ]
  }

  /// Why the networks do not fit examples of `shape`, or nil where they do.
  func failure(forExamplesOf shape: [Int]) -> String? { networks.failure(forExamplesOf: shape) }

  /// - Throws: `TensorError` where the networks do not fit the data.
  func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> WGAN {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    return try WGAN(
      shape: shape, networks: networks, constraint: constraint, loss: loss,
      consistency: consistency, parameters)
  }
}
