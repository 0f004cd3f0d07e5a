import TensorCore
import TestSupport
import Testing
import WGAN

/// Known properties of normalized critics.
@Suite struct ScoreTests {
  static let networks = [SmallWGAN.points, SmallWGAN.images, SmallWGAN.blocks]

  @Test(arguments: networks.indices, [1e-8, 1, 1e6])
  func scoresAreAtMostOne(_ index: Int, _ scale: Double) throws {
    let small = try SmallWGAN(Self.networks[index])
    let x = Tensor.input("x", [20] + small.shape)
    let score = small.model.score(x)
    for seed in 0..<2 {
      var reference = Reference(seed: UInt64(seed))
      let examples = small.examples(20, scale: scale, seed: seed)
      let values = try reference.value(score.value, ["x": examples])
      #expect(values.allSatisfy { abs($0) <= 1 }, "seed \(seed)")
      let runtime = try Runtime(seed: UInt64(seed), threads: 1)
      let program = try runtime.compile("score", [score.value])
      try program.fill(x, with: examples.map { Float($0) })
      program.run()
      #expect(try program.values(score.value).allSatisfy { abs($0) <= 1 }, "seed \(seed), compiled")
    }
  }

  /// Inside a region where the critic is linear, |∇ score| is (|∇f| / (|∇f| + |f|))².
  @Test(arguments: networks.indices) func gradientNormsInLinearRegionsAreAtMostOne(_ index: Int)
    throws
  {
    let small = try SmallWGAN(Self.networks[index])
    let x = Tensor.input("x", [20] + small.shape)
    let score = small.model.score(x)
    func norms(_ y: Tensor) -> Tensor {
      sqrt(gradients(of: y.sum(), withRespectTo: [x])[0].squared().sum(over: 1...))
    }
    for seed in 0..<3 {
      var reference = Reference(seed: UInt64(seed))
      let found = try reference.evaluate(
        [norms(score.value), norms(score.raw), score.raw], ["x": small.examples(20, scale: 3)])
      #expect(found[0].allSatisfy { $0 <= 1 })
      for i in 0..<20 {
        let (n, f) = (found[1][i], abs(found[2][i]))
        #expect(abs(found[0][i] - n * n / ((n + f) * (n + f))) < 1e-7)
      }
    }
  }

  /// The gradient norm of a smooth critic has no such bound.
  @Test func otherCriticsCanHaveLargerGradients() throws {
    let p = Parameters("wgan")
    let hidden = dense(2, 8, p["critic/hidden"])
    let output = dense(8, 1, p["critic/output"])
    let critic = Layer(p["critic"]) { output(tanh(6 * hidden($0))).reshape([-1]) }
    let generator = dense(2, 2, p["generator"])
    let model = try WassersteinGAN(
      shape: [2], latent: 2, generator: generator, critic: critic, constraint: .gradientNormalized,
      loss: .hinge, p)
    let x = Tensor.input("x", [400, 2])
    let score = model.score(x).value
    let slope = sqrt(gradients(of: score.sum(), withRespectTo: [x])[0].squared().sum(1))
    var steepest = 0.0
    for seed in 0..<4 {
      var numbers = SplitMix64(seed: seed)
      var reference = Reference(seed: UInt64(seed))
      let values = try reference.value(slope, ["x": numbers.values(800, in: -3...3)])
      steepest = max(steepest, values.max() ?? 0)
    }
    #expect(steepest > 1)
  }

  /// A critic that is zero everywhere has a gradient norm of 0: its score is 0, and no gradient is NaN.
  @Test(arguments: [
    Constraint.gradientNormalized, .piecewiseNormalized(epsilon: 0.1),
    .gradientPenalty(weight: 10, isOneSided: false), .spectral, .clipping(limit: 1),
  ]) func aZeroCriticHasNoNaN(_ constraint: Constraint) throws {
    for networks in Self.networks {
      let small = try SmallWGAN(networks, constraint)
      let x = Tensor.input("x", [4] + small.shape)
      let runtime = try Runtime(seed: 1, threads: 1)
      let critic = small.parameters["critic"].part
      let objective = small.model.criticObjective(x)
      let score = small.model.score(x).value
      let outputs =
        [score, objective.loss]
        + gradients(
          of: objective.loss + small.model.generatorLoss(count: 4),
          withRespectTo: small.parameters.tensors)
      let program = try runtime.compile("zero", outputs)
      for variable in critic.variables {
        try runtime.write(
          variable: variable.name, [Float](repeating: 0, count: variable.shape.reduce(1, *)))
      }
      try program.fill(x, with: small.examples(4).map { Float($0) })
      program.run()
      #expect(try program.values(score) == [0, 0, 0, 0])
      for output in outputs {
        #expect(try program.values(output).allSatisfy(\.isFinite), "\(networks.family)")
      }
    }
  }

