import DDPM
import Diffusion
import TensorCore
import TestSupport
import Testing

/// The factors of x_0 and the variance of the noise in a state.
private struct Marginal {
  var signal, variance: Double
}

extension [Visit] {
  /// The state after each visit, from the first level on, if every estimate of x_0 is the true one.
  fileprivate var marginals: [Marginal] {
    guard let first else { return [] }
    let start = first.level
    var result: [Marginal] = []
    _ = run(from: Marginal(signal: start.signal, variance: start.noise * start.noise)) {
      visit, _, base, _ in
      let state = Marginal(
        signal: visit.base * base.signal + visit.estimate + visit.previous,
        variance: visit.base * visit.base * base.variance + visit.fresh * visit.fresh)
      result.append(state)
      return (state, state)
    }
    return result
  }
}

@Suite struct VisitTests {
  static let pairs = [
    (10, 1), (10, 3), (10, 7), (10, 9), (10, 10), (11, 4), (13, 12), (97, 50), (100, 33),
    (100, 99), (101, 100), (128, 5), (999, 500), (1000, 1), (1000, 2), (1000, 3), (1000, 7),
    (1000, 50), (1000, 333), (1000, 501), (1000, 667), (1000, 999), (1000, 1000), (4000, 1001),
    (100_000, 49_999),
  ]

  private func expectChain(
    _ visits: [Visit], _ method: SamplingMethod, steps: Int, _ context: Comment
  ) {
    #expect(visits.count == method.visits(inSteps: steps), context)
    #expect(visits.count(where: { !$0.isTrial }) == steps, context)
    // A visit begins where the one before it ended.
    for (visit, next) in zip(visits, visits.dropFirst()) {
      #expect(visit.next.time == next.time && visit.next.level == next.level, context)
      // The second visit of a step of Heun's method stays.
      #expect(visit.next.time < visit.time || method == .heun, context)
      #expect(!visit.isTrial || !next.isTrial, context)
    }
    #expect(visits.last?.next.time == 0 && visits.last?.next.level == .clean, context)
    #expect(visits.last?.fresh == 0 && visits.last?.isTrial == false, context)
    let areFinite = visits.allSatisfy {
      $0.base.isFinite && $0.estimate.isFinite && $0.previous.isFinite && $0.fresh >= 0
    }
    #expect(areFinite, context)
  }

  @Test(arguments: pairs)
  func visitsOfSchedulesChain(times: Int, steps: Int) throws {
    for kind in NoiseSchedule.Kind.allCases {
      let path = NoisePath(try NoiseSchedule(kind, times: times))
      // Times even in log SNR are found by bisection, which takes long for tens of thousands.
      for method in SamplingMethod.everyKind where method != .dpmSolver || steps <= 100 {
        let visits = try path.visits(method, steps: steps)
        expectChain(visits, method, steps: steps, "\(kind), \(method), T \(times), S \(steps)")
        guard method != .dpmSolver else { continue }
        #expect(visits.first?.time == 1)
        let gaps = visits.filter { !$0.isTrial || $0.next.time < $0.time }
          .map { (($0.time - $0.next.time) * Double(times)).rounded() }
          .filter { $0 > 0 }
        let (short, long) = (Double(times / steps), Double((times + steps - 1) / steps))
        #expect(gaps.count == steps && gaps.allSatisfy { $0 == short || $0 == long }, "\(method)")
      }
    }
  }

  @Test(arguments: [NoisePath.cosine, .straight, .edm(), .edm(smallest: 0.01, largest: 20)])
  func visitsOfPathsChain(path: NoisePath) throws {
    for steps in [1, 2, 3, 7, 50] {
      for start in [nil, 1, 0.6, 0.01, 1e-4] {
        for method in SamplingMethod.everyKind {
          for smallest in [0.002, 0.02] {
            let visits = try path.visits(
              method, steps: steps, from: start, smallestNoise: smallest)
            let context: Comment = "\(method), \(steps) steps from \(start ?? 1)"
            #expect(visits.count == method.visits(inSteps: steps), context)
            #expect(visits.last?.next.level == .clean, context)
            #expect(visits.allSatisfy { $0.next.time <= $0.time }, context)
            let numbers = visits.flatMap { [$0.base, $0.estimate, $0.previous, $0.fresh] }
            #expect(numbers.allSatisfy(\.isFinite), context)
          }
        }
      }
    }
  }

