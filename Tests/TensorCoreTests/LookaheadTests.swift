import TensorCore
import TestSupport
import Testing

/// Trails that can be checked by hand, and resumed runs that equal uninterrupted ones.
@Suite struct LookaheadTests {
  /// The values of a single parameter that starts at `start` after each of `steps` steps along a gradient that
  /// is always `slope`.
  private func trail(
    _ optimizer: Link<Gradient, some Outcome>, from start: Double = 3, slope: Double = 1,
    steps: Int, weights: Weights = .raw
  ) throws -> [Double] {
    let p = Parameters("model")
    let w = p.make("w", Tensor(start))
    let runtime = try Runtime(seed: 0, threads: 1)
    let descent = minimize(slope * w, p, optimizer)
    let program = try runtime.compile("train", [], updates: descent.updates)
    let read = weights.reading(p.variables)(w + 0)
    let reader = try runtime.compile("read", [read])
    return try (0..<steps).map { _ in
      program.run()
      return try reader.outputs([read])[0][0]
    }
  }

  /// The trail that optax publishes with its test: 3 -> 2 -> 1 -> 2 (sync) -> 1 -> 0 -> 1 (sync).
  @Test func thePublishedTrail() throws {
    let optimizer = lookahead(sgd(1.0), every: 2, alpha: 0.5)
    #expect(try trail(optimizer, steps: 4) == [2, 2, 1, 1])
    #expect(try trail(optimizer, steps: 4, weights: .slow) == [3, 2, 2, 1])
  }

  @Test(arguments: [
    // Momentum 0.5 with a gradient of 1: changes 1, 1.5, 1.75, ... from zero.
    // 8 - 1 - 1.5 = 5.5, pulled to 6.75; then 1.75 and 1.875 from there: 3.125, pulled to 4.9375.
    (InnerState.keep, [7.0, 6.75, 5, 4.9375]),
    // After the second step, the third is as the first: 6.75 - 1 - 1.5 = 4.25, pulled to 5.5.
    (.reset, [7, 6.75, 5.75, 5.5]),
    // 1.5 becomes 0.75: the changes are 1.375 and 1.6875.
    (.average, [7, 6.75, 5.375, 5.21875]),
  ]) func innerStateIsTreatedAsTold(_ state: InnerState, _ expected: [Double]) throws {
    let optimizer = lookahead(sgd(1.0, momentum: 0.5), every: 2, alpha: 0.5, state: state)
    #expect(try trail(optimizer, from: 8, steps: 4) == expected)
  }

  @Test func aResetBeginsTheCountOfAdamAnew() throws {
    // The first step of Adam is the rate against the sign; so is the first after a reset.
    let optimizer = lookahead(adam(0.5), every: 3, alpha: 1, state: .reset)
    let found = try trail(optimizer, slope: 7, steps: 4)
    #expect(zip(found, [2.5, 2, 1.5, 1]).allSatisfy { abs($0 - $1) < 1e-6 })
  }

  @Test func averagesSeeWhatLookaheadMakes() throws {
    let optimizer = chain(lookahead(sgd(1.0), every: 2), average(decay: 0))
    #expect(try trail(optimizer, steps: 4, weights: .averaged) == [2, 2, 1, 1])
  }

