import Distributions
import Likelihood
import Support
import TensorCore
import TestSupport
import Testing
import VAE

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite(.serialized) struct ImportanceTests {
  private func examples(_ count: Int, seed: Int = 5) -> Examples {
    var numbers = SplitMix64(seed: seed)
    return Examples(numbers.normals(2 * count).map { Float($0) }, count: count, seed: 0)
  }

  private func estimates(
    _ draws: Int, _ examples: Examples, batch: Int? = nil
  ) throws -> (elbo: Estimate, iwae: Estimate) {
    let c = LinearGaussianModel()
    let found = try ImportanceSampling(try c.model(), try c.runtime(), draws: draws, batch: batch)
      .estimates(of: examples) { _ in }
    return (found[0], found[1])
  }

  @Test func exactIsTheMarginal() throws {
    let c = LinearGaussianModel()
    let examples = examples(200)
    let exact = try #require(try LinearGaussian(try c.model(), try c.runtime()))
    let found = try exact.estimates(of: examples) { _ in }
    for (row, value) in try #require(found.first).values.enumerated() {
      let x = examples.values[2 * row..<2 * row + 2].map { Double($0) }
      // The weights are rounded to Float.
      #expect(abs(value - c.logDensity(x)) < 1e-5)
    }
  }

  @Test func onlyLinearGaussianModelsHaveAnExactDensity() throws {
    let latent = Latent.gaussian(dimension: 1)
    let models = [
      try VariationalAutoencoder(
        shape: [2], network: Network(hidden: [4]), latent: latent,
        likelihood: .gaussian(standardDeviation: 1), Parameters("vae")),
      try VariationalAutoencoder(
        shape: [2], network: Network(hidden: []), latent: latent, likelihood: .bernoulli,
        Parameters("vae")),
      try VariationalAutoencoder(
        shape: [2], network: Network(hidden: []),
        latent: .sphere(dimension: 1, concentration: nil),
        likelihood: .gaussian(standardDeviation: 1),
        Parameters("vae")),
    ]
    for model in models {
      #expect(try LinearGaussian(model, try Runtime(seed: 0, threads: 1)) == nil)
    }
  }

  /// ELBO <= IWAE-K <= IWAE-K' <= exact for K < K', each within three standard errors of the paired
  /// difference.
  @Test func boundsAreOrdered() throws {
    let c = LinearGaussianModel()
    let examples = examples(4000)
    let exact = try #require(try LinearGaussian(try c.model(), try c.runtime()))
      .estimates(of: examples) { _ in }[0]
    var (below, name) = (try estimates(1, examples).elbo, "ELBO")
    for draws in [1, 2, 5, 50, 51, 500] {
      let (_, iwae) = try estimates(draws, examples)
      let step = Statistic.paired(iwae.values, below.values)
      #expect(step.mean > -3 * step.standardError, "IWAE-\(draws) above \(name): \(step)")
      let gap = Statistic.paired(exact.values, iwae.values)
      #expect(gap.mean > -3 * gap.standardError, "exact above IWAE-\(draws): \(gap)")
      print(
        "linear-Gaussian: IWAE-\(draws) \(iwae.figure.mean) +- \(iwae.figure.standardError), exact",
        "\(exact.figure.mean), exact less IWAE \(gap.mean) +- \(gap.standardError), n 4000, seed 0")
      (below, name) = (iwae, "IWAE-\(draws)")
    }
    let last = Statistic.paired(exact.values, below.values)
    #expect(last.mean < 0.01)
  }

  /// The bound for any K is that of exactly K weights; the first ones are the same for
  /// every K.
  @Test(arguments: [1, 2, 49, 50, 51, 99, 101, 250]) func anyNumberOfDraws(draws: Int) throws {
    let examples = examples(6)
    let (elbo, iwae) = try estimates(draws, examples)
    #expect(elbo.samples == draws && iwae.samples == draws)
    let c = LinearGaussianModel()
    let (batch, block) = (8, 50)
    let x = Tensor.input("x", [batch, 2])
    let keys = Tensor.seeds("keys", batch)
    let weights = try c.model().logWeights(x, draws: block, keys: keys)
    let program = try c.runtime().compile("likelihood", [weights])
    try program.fill(x, with: examples.values + [Float](repeating: 0, count: 2 * (batch - 6)))
    try program.fill(seeds: keys, with: examples.keys)
    var all = [[Double]](repeating: [], count: 6)
    for index in 0..<(draws + block - 1) / block {
      program.run(at: UInt64(index))
      let values = try program.values(weights)
      for row in 0..<6 { all[row] += values[row * block..<(row + 1) * block].map { Double($0) } }
    }
    for row in 0..<6 {
      let used = Array(all[row].prefix(draws))
      #expect(abs(iwae.values[row] - (logSumExp(used) - log(Double(draws)))) < 1e-5)
      let largest = used.max() ?? 0
      let sum = used.reduce(0) { $0 + exp($1 - largest) }
      let squares = used.reduce(0) { $0 + exp(2 * ($1 - largest)) }
      let effective = try #require(iwae.effectiveSamples)
      #expect(abs(effective[row] - sum * sum / squares) < 1e-3 * Double(draws))
    }
  }

  /// Bit for bit independent of the batch and of the other examples.
  @Test(arguments: [7, 120]) func estimatesDependOnlyOnTheirExample(draws: Int) throws {
    let all = examples(37)
    let whole = try estimates(draws, all, batch: 8)
    for (rows, batch) in [([36, 3, 3, 20], 8), ([5], 8), (Array(0..<37), 16), ([30, 2], 64)] {
      let part = try estimates(draws, all[rows], batch: batch)
      #expect(part.iwae.values == rows.map { whole.iwae.values[$0] }, "\(rows), batch \(batch)")
      #expect(part.elbo.values == rows.map { whole.elbo.values[$0] }, "\(rows), batch \(batch)")
    }
  }

  /// Moving averages that equal the weights give identical estimates, bit for bit: points and
  /// their densities are from the same draw.
  @Test(arguments: [
    Latent.gaussian(dimension: 3), .sphere(dimension: 3, concentration: nil),
    .sphere(dimension: 10, concentration: 300),
  ])
  func aCopyOfTheWeightsGivesTheSameEstimates(_ latent: Latent) throws {
    let parameters = Parameters("vae")
    let model = try VariationalAutoencoder(
      shape: [2], network: Network(hidden: [4]), latent: latent,
      likelihood: .gaussian(standardDeviation: 0.2), parameters)
    let runtime = try Runtime(seed: 3, threads: 1)
    let examples = examples(20)
    let found = try [Weights.raw, .averaged].map { weights in
      try ImportanceSampling(
        model, runtime, draws: 60, weights: weights.reading(parameters.variables)
      ).estimates(of: examples) { _ in }.map(\.values)
    }
    #expect(found[0] == found[1])
  }

  @Test func theEvaluationSeedChangesTheDraws() throws {
    let values = examples(50).values
    let first = try estimates(3, Examples(values, count: 50, seed: 0)).iwae.values
    #expect(first == (try estimates(3, Examples(values, count: 50, seed: 0)).iwae.values))
    let other = try estimates(3, Examples(values, count: 50, seed: 1)).iwae.values
    #expect(zip(first, other).allSatisfy { $0 != $1 })
  }

  @Test func lessThanOneDrawIsRefused() throws {
    let c = LinearGaussianModel()
    let (model, runtime) = (try c.model(), try c.runtime())
    #expect(throws: TensorError("K must be at least 1, not 0")) {
      try ImportanceSampling(model, runtime, draws: 0)
    }
  }

  @Test func theRunningMeanDoesNotOverflow() {
    for shift in [-2000.0, 0, 2000] {
      var mean = LogMeanExp()
      let values = [0.5, -3, 7, 7, -.infinity, 2].map { $0 + shift }
      for value in values { mean.add(value) }
      #expect(abs(mean.value - (logSumExp(values) - log(6.0))) < 1e-12 * max(1, abs(shift)))
      #expect((1...6).contains(mean.effectiveCount))
    }
  }

  /// The bound of a network from its weights alone, in Double and with other draws.
  @Test(arguments: [1, 8]) func anIndependentComputationAgrees(draws: Int) throws {
    let (pixels, hidden, latents, count) = (12, 7, 3, 40)
    let parameters = Parameters("vae")
    let model = try VariationalAutoencoder(
      shape: [3, 4, 1], network: Network(hidden: [hidden], activation: .tanh),
      latent: .gaussian(dimension: latents), likelihood: .bernoulli, parameters)
    var numbers = SplitMix64(seed: 3)
    let runtime = try Runtime(seed: 1, threads: 1)
    var weights: [String: [Double]] = [:]
    for variable in parameters.variables {
      let values = numbers.normals(variable.shape.reduce(1, *), deviation: 0.5)
      weights[variable.name] = values
      try runtime.restore(
        variable: variable.name, shape: variable.shape, values.map { Float($0) })
    }
    func dense(_ x: [Double], _ name: String) throws -> [Double] {
      let weight = try #require(weights["vae/\(name)/weight"])
      let bias = try #require(weights["vae/\(name)/bias"])
      return bias.indices.map { j in
        x.indices.reduce(bias[j]) { $0 + x[$1] * weight[$1 * bias.count + j] }
      }
    }
    let data = (0..<count * pixels).map { _ in Double(Int.random(in: 0...1, using: &numbers)) }
    let repeats = 12_000 / draws
    var bounds: [Double] = []
    for row in 0..<count {
      let x = Array(data[row * pixels..<(row + 1) * pixels])
      let h = try dense(x, "encoder/hidden0").map { tanh($0) }
      let (mean, s) = (try dense(h, "posterior/mean"), try dense(h, "posterior/logVariance"))
      var total = 0.0
      for _ in 0..<repeats {
        var logs: [Double] = []
        for _ in 0..<draws {
          let noise = (0..<latents).map { _ in numbers.normal() }
          let z = (0..<latents).map { mean[$0] + exp(s[$0] / 2) * noise[$0] }
          let g = try dense(z, "decoder/hidden0").map { tanh($0) }
          let logits = try dense(g, "decoder/output")
          var logWeight = 0.0
          for i in 0..<pixels { logWeight += x[i] * logits[i] - log1p(exp(logits[i])) }
          for i in 0..<latents {
            logWeight += (noise[i] * noise[i] + s[i] - z[i] * z[i]) / 2
          }
          logs.append(logWeight)
        }
        total += logSumExp(logs) - log(Double(draws))
      }
      bounds.append(total / Double(repeats))
    }
    // Many seeds of the estimator, because a single one has an error of its own.
    var ours = [Double](repeating: 0, count: count)
    let seeds = 1200 / draws
    let sampling = try ImportanceSampling(model, runtime, draws: draws, estimators: [.iwae])
    for seed in 0..<seeds {
      let examples = Examples(data.map { Float($0) }, count: count, seed: UInt64(seed))
      let found = try sampling.estimates(of: examples) { _ in }[0]
      for row in 0..<count { ours[row] += found.values[row] / Double(seeds) }
    }
    let gap = Statistic.paired(ours, bounds)
    print("IWAE-\(draws) less an independent computation: \(gap.mean) +- \(gap.standardError) nats")
    #expect(abs(gap.mean) < 0.05, "\(gap)")
    #expect(abs(gap.mean) < 4 * gap.standardError + 1e-4, "\(gap)")
  }
}