  /// The true x_0 gives each state the mean a x_0 and the standard deviation s of its level.
  @Test(arguments: [(10, 10), (10, 3), (100, 33), (1000, 1000), (1000, 50), (1000, 7)])
  func visitsKeepTheMarginals(times: Int, steps: Int) throws {
    let paths = [
      ("straight", NoisePath.straight), ("cosine", .cosine), ("edm", .edm()),
    ]
    let schedules = try NoiseSchedule.Kind.allCases.map {
      ("\($0), T \(times)", NoisePath(try NoiseSchedule($0, times: times)))
    }
    for (name, path) in paths + schedules {
      for method in SamplingMethod.everyKind where method != .ancestral(.beta) {
        let visits = try path.visits(method, steps: steps)
        for (visit, state) in zip(visits, visits.marginals) {
          let level = visit.next.level
          // Terms of the sum are as large as the factors.
          let size = 1 + abs(visit.estimate) + abs(visit.previous)
          let context: Comment = "\(name), \(method), \(visit.time)"
          #expect(abs(state.signal - level.signal) < 1e-12 * size, context)
          #expect(abs(state.variance - level.noise * level.noise) < 1e-12, context)
        }
      }
    }
  }

  /// The forward variance of the whole stride, and that of x_s given x_t and x_0.
  @Test(arguments: [(10, 10), (10, 3), (100, 33), (1000, 50), (1000, 7), (1000, 1)])
  func stridedVariances(times: Int, steps: Int) throws {
    for kind in NoiseSchedule.Kind.allCases {
      let path = NoisePath(try NoiseSchedule(kind, times: times))
      let forward = try path.visits(.ancestral(.beta), steps: steps)
      let posterior = try path.visits(.ancestral(.posterior), steps: steps)
      for (visit, other) in zip(forward, posterior) where visit.next.time > 0 {
        let ratio = visit.level.signal / visit.next.level.signal
        let variance = 1 - ratio * ratio
        // 1 - ratio² loses digits where the stride is short.
        let tolerance = 1e-13 / variance
        let context: Comment = "\(kind), \(visit)"
        #expect(relativeGap(visit.fresh * visit.fresh, variance) < tolerance, context)
        let before = visit.next.level.noise * visit.next.level.noise
        let precision = 1 / before + ratio * ratio / variance
        #expect(relativeGap(other.fresh * other.fresh, 1 / precision) < tolerance, context)
        #expect((visit.base, visit.estimate) == (other.base, other.estimate), context)
      }
    }
  }

  /// The mean is that of Ho's equation 11, with the requested σ.
  @Test(arguments: NoiseSchedule.Kind.allCases)
  func allStepsAreTheOriginalSampler(kind: NoiseSchedule.Kind) throws {
    let schedule = try NoiseSchedule(kind, times: 1000)
    for variance in SamplingMethod.Variance.allCases {
      for visit in try NoisePath(schedule).visits(.ancestral(variance), steps: 1000) {
        let t = Int((visit.time * 1000).rounded())
        let (alpha, beta) = (schedule.alpha[t], schedule.beta[t])
        // x̂_0 = (x - β̄ ε̂)/ᾱ in terms of ε̂.
        let ofX = visit.base + visit.estimate / visit.level.signal
        let ofNoise = -visit.estimate * visit.level.noise / visit.level.signal
        #expect(relativeGap(ofX, 1 / alpha) < 1e-12, "t \(t)")
        #expect(relativeGap(ofNoise, -beta * beta / schedule.betaBar[t] / alpha) < 1e-11, "t \(t)")
        let sigma = variance == .beta ? beta : schedule.posteriorStandardDeviation(t)
        #expect(relativeGap(visit.fresh, t == 1 ? 0 : sigma) < 1e-11, "t \(t)")
      }
    }
  }

  @Test(arguments: [Int.min, -1, 0, 101, .max])
  func refusesOtherStepCounts(steps: Int) throws {
    let (model, _) = try pointModel(times: 100)
    let sampler = try Sampler(model.denoiser, try Runtime(seed: 0, threads: 1), batch: 2)
    let error = TensorError("a sampler takes 1 to 100 steps, not \(steps)")
    for method in SamplingMethod.everyKind {
      #expect(throws: error) { try model.denoiser.path.visits(method, steps: steps) }
      #expect(throws: error) { try sampler.sample(seeds: [0], method, steps: steps) }
      guard steps < 1 else { continue }
      #expect(throws: TensorError("a sampler takes at least 1 step, not \(steps)")) {
        try NoisePath.cosine.visits(method, steps: steps)
      }
    }
  }

  @Test(arguments: [-0.1, 1.001, .infinity, -.infinity, .nan])
  func refusesOtherEtas(eta: Double) throws {
    let schedule = try NoiseSchedule(.su, times: 100)
    for path in [NoisePath(schedule), .straight] {
      #expect(throws: TensorError("eta must be from 0 to 1, not \(eta)")) {
        try path.visits(.ddim(eta: eta), steps: 10)
      }
    }
  }

  @Test(arguments: [0, -0.5, 1.5, .infinity, .nan])
  func refusesOtherStarts(time: Double) throws {
    let schedule = try NoiseSchedule(.su, times: 100)
    for method in SamplingMethod.everyKind {
      #expect(throws: TensorError.self) {
        try NoisePath(schedule).visits(method, steps: 1, from: time)
      }
      #expect(throws: TensorError.self) {
        try NoisePath.straight.visits(method, steps: 1, from: time)
      }
    }
  }
}