  @Test(arguments: [(0, 0.5), (2, 0), (2, 1.5)]) func settingsOutOfRangeAreNamed(
    _ period: Int, _ alpha: Double
  ) throws {
    #expect(
      throws: TensorError(
        "lookahead every \(period) steps by \(alpha): expected at least 1 step, and a share above 0 "
          + "and at most 1")
    ) { _ = try trail(lookahead(sgd(1.0), every: period, alpha: alpha), steps: 1) }
  }

  /// Two rows reached by a product, row 0 in every step and row 1 in the third of four, with momentum 0.5 that
  /// decays while a row rests, and state that is averaged at every second step: the steps are counted as they are.
  @Test(arguments: [false, true]) func countsOfStepsAreNotAveraged(_ isReached: Bool) throws {
    let p = Parameters("model")
    let w = p.make("w", .literal([8, 8], [2, 1]))
    let slope = Tensor.input("slope", [1, 2])
    let inner = lazy(sgd(1.0, momentum: 0.5), moments: .decay)
    let descent = minimize(
      slope.matmul(w).sum(), p, lookahead(inner, every: 2, alpha: 0.5, state: .average))
    let runtime = try Runtime(seed: 0, threads: 1)
    let program = try runtime.compile("train", [], updates: descent.updates)
    var (value, slow) = ([8.0, 8.0], [8.0, 8.0])
    var (momentum, slowMomentum, last) = ([0.0, 0.0], [0.0, 0.0], [0, 0])
    for step in 1...7 {
      let given = [1, step % 4 == 3 || isReached ? 1.0 : 0]
      try program.fill(slope, with: given.map { Float($0) })
      program.run()
      for row in 0..<2 where given[row] != 0 {
        for _ in 0..<(step - 1 - last[row]) { momentum[row] *= 0.5 }
        momentum[row] = 0.5 * momentum[row] + given[row]
        value[row] -= momentum[row]
        last[row] = step
      }
      if step % 2 == 0 {
        for row in 0..<2 {
          slow[row] += 0.5 * (value[row] - slow[row])
          slowMomentum[row] += 0.5 * (momentum[row] - slowMomentum[row])
        }
        (value, momentum) = (slow, slowMomentum)
      }
      #expect(try runtime.values(of: p.variables[0]).map { Double($0) } == value, "step \(step)")
      let counts = try runtime.read(variable: "model/w/last") { span in
        (0..<span.count).map { Int(span[$0]) }
      }
      #expect(counts == last, "step \(step)")
    }
  }

  // MARK: Other links

  @Test func momentumByHand() throws {
    // Changes 1, 1.5, 1.75; with Nesterov 1 + 0.5, 1 + 0.75, 1 + 0.875.
    #expect(try trail(sgd(1.0, momentum: 0.5), from: 8, steps: 3) == [7, 5.5, 3.75])
    #expect(
      try trail(sgd(1.0, momentum: 0.5, nesterov: true), from: 8, steps: 3) == [6.5, 4.75, 2.875])
    // The derivative of w + w^2/4 is 1 + w/2: 8 - 5, 3 - 2.5.
    #expect(try trail(sgd(1.0, decay: 0.5), from: 8, steps: 2) == [3, 0.5])
  }

  @Test func decayIsApartFromAdamsScale() throws {
    // w - 0.1 (1 + 0.5 w): the sign of the derivative, and half the weight.
    let found = try trail(adamW(0.1, decay: 0.5), from: 4, slope: 3, steps: 2)
    let second = 3.7 - 0.1 * (1 + 0.5 * 3.7)
    #expect(zip(found, [3.7, second]).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test func stepsOfLAMBAreInProportionToTheWeights() throws {
    let p = Parameters("model")
    let w = p.make("w", .literal([3, -4], [2]))
    let z = p.make("z", .zeros([2]))
    let loss = 10 * w.sum() + z.sum()
    let runtime = try Runtime(seed: 0, threads: 1)
    let descent = minimize(loss, p, lamb(0.1))
    try runtime.compile("train", [], updates: descent.updates).run()
    // Adam's first change is (1, 1), of length sqrt 2; w is of length 5. A parameter of zeros steps as
    // Adam's.
    let step = 0.1 * 5 / 2.0.squareRoot()
    let found = try runtime.values(of: p.variables[0]).map { Double($0) }
    #expect(relativeError(found, [3 - step, -4 - step]) < 1e-5)
    let other = try runtime.values(of: p.variables[1]).map { Double($0) }
    #expect(relativeError(other, [-0.1, -0.1]) < 1e-5)
  }

  @Test func clampedParametersStayWithin() throws {
    #expect(try trail(chain(sgd(2.0), clamp(1.5)), from: 1, steps: 2) == [-1, -1.5])
  }

  // MARK: Resume

  /// `inner` in Lookahead, averaged.
  private static func wrapped(_ inner: Link<Gradient, some BeforeLookahead>)
    -> @Sendable (InnerState) -> CompleteOptimizer
  {
    { chain(lookahead(inner, every: 6, alpha: 0.5, state: $0), average(decay: 0.9)) }
  }

  static let optimizers: [(String, @Sendable (InnerState) -> CompleteOptimizer)] = [
    ("sgd", wrapped(sgd(0.01))),
    ("momentum", wrapped(sgd(0.01, momentum: 0.9, nesterov: true))),
    ("adam", wrapped(adam(0.01))), ("adamW", wrapped(adamW(0.01, decay: 0.1))),
    ("lamb", wrapped(lamb(0.01, decay: 0.1))),
    ("clamped", wrapped(chain(adam(0.01), clamp(0.2)))),
  ]

  private func runtime(
    _ optimizer: CompleteOptimizer, steps: Int, from saved: Runtime? = nil
  ) throws -> Runtime {
    let runtime = try Runtime(seed: 3, threads: 1)
    if let saved {
      for name in saved.variableNames {
        try runtime.restore(
          variable: name, shape: saved.shape(ofVariable: name) ?? [],
          try saved.read(variable: name) { span in (0..<span.count).map { span[$0] } })
      }
      runtime.runs = saved.runs
    }
    let p = Parameters("net")
    let layer = dense(3, 4, p["layer"])
    let loss = tanh(layer(.normal([5, 3], "x"))).squared().mean()
    let descent = minimize(loss, p, optimizer)
    let program = try runtime.compile("train", [loss], updates: descent.updates)
    for _ in 0..<steps { program.run() }
    return runtime
  }

  @Test(arguments: optimizers.indices, InnerState.allCases)
  func aRunBrokenAtAnyPhaseIsTheUnbrokenOne(_ index: Int, _ state: InnerState) throws {
    let optimizer = Self.optimizers[index].1(state)
    let whole = try runtime(optimizer, steps: 14).bits()
    for phase in [3, 5, 6, 9] {
      let saved = try runtime(optimizer, steps: phase)
      let resumed = try runtime(optimizer, steps: 14 - phase, from: saved)
      #expect(try resumed.bits() == whole, "\(Self.optimizers[index].0), phase \(phase)")
    }
  }
}
