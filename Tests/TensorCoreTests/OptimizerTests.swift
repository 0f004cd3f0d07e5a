import TensorCore
import TestSupport
import Testing

/// Optimizers against plain loops in Double.
@Suite struct OptimizerTests {
  static let start = [0.5, -1.25, 2]
  static let curvature = [1.0, 0.25, 4]

  /// The parameter w of a loss whose gradient is curvature * w, or `slope` if that is given.
  private func parabola(slope: Tensor? = nil) -> (Parameters, Tensor) {
    let p = Parameters("model")
    let w = p.make("w", .literal(Self.start, [3]))
    let c = Tensor.literal(Self.curvature, [3])
    return (p, slope.map { ($0 * w).sum() } ?? (0.5 * c * w * w).sum())
  }

  private func values(_ runtime: Runtime, _ name: String) throws -> [Double] {
    try runtime.read(variable: name) { span in (0..<span.count).map { Double(span[$0]) } }
  }

  @Test func theFirstStepOfAdamIsTheRateAgainstTheSign() throws {
    let slope = Tensor.literal([3, -0.01, 1e-3], [3])
    let (p, loss) = parabola(slope: slope)
    let runtime = try Runtime(seed: 0, threads: 1)
    let program = try runtime.compile(
      "train", [loss], updates: minimize(loss, p, adam(0.1)).updates)
    program.run()
    // m / (1 - b1) = g and sqrt(v / (1 - b2)) = |g|: the change is -0.1 g / (|g| + 1e-8).
    #expect(relativeError(try values(runtime, "model/w"), [0.4, -1.15, 1.900001]) < 1e-6)
    #expect(relativeError(try values(runtime, "model/w/m"), [0.3, -0.001, 1e-4]) < 1e-6)
    #expect(relativeError(try values(runtime, "model/w/v"), [9e-3, 1e-7, 1e-9]) < 1e-6)
    #expect(try values(runtime, "model/step") == [1])
  }

