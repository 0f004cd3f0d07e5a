import Configuration
import Support
import TensorCore
import VAE

/// A variational autoencoder, as an experiment file says it.
package struct VAESettings: Equatable, Sendable {
  /// The hidden layers.
  package var network: Network
  /// The space of the latent variables.
  package var latent: Latent
  /// p(x|z).
  package var likelihood: Likelihood
  /// What is maximised.
  package var bound: VAE.Bound
  /// K, the draws of z an example.
  package var draws: Int
  /// Steps over which the weight of the KL rises from 0 to 1; none for 0.
  package var klWarmup: Int

  init(from reader: inout ConfigurationReader) throws {
    let kind = try reader.string("network", default: "mlp", oneOf: ["mlp", "convolutional"])
    let channels =
      kind == "mlp"
      ? [] : try reader.intArray("channels", default: [32, 64], in: 1...1024, count: 1...8)
    let hidden = try reader.intArray(
      "hidden", default: kind == "mlp" ? [512, 256] : [256], in: 1...16_384, count: 0...16)
    let activation = try reader.string(
      "activation", default: "relu", oneOf: Network.Activation.allCases.map(\.rawValue))
    network = Network(
      channels: channels, hidden: hidden,
      activation: Network.Activation(rawValue: activation) ?? .relu)
    let posterior = try reader.string("posterior", default: "gaussian", oneOf: ["gaussian", "vmf"])
    let dimension = try reader.int("latent", in: 1...4096)
    // Read in any case, so that an override of the other key leaves a file's null alone.
    let concentration = try reader.optionalDouble("concentration", in: Latent.concentrations)
    latent =
      posterior == "gaussian"
      ? .gaussian(dimension: dimension)
      : .sphere(dimension: dimension, concentration: concentration)
    if posterior == "gaussian", let concentration {
      throw reader.error(
        "concentration", "expected null with a gaussian posterior, found \(decimal(concentration))")
    }
    let family = try reader.string(
      "likelihood", default: "bernoulli", oneOf: ["bernoulli", "gaussian"])
    let deviation = try reader.optionalDouble("deviation", in: 1e-6...1e6)
    likelihood = family == "bernoulli" ? .bernoulli : .gaussian(deviation: deviation)
    if likelihood == .bernoulli, let deviation {
      throw reader.error(
        "deviation", "expected null with a bernoulli likelihood, found \(decimal(deviation))")
    }
    let word = try reader.string(
      "bound", default: "elbo", oneOf: VAE.Bound.allCases.map(\.rawValue))
    bound = VAE.Bound(rawValue: word) ?? .elbo
    draws = try reader.int("draws", default: bound == .elbo ? 1 : 5, in: 1...10_000)
    klWarmup = try reader.int("klWarmup", default: 0, in: 0...16_000_000)
  }

  var members: [ConfigurationValue.Member] {
    var members: [ConfigurationValue.Member] = [
      .init("kind", .string("vae")),
      .init("network", .string(network.channels.isEmpty ? "mlp" : "convolutional")),
    ]
    if !network.channels.isEmpty { members.append(.init("channels", .list(network.channels))) }
    members += [
      .init("hidden", .list(network.hidden)),
      .init("activation", .string(network.activation.rawValue)),
    ]
    switch latent {
    case .gaussian(let dimension):
      members += [.init("posterior", .string("gaussian")), .init("latent", .integer(dimension))]
    case .sphere(let dimension, let concentration):
      members += [
        .init("posterior", .string("vmf")), .init("latent", .integer(dimension)),
        .init("concentration", .optional(concentration)),
      ]
    }
    switch likelihood {
    case .bernoulli: members.append(.init("likelihood", .string("bernoulli")))
    case .gaussian(let deviation):
      members += [
        .init("likelihood", .string("gaussian")), .init("deviation", .optional(deviation)),
      ]
    }
    return members + [
      .init("bound", .string(bound.rawValue)), .init("draws", .integer(draws)),
      .init("klWarmup", .integer(klWarmup)),
    ]
  }

  /// Why the model does not fit examples of `shape`, or nil where it does.
  func failure(forExamplesOf shape: [Int]) -> String? {
    if likelihood == .bernoulli && shape.count == 1 {
      return "a bernoulli likelihood is for images, and the data are points; expected gaussian"
    }
    return network.failure(forExamplesOf: shape)
  }

  /// - Throws: `TensorError` where the network does not fit the data.
  func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> VAE {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    return try VAE(
      shape: shape, network: network, latent: latent, likelihood: likelihood, parameters)
  }
}
