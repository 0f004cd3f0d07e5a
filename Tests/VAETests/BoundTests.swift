import TensorCore
import TestSupport
import Testing
import VAE

/// A model, its parameters and its training loss.
struct Case: Sendable, CustomTestStringConvertible {
  let shape: [Int]
  let network: Network
  var latent = Latent.gaussian(dimension: 3)
  var likelihood = ObservationModel.bernoulli
  var bound = VariationalAutoencoder.Bound.elbo
  var draws = 1
  var batch = 6

  var testDescription: String {
    "\(shape) \(network) \(latent) \(likelihood) \(bound) K = \(draws)"
  }

  static let all = [
    Case(shape: [4, 4, 1], network: Network(hidden: [8, 5])),
    Case(shape: [28, 28, 1], network: Network(hidden: [512, 256]), batch: 16),
    Case(shape: [4, 4, 1], network: Network(hidden: [])),
    Case(shape: [8, 4, 1], network: Network(channels: [3, 4], hidden: [7])),
    Case(
      shape: [4, 4, 1], network: Network(hidden: [8], activation: .tanh), bound: .iwae, draws: 5),
    Case(shape: [2], network: Network(hidden: [8]), likelihood: .gaussian(standardDeviation: nil)),
    Case(
      shape: [2], network: Network(hidden: [8], activation: .silu),
      likelihood: .gaussian(standardDeviation: 0.3), bound: .iwae, draws: 4),
    Case(
      shape: [2], network: Network(hidden: [4]), likelihood: .gaussian(standardDeviation: 2),
      draws: 3),
    Case(
      shape: [4, 4, 1], network: Network(hidden: [8]),
      latent: .sphere(dimension: 2, concentration: nil)),
    Case(
      shape: [4, 4, 1], network: Network(hidden: [8]),
      latent: .sphere(dimension: 1, concentration: nil), bound: .iwae, draws: 3),
    Case(
      shape: [4, 4, 1], network: Network(hidden: [8]),
      latent: .sphere(dimension: 10, concentration: nil), draws: 2),
    Case(
      shape: [2], network: Network(hidden: [8]), latent: .sphere(dimension: 5, concentration: 7),
      likelihood: .gaussian(standardDeviation: nil), bound: .iwae, draws: 4),
  ]
}

@Suite(.serialized) struct BoundTests {
  /// The loss and every gradient of the compiled program agree with the reference in Double.
  @Test(arguments: Case.all) func compiledProgramsAgreeWithTheReference(_ c: Case) throws {
    let parameters = Parameters("vae")
    let model = try VariationalAutoencoder(
      shape: c.shape, network: c.network, latent: c.latent, likelihood: c.likelihood, parameters)
    let x = Tensor.input("x", [c.batch] + c.shape)
    let weight = Tensor.input("weight", [])
    let loss = model.loss(x, c.bound, draws: c.draws, weight: weight)
    let outputs = [loss] + gradients(of: loss, withRespectTo: parameters.tensors)
    let runtime = try Runtime(seed: 3, threads: 2)
    let program = try runtime.compile("test", outputs)
    var numbers = SplitMix64(seed: 1)
    let data = numbers.values(x.count, in: 0...1).map {
      c.likelihood == .bernoulli ? $0.rounded() : $0
    }
    try program.fill(x, with: data.map { Float($0) })
    try program.fill(weight, with: [0.7])
    program.run()
    var reference = Reference(seed: 3)
    for variable in parameters.variables {
      reference.variables[variable.name] = try runtime.values(of: variable).map { Double($0) }
    }
    let expected = try reference.evaluate(
      outputs, ["x": data, "weight": [Double(Float(0.7))]], as: "test")
    for (i, (output, value)) in zip(outputs, expected).enumerated() {
      let got = try program.values(output).map { Double($0) }
      // Float rounding over a few layers.
      #expect(
        relativeError(got, value) < 2e-3, "\(i == 0 ? "loss" : parameters.variables[i - 1].name)")
    }
  }
}
