import TensorCore
import TestSupport
import Testing
import WGAN

/// Gradients of both networks against central differences, and losses by hand.
@Suite struct GradientTests {
  static let constraints: [Constraint] = [
    .gradientNormalized, .piecewiseNormalized(epsilon: 0.1),
    .gradientPenalty(weight: 10, isOneSided: false), .gradientPenalty(weight: 3, isOneSided: true),
    .clipping(limit: 1),
  ]

  /// The score is discontinuous where a unit changes sign, so only points where differences of two sizes agree count.
  private func check(_ loss: Tensor, _ small: SmallWGAN, _ part: String, seed: Int) throws {
    let parameters = small.parameters[part].part
    let inputs = ["x": small.examples(6, seed: seed)]
    var reference = Reference(seed: UInt64(seed))
    // With zero biases, units whose inputs are all zero would be at a kink.
    var numbers = SplitMix64(seed: seed + 7)
    for variable in small.parameters.variables {
      reference.variables[variable.name] = numbers.values(variable.shape.reduce(1, *))
    }
    let exact = try reference.evaluate(
      gradients(of: loss, withRespectTo: parameters.tensors), inputs)
    let largest = exact.flatMap { $0 }.reduce(0) { max($0, abs($1)) }
    #expect(largest > 0)
    var (checked, skipped) = (0, 0)
    for (variable, gradient) in zip(parameters.variables, exact) {
      let start = try #require(reference.variables[variable.name])
      for i in Set([start.count / 3, start.count - 1]) {
        func difference(_ h: Double) throws -> Double {
          var sides: [Double] = []
          for sign in [1.0, -1] {
            var other = reference
            other.variables[variable.name]?[i] += sign * h
            sides.append(try other.value(loss, inputs)[0])
          }
          return (sides[0] - sides[1]) / (2 * h)
        }
        let (wide, narrow) = (try difference(2e-5), try difference(1e-5))
        let scale = max(abs(gradient[i]), 1e-3 * largest)
        guard abs(wide - narrow) < 1e-6 * scale else {
          skipped += 1
          continue
        }
        checked += 1
        #expect(
          abs(narrow - gradient[i]) <= 1e-6 * scale, "\(variable.name)[\(i)], seed \(seed)")
      }
    }
    #expect(checked > 2 * skipped, "\(checked) checked, \(skipped) near kinks")
  }

  @Test(arguments: ScoreTests.networks.indices, constraints)
  func criticsLearnFromTheirGradient(_ index: Int, _ constraint: Constraint) throws {
    for (seed, loss) in AdversarialLoss.allCases.enumerated() {
      let small = try SmallWGAN(ScoreTests.networks[index], constraint, loss)
      let x = Tensor.input("x", [6] + small.shape)
      try check(small.model.criticObjective(x).loss, small, "critic", seed: seed)
    }
  }

  @Test(arguments: ScoreTests.networks.indices, constraints)
  func generatorsLearnFromTheirGradient(_ index: Int, _ constraint: Constraint) throws {
    for (seed, loss) in AdversarialLoss.allCases.enumerated() {
      let small = try SmallWGAN(ScoreTests.networks[index], constraint, loss)
      try check(small.model.generatorLoss(count: 6), small, "generator", seed: seed)
    }
  }

  /// Smooth critics, too, and the penalty between neighbours.
  @Test(arguments: ScoreTests.networks.indices)
  func smoothAndConsistentCriticsLearnFromTheirGradient(_ index: Int) throws {
    var networks = ScoreTests.networks[index]
    networks.criticActivation = .silu
    let small = try SmallWGAN(networks, consistency: Consistency(weight: 5, standardDeviation: 0.3))
    let x = Tensor.input("x", [6] + small.shape)
    try check(small.model.criticObjective(x).loss, small, "critic", seed: 4)
    try check(small.model.generatorLoss(count: 6), small, "generator", seed: 4)
  }

  /// Both networks are class-conditional: score and sample depend on the class, and so do the
  /// gradients.
  @Test(arguments: ScoreTests.networks.indices)
  func networksAreClassConditional(_ index: Int) throws {
    var networks = ScoreTests.networks[index]
    networks.classes = 3
    let small = try SmallWGAN(networks)
    let x = Tensor.input("x", [6] + small.shape)
    let labels = (0..<6).map { Tensor.literal([Double($0 % 3), 1, 2, 0, 1, 2], [6]) }
    try check(small.model.criticObjective(x, label: labels[0]).loss, small, "critic", seed: 8)
    try check(small.model.generatorLoss(count: 6, label: labels[0]), small, "generator", seed: 8)
    var reference = Reference(seed: 8)
    let inputs = ["x": small.examples(6)]
    func rows(_ y: Tensor) throws -> [[Double]] {
      let values = try reference.value(y, inputs)
      let width = values.count / 6
      return (0..<6).map { Array(values[$0 * width..<($0 + 1) * width]) }
    }
    let noise = Tensor.literal((0..<18).map { Double($0 % 7) / 5 - 0.5 }, [6, 3])
    for body: (Tensor) -> Tensor in [
      { small.model.score(x, label: $0).value }, { small.model.generate(noise, label: $0) },
    ] {
      let (a, b) = (try rows(body(labels[0])), try rows(body(labels[1])))
      #expect(a[0] != b[0])
      #expect(a.dropFirst() == b.dropFirst())
    }
    #expect(
      small.model.score(x).value.failure?.contains("a WGAN of 3 classes given none") == true)
  }

  /// A critic that is linear everywhere has scores f / (n + |f|) at neighbours that differ by w times the noise.
  @Test func inconsistencyMatchesItsClosedForm() throws {
    let small = try SmallWGAN(
      AdversarialNetworks(.mlp, latent: 3, generator: [4], critic: []), .none, .wasserstein,
      consistency: Consistency(weight: 2, standardDeviation: 0.5))
    let x = Tensor.input("x", [400, 2])
    let objective = small.model.criticObjective(x)
    let part = try #require(objective.parts.first { $0.name == "inconsistency" })
    var reference = Reference(seed: 5)
    let weight = small.parameters["critic"].part.variables[0]
    let w = [0.6, -0.8]
    reference.variables[weight.name] = w
    let value = try reference.value(part.value, ["x": small.examples(400)])[0]
    // 2 E (w·0.5 ε)² = 2 · 0.25 |w|², of 800 squares of normal numbers.
    let expected = 0.5
    #expect(abs(value - expected) < 4 * expected * (2.0 / 800).squareRoot(), "\(value)")
  }

  @Test func lossesByHand() throws {
    let (r, s) = (Tensor.literal([2, -1], [2]), Tensor.literal([0.5, -3], [2]))
    func log1pExp(_ x: Double) -> Double { (1 + x.exponential).logarithm }
    let expected: [(AdversarialLoss, Double, Double)] = [
      (.wasserstein, -1.25 - 0.5, 1.25), (.hinge, 1 + 0.75, 1.25),
      (
        .logistic, (log1pExp(-2) + log1pExp(1)) / 2 + (log1pExp(0.5) + log1pExp(-3)) / 2,
        (log1pExp(-0.5) + log1pExp(3)) / 2
      ),
    ]
    var reference = Reference(seed: 0)
    for (loss, critic, generator) in expected {
      #expect(
        abs(try reference.value(loss.critic(data: r, samples: s))[0] - critic) < 1e-12)
      #expect(abs(try reference.value(loss.generator(samples: s))[0] - generator) < 1e-12)
    }
  }

  /// The reported loss of the generator is computed from the scores of generated examples.
  @Test func theGeneratorsLossIsOfScores() throws {
    let small = try SmallWGAN(SmallWGAN.points, .gradientNormalized, .logistic)
    let x = small.model.generate(small.model.noise(7))
    var reference = Reference(seed: 3)
    let examples = try reference.value(x)
    let input = Tensor.input("x", [7, 2])
    let scores = try reference.value(small.model.score(input).value, ["x": examples])
    let expected = scores.reduce(0) { $0 + (1 + (-$1).exponential).logarithm } / 7
    #expect(abs(try reference.value(small.model.generatorLoss(count: 7))[0] - expected) < 1e-9)
  }

  /// Weights are divided by their largest singular value, which power iteration finds after enough steps.
  @Test func spectralWeightsHaveUnitNorm() throws {
    for networks in ScoreTests.networks {
      let small = try SmallWGAN(networks, .spectral)
      let x = Tensor.input("x", [4] + small.shape)
      let objective = small.model.criticObjective(x)
      let inputs = ["x": small.examples(4)]
      var reference = Reference(seed: 2)
      for _ in 0..<300 {
        _ = try reference.evaluate([objective.loss], updates: objective.updates, inputs)
      }
      for vector in small.model.criticState {
        let name = String(vector.name.dropLast(2))
        let weight = try #require(reference.variables[name])
        let u = try #require(reference.variables[vector.name])
        // At the fixed point Wᵀ W u = σ² u.
        let rows = weight.count / u.count
        let forward = (0..<rows).map { r in
          (0..<u.count).reduce(0) { $0 + weight[r * u.count + $1] * u[$1] }
        }
        let back = (0..<u.count).map { c in
          (0..<rows).reduce(0) { $0 + weight[$1 * u.count + c] * forward[$1] }
        }
        let square = forward.reduce(0) { $0 + $1 * $1 }
        for c in 0..<u.count { #expect(abs(back[c] - square * u[c]) < 1e-6 * square, "\(name)") }
      }
      // Doubling the weights does not change the scores.
      let score = small.model.score(x).value
      let before = try reference.value(score, inputs)
      for vector in small.model.criticState {
        let name = String(vector.name.dropLast(2))
        reference.variables[name] = reference.variables[name]?.map { 2 * $0 }
      }
      let after = try reference.value(score, inputs)
      #expect(zip(before, after).allSatisfy { abs($0 - $1) < 1e-9 })
    }
  }
}