  /// The gradient norm of a piecewise-linear critic is locally constant, so that the generator's gradient may
  /// treat it as a constant; differentiation finds this without a special case.
  @Test func theGeneratorNeedsNoSecondDerivativeOfALeakyCritic() throws {
    for networks in Self.networks {
      let small = try SmallWGAN(networks)
      let x = small.model.generate(small.model.noise(5))
      let f = small.model.score(x).raw
      let slope = sqrt(
        gradients(of: f.sum(), withRespectTo: [x])[0].squared().sum(over: 1...) + 1e-12)
      let generator = small.parameters["generator"].part.tensors
      func updates(_ n: Tensor) -> [Tensor] {
        gradients(of: (f / (n + abs(f))).mean(), withRespectTo: generator)
      }
      let (whole, short) = (updates(slope), updates(slope.stopped))
      var reference = Reference(seed: 4)
      #expect(try reference.evaluate(whole) == reference.evaluate(short))
      func contractions(_ y: [Tensor]) throws -> Int {
        try Runtime(seed: 0, threads: 1).compile("p", y).kernels.count { $0.flops > 0 }
      }
      #expect(try contractions(whole) == contractions(short))
    }
  }

  /// The metric `slope` is the mean |∇f| of data and samples, or of points between for a penalty;
  /// constraints without a gradient norm report none.
  @Test(
    arguments: [
      (Constraint.gradientNormalized, true), (.piecewiseNormalized(epsilon: 0.1), true),
      (.gradientPenalty(weight: 10, isOneSided: false), true), (.spectral, false),
      (.clipping(limit: 1), false), (.none, false),
    ], [nil, Consistency(weight: 5, standardDeviation: 0.02)])
  func gradientNormsAreReported(
    _ row: (constraint: Constraint, isReported: Bool), _ consistency: Consistency?
  ) throws {
    let p = Parameters("wgan")
    // f = a · x, of gradient norm |a| everywhere.
    let critic = dense(2, 1, p["critic"])
    let model = try WassersteinGAN(
      shape: [2], latent: 2, generator: dense(2, 2, p["generator"]),
      critic: Layer(p["critic"]) { critic($0).reshape([-1]) }, constraint: row.constraint,
      loss: .hinge, consistency: consistency, p)
    let x = Tensor.input("x", [6, 2])
    let slope = model.criticObjective(x).parts.filter { $0.name == "slope" }
    #expect(slope.count == (row.isReported ? 1 : 0))
    guard let slope = slope.first?.value else { return }
    let weight = try #require(p["critic"].part.variables.first { $0.shape == [2, 1] })
    var reference = Reference(seed: 3)
    let examples = [0.3, -1, 2, 0.5, 0, 0, 1, 1, -2, 0.1, 0.7, -0.4]
    let found = try reference.evaluate(
      [slope, sqrt(weight.value.squared().sum())], ["x": examples])
    #expect(abs(found[0][0] - found[1][0]) < 1e-9)
  }

  // MARK: Refusals

  @Test func batchStatisticsAreRefused() throws {
    let p = Parameters("wgan")
    let layer = dense(2, 4, p["critic/layer"])
    let output = dense(4, 1, p["critic/output"])
    let critic = Layer(p["critic"]) { x in
      let h = layer(x)
      return output((h - h.mean(0, keep: true))).reshape([-1])
    }
    let model = try WassersteinGAN(
      shape: [2], latent: 2, generator: dense(2, 2, p["generator"]), critic: critic,
      constraint: .gradientNormalized, loss: .hinge, p)
    let failure = model.criticObjective(.input("x", [8, 2])).loss.failure
    #expect(
      failure == "the critic mixes the examples of a batch (sum [0] in wgan/critic), so that its "
        + "gradient is not that of one example; expected no batch statistics: group normalization or "
        + "none")
  }

  @Test func settingsOutOfRangeAreNamed() {
    let cases: [(Constraint, String)] = [
      (.piecewiseNormalized(epsilon: 0), "epsilon must be above 0, not 0.0"),
      (
        .gradientPenalty(weight: -1, isOneSided: false),
        "the weight of a penalty must be at least 0, not -1.0"
      ), (.clipping(limit: .nan), "the clipping limit of weights must be above 0, not nan"),
    ]
    for (constraint, message) in cases {
      #expect(throws: TensorError(message)) { try SmallWGAN(SmallWGAN.points, constraint) }
    }
    #expect(
      throws: TensorError(
        "consistency needs a weight of at least 0 and a standard deviation above 0, not 1.0 and 0.0"
      )
    ) {
      try SmallWGAN(consistency: Consistency(weight: 1, standardDeviation: 0))
    }
    #expect(
      throws: TensorError("convolutional needs images, but the data are points; expected mlp")
    ) {
      try WassersteinGAN(
        shape: [2], networks: SmallWGAN.images, constraint: .none, loss: .hinge, Parameters("w"))
    }
  }
}