  @Test func aHundredStepsOfClippedAdamWithAnAverage() throws {
    let (p, loss) = parabola()
    let rate = Rate(0.05).warmedUp(over: 10).cosine(until: 80, floor: 0.1)
    let descent = minimize(loss, p, chain(clip(globalNorm: 2), adam(rate), average(decay: 0.9)))
    let runtime = try Runtime(seed: 0, threads: 1)
    let program = try runtime.compile(
      "train", [loss, descent.gradientNorm], updates: descent.updates)

    var (w, ema) = (Self.start, Self.start)
    var (m, v) = ([0.0, 0, 0], [0.0, 0, 0])
    for step in 1...100 {
      program.run()
      let t = Double(step)
      var g = zip(w, Self.curvature).map(*)
      let norm = g.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(abs(Double(try program.scalar(descent.gradientNorm)) - norm) < 1e-5)
      g = g.map { $0 * min(2 / norm, 1) }
      let fall = 0.1 + 0.9 * 0.5 * (1 + (Double.pi * min(t / 80, 1)).cosine)
      let rate = 0.05 * min(t / 10, 1) * fall
      let decay = min(0.9, (1 + t) / (10 + t))
      for i in 0..<3 {
        m[i] = 0.9 * m[i] + 0.1 * g[i]
        v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i]
        let (b1, b2) = ((t * 0.9.logarithm).exponential, (t * 0.999.logarithm).exponential)
        w[i] -= rate * (m[i] / (1 - b1)) / ((v[i] / (1 - b2)).squareRoot() + 1e-8)
        ema[i] += (1 - decay) * (w[i] - ema[i])
      }
      // Each step rounds a few times; the errors of a contraction do not grow.
      #expect(
        zip(try values(runtime, "model/w"), w).allSatisfy { abs($0 - $1) < 2e-6 }, "step \(step)")
      #expect(
        zip(try values(runtime, "ema.model/w"), ema).allSatisfy { abs($0 - $1) < 2e-6 },
        "step \(step)")
    }
  }

  @Test func correctionsAndSchedulesAreEvaluatedInDouble() throws {
    let count = Variable("count", initially: Tensor(0))
    let t = count.value + 1
    let correction = 1 - power(0.999, t)
    let rates: [(Rate, (Double) -> Double)] = [
      (Rate(0.25), { _ in 0.25 }),
      (Rate(0.5).negated, { _ in -0.5 }),
      (Rate(3).warmedUp(over: 7), { 3 * min($0 / 7, 1) }),
      (Rate(3).warmedUp(over: 0), { _ in 3 }),
      (Rate(2).cosine(until: 9), { 1 + (Double.pi * min($0 / 9, 1)).cosine }),
      (Rate(2).linear(until: 8, floor: 0.25), { 2 - 1.5 * min($0 / 8, 1) }),
    ]
    let outputs = [correction] + rates.map { $0.0(t) }
    let program = try Runtime(seed: 0, threads: 1)
      .compile("rates", outputs, updates: [Update(count, t)])
    for step in 1...10 {
      program.run()
      let exact = -(Double(step) * 0.999.logarithm).exponential + 1
      #expect(abs(Double(try program.scalar(correction)) / exact - 1) < 1e-7, "step \(step)")
      for (i, rate) in rates.enumerated() {
        let expected = rate.1(Double(step))
        #expect(
          abs(Double(try program.scalar(outputs[i + 1])) - expected) <= 1e-7 * abs(expected),
          "rate \(i), step \(step)")
      }
    }
  }

  @Test(arguments: [Double.nan, .infinity, 1e30]) func aStepThatIsNotFiniteChangesNothing(
    bad: Double
  ) throws {
    let p = Parameters("model")
    let layer = dense(3, 2, p["dense"])
    let x = Tensor.input("x", [4, 3])
    let loss = layer(x).squared().mean()
    let descent = minimize(loss, p, chain(clip(globalNorm: 1), adam(0.1), average(decay: 0.9)))
    let runtime = try Runtime(seed: 5, threads: 2)
    let program = try runtime.compile("train", [loss, descent.isFinite], updates: descent.updates)
    var numbers = SplitMix64(seed: 1)
    var data = numbers.values(12)
    _ = try program.outputs([loss], [(x, data)])
    #expect(try program.scalar(descent.isFinite) == 1)
    let before = try runtime.bits()
    data[7] = bad
    _ = try program.outputs([loss], [(x, data)])
    #expect(try program.scalar(descent.isFinite) == 0)
    #expect(try runtime.bits() == before)
    data[7] = 0.5
    _ = try program.outputs([loss], [(x, data)])
    #expect(try runtime.bits() != before)
    #expect(try values(runtime, "model/step") == [2])
  }

  @Test func stateStartsFromTheValueOfItsParameter() throws {
    let p = Parameters("model")
    let w = p.make("w", .normal([50], "initial"))
    let descent = minimize(
      w.squared().sum(), p, chain(sgd(0.1), average(decay: 0.5)))
    let runtime = try Runtime(seed: 5, threads: 1)
    _ = try runtime.compile("train", [], updates: descent.updates)
    #expect(try values(runtime, "ema.model/w") == values(runtime, "model/w"))
    // Also where the parameter has been changed since.
    let other = try Runtime(seed: 5, threads: 1)
    _ = try other.values(of: p.variables[0])
    try other.write(variable: "model/w", [Float](repeating: 2.5, count: 50))
    _ = try other.compile("train", [], updates: descent.updates)
    #expect(try values(other, "ema.model/w") == [Double](repeating: 2.5, count: 50))
  }

  @Test func averagesAreReadInPlaceOfParameters() throws {
    let p = Parameters("model")
    let w = p.make("w", .literal([1, 2], [2]))
    let y = 2 * w
    let runtime = try Runtime(seed: 5, threads: 1)
    let descent = minimize(w.sum(), p, chain(descend(1.0), average(decay: 0.5)))
    let train = try runtime.compile("train", [], updates: descent.updates)
    train.run()
    let averaged = Weights.averaged.reading(p.variables)(y)
    let program = try runtime.compile("read", [y, averaged])
    let values = try program.outputs([y, averaged])
    // The decay of the first step is 2/11.
    #expect(values[0] == [0, 2])
    #expect(relativeError(values[1], [2 * (1 - 9 / 11.0), 2 * (2 - 9 / 11.0)]) < 1e-6)
  }

  @Test func clippingScalesAllGradientsTogether() throws {
    let p = Parameters("model")
    let (a, b) = (p.make("a", .zeros([2])), p.make("b", Tensor(0)))
    let loss = 3 * a.sum() + 4 * b
    let descent = minimize(loss, p, chain(clip(globalNorm: 1), descend(1.0)))
    let runtime = try Runtime(seed: 5, threads: 1)
    try runtime.compile("train", [], updates: descent.updates).run()
    let norm = 34.0.squareRoot()
    #expect(relativeError(try values(runtime, "model/a"), [-3 / norm, -3 / norm]) < 1e-6)
    #expect(relativeError(try values(runtime, "model/b"), [-4 / norm]) < 1e-6)
  }

  @Test func variablesThatAreNeitherUpdatedNorHeldAreNamed() throws {
    let (p, q) = (Parameters("generator"), Parameters("critic"))
    let loss = p.make("w", Tensor(1)) * q.make("v", Tensor(2))
    let runtime = try Runtime(seed: 0, threads: 1)
    let forgotten = minimize(loss, p, adam(0.1))
    #expect(throws: TensorError("the loss reaches critic/v, which is neither updated nor held")) {
      try runtime.compile("train", [], updates: forgotten.updates)
    }
    let held = minimize(loss, p, adam(0.1), holding: q.variables)
    #expect(held.updates.allSatisfy { !$0.variable.name.hasPrefix("critic") })
    _ = try runtime.compile("train", [], updates: held.updates)
  }

  @Test func aNameMayBeGivenOnce() throws {
    let p = Parameters("model")
    _ = p["layer"].make("w", Tensor(1))
    let again = p["layer"].make("w", Tensor(2))
    #expect(throws: TensorError("parameter model/layer/w is made twice")) {
      try Runtime(seed: 0, threads: 1).compile("p", [again])
    }
  }
}
