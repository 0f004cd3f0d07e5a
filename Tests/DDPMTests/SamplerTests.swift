import DDPM
import TensorCore
import TestSupport
import Testing

private let everyMethod: [SamplingMethod] = [
  .ancestral(.beta), .ancestral(.posterior), .ddim(eta: 0), .ddim(eta: 0.5), .ddim(eta: 1),
]

@Suite struct ReverseStepTests {
  static let pairs = [
    (10, 1), (10, 3), (10, 7), (10, 9), (10, 10), (11, 4), (13, 12), (97, 50), (100, 33),
    (100, 99), (101, 100), (128, 5), (999, 500), (1000, 1), (1000, 2), (1000, 3), (1000, 7),
    (1000, 50), (1000, 333), (1000, 501), (1000, 667), (1000, 999), (1000, 1000), (4000, 1001),
    (100_000, 49_999),
  ]

  @Test(arguments: pairs)
  func visitedTimesChain(times: Int, steps: Int) throws {
    for kind in NoiseSchedule.Kind.allCases {
      let schedule = try NoiseSchedule(kind, times: times)
      let visited = try schedule.visitedTimes(steps: steps)
      #expect(visited.count == steps + 1)
      #expect(visited.first == times && visited.last == 0)
      let gaps = zip(visited, visited.dropFirst()).map { $0 - $1 }
      #expect(gaps.allSatisfy { $0 == times / steps || $0 == (times + steps - 1) / steps })
      for method in everyMethod {
        let plan = try schedule.reverseSteps(method, steps: steps)
        #expect(plan.map(\.time) == Array(visited.dropLast()), "\(method)")
        #expect(plan.map(\.next) == Array(visited.dropFirst()), "\(method)")
        #expect(plan.allSatisfy { $0.a.isFinite && $0.b.isFinite && $0.c >= 0 }, "\(method)")
        #expect(plan.last?.c == 0, "\(method)")
      }
    }
  }

  /// A step with the true noise gives x_s the mean ᾱ_s x_0 and the standard deviation β̄_s.
  @Test(arguments: [(10, 10), (10, 3), (100, 33), (1000, 1000), (1000, 50), (1000, 7)])
  func stepsKeepTheMarginals(times: Int, steps: Int) throws {
    for kind in NoiseSchedule.Kind.allCases {
      let schedule = try NoiseSchedule(kind, times: times)
      for method in everyMethod where method != .ancestral(.beta) {
        for step in try schedule.reverseSteps(method, steps: steps) {
          let (signal, next) = (schedule.alphaBar[step.time], schedule.alphaBar[step.next])
          #expect(relativeGap(step.a * signal, next) < 1e-12, "\(kind), \(method), \(step)")
          let noise = step.a * schedule.betaBar[step.time] + step.b
          let variance = noise * noise + step.c * step.c
          let expected = schedule.betaBar[step.next] * schedule.betaBar[step.next]
          // a β̄ and b nearly cancel, and are as large as a.
          #expect(
            abs(variance - expected) < 1e-13 * max(1, step.a * step.a),
            "\(kind), \(method), \(step)")
        }
      }
    }
  }

  /// The forward variance of the whole stride, and that of x_s given x_t and x_0.
  @Test(arguments: [(10, 10), (10, 3), (100, 33), (1000, 50), (1000, 7), (1000, 1)])
  func stridedVariances(times: Int, steps: Int) throws {
    for kind in NoiseSchedule.Kind.allCases {
      let schedule = try NoiseSchedule(kind, times: times)
      let forward = try schedule.reverseSteps(.ancestral(.beta), steps: steps)
      let posterior = try schedule.reverseSteps(.ancestral(.posterior), steps: steps)
      for (step, other) in zip(forward, posterior) where step.next > 0 {
        let ratio = schedule.alphaBar[step.time] / schedule.alphaBar[step.next]
        let variance = 1 - ratio * ratio
        // 1 - ratio² loses digits where the stride is short.
        let tolerance = 1e-13 / variance
        #expect(relativeGap(step.c * step.c, variance) < tolerance, "\(kind), \(step)")
        let before = schedule.betaBar[step.next] * schedule.betaBar[step.next]
        let precision = 1 / before + ratio * ratio / variance
        #expect(relativeGap(other.c * other.c, 1 / precision) < tolerance, "\(kind), \(other)")
        #expect((step.a, step.b) == (other.a, other.b), "\(kind), \(step)")
      }
    }
  }

  /// The mean is that of Ho's equation 11, with the requested σ.
  @Test(arguments: NoiseSchedule.Kind.allCases)
  func allStepsAreTheOriginalSampler(kind: NoiseSchedule.Kind) throws {
    let schedule = try NoiseSchedule(kind, times: 1000)
    for variance in SamplingMethod.Variance.allCases {
      for step in try schedule.reverseSteps(.ancestral(variance), steps: 1000) {
        let t = step.time
        let (alpha, beta) = (schedule.alpha[t], schedule.beta[t])
        #expect(relativeGap(step.a, 1 / alpha) < 1e-14)
        #expect(relativeGap(step.b, -beta * beta / schedule.betaBar[t] / alpha) < 1e-12, "t \(t)")
        let sigma = variance == .beta ? beta : schedule.posteriorStandardDeviation(t)
        #expect(relativeGap(step.c, t == 1 ? 0 : sigma) < 1e-12, "t \(t)")
      }
    }
  }

  @Test(arguments: [Int.min, -1, 0, 101, .max])
  func refusesOtherStepCounts(steps: Int) throws {
    let (model, _) = try pointModel(times: 100)
    let sampler = try Sampler(model, try Runtime(seed: 0, threads: 1), batch: 2)
    let error = TensorError("a sampler takes 1 to 100 steps, not \(steps)")
    #expect(throws: error) { try model.schedule.visitedTimes(steps: steps) }
    for method in everyMethod {
      #expect(throws: error) { try model.schedule.reverseSteps(method, steps: steps) }
      #expect(throws: error) { try sampler.sample(seeds: [0], method, steps: steps) }
    }
  }

  @Test(arguments: [-0.1, 1.001, .infinity, -.infinity, .nan])
  func refusesOtherEtas(eta: Double) throws {
    let schedule = try NoiseSchedule(.su, times: 100)
    #expect(throws: TensorError("eta must be from 0 to 1, not \(eta)")) {
      try schedule.reverseSteps(.ddim(eta: eta), steps: 10)
    }
  }
}

@Suite struct SamplerTests {
  static let seeds = (0..<64).map { UInt64($0) }

  @Test(arguments: NoiseSchedule.Kind.allCases, [10, 100, 1000])
  func ddimWithEtaOneIsAncestral(kind: NoiseSchedule.Kind, times: Int) throws {
    let (model, parameters) = try pointModel(kind, times: times)
    let runtime = try Runtime.random(parameters, seed: 17, threads: 1)
    for clip in [nil, -1.0...1.0] {
      let sampler = try Sampler(model, runtime, batch: 64, clip: clip)
      let one = try sampler.sample(seeds: Self.seeds, .ddim(eta: 1))
      let other = try sampler.sample(seeds: Self.seeds, .ancestral(.posterior))
      let gap = largestGap(one, other) / standardDeviation(other)
      print(
        "DDIM eta 1, ancestral: \(kind), T \(times), clip \(clip != nil): gap \(gap) deviations")
      #expect(gap <= 1e-4, "seed 17")
      // The comparison can fail: less noise gives different samples.
      let less = try sampler.sample(seeds: Self.seeds, .ddim(eta: 0.9))
      #expect(largestGap(less, other) > 1e-3 * standardDeviation(other), "seed 17")
    }
  }

  @Test func ddimWithEtaOneIsAncestralForImages() throws {
    let configuration = UNetConfiguration(
      height: 8, width: 8, channels: 1, base: 8, multipliers: [1, 2], blocks: 1)
    let (model, parameters) = try imageModel(configuration, times: 50)
    let runtime = try Runtime.random(parameters, seed: 3, threads: 1)
    let sampler = try Sampler(model, runtime, batch: 4, clip: -1...1)
    let one = try sampler.sample(seeds: [0, 1, 2, 3], .ddim(eta: 1))
    let other = try sampler.sample(seeds: [0, 1, 2, 3], .ancestral(.posterior))
    #expect(largestGap(one, other) <= 1e-4 * standardDeviation(other), "seed 3")
  }

  /// Every sample is the same multiple of its start if the denoiser is linear and no noise is added.
  @Test(arguments: [(100, 100), (100, 7), (1000, 50), (10, 1)])
  func etaZeroAddsNoNoise(times: Int, steps: Int) throws {
    let schedule = try NoiseSchedule(.su, times: times)
    var numbers = SplitMix64(seed: times + steps)
    let factors = numbers.values(times, in: 0.2...0.9)
    let sampler = try Sampler(
      linearModel(schedule, factors: factors), try Runtime(seed: 0, threads: 1), batch: 64)
    func run(_ eta: Double) throws -> (start: [Float], end: [Float]) {
      var start: [Float] = []
      let end = try sampler.sample(seeds: Self.seeds, .ddim(eta: eta), steps: steps) { done, x in
        if done == 0 { start = x }
      }
      return (start, end)
    }
    let visited = try schedule.visitedTimes(steps: steps)
    var expected = 1.0
    for (t, s) in zip(visited, visited.dropFirst()) {
      let clean = (1 - schedule.betaBar[t] * factors[t - 1]) / schedule.alphaBar[t]
      expected *= schedule.alphaBar[s] * clean + schedule.betaBar[s] * factors[t - 1]
    }
    let (start, end) = try run(0)
    for (x, y) in zip(start, end) {
      #expect(relativeGap(Double(y), expected * Double(x)) < 1e-6 * Double(4 + steps))
    }
    if steps > 1 {
      let noisy = try run(0.5)
      #expect(noisy.start == start)
      #expect(largestGap(noisy.end, end) > 1e-3 * abs(expected))
    }
  }

  @Test(arguments: everyMethod, [1, 5, 100])
  func clippingKeepsSamplesInRange(method: SamplingMethod, steps: Int) throws {
    for kind in NoiseSchedule.Kind.allCases {
      let (model, parameters) = try pointModel(kind, times: 100)
      let runtime = try Runtime.random(parameters, seed: 29, threads: 1)
      func draw(_ clip: ClosedRange<Double>?) throws -> [Float] {
        try Sampler(model, runtime, batch: 64, clip: clip)
          .sample(seeds: Self.seeds, method, steps: steps)
      }
      let free = try draw(nil)
      #expect(free.contains { abs($0) > 1 }, "\(kind), seed 29: nothing to clip")
      #expect(try draw(-1...1).allSatisfy { abs($0) <= 1 }, "\(kind), seed 29")
      #expect(try draw(0.25...0.5).allSatisfy { (0.25...0.5).contains($0) }, "\(kind), seed 29")
      // Clipping to a range that contains all values has no effect.
      let wide = try draw(-1e9...1e9)
      #expect(largestGap(wide, free) < 1e-4 * standardDeviation(free), "\(kind), seed 29")
    }
  }

  @Test func averagedWeightsAreUsedOnRequest() throws {
    let (model, parameters) = try pointModel(times: 10)
    let runtime = try Runtime.random(parameters, seed: 5, threads: 1)
    let raw = try Sampler(model, runtime, batch: 2)
    let averaged = try Sampler(
      model, runtime, batch: 2, weights: Weights.averaged.reading(parameters.variables))
    let before = try raw.sample(seeds: [1, 2], .ddim(eta: 0))
    #expect(try averaged.sample(seeds: [1, 2], .ddim(eta: 0)) == before)
    for variable in parameters.variables {
      try runtime.write(
        variable: variable.name, [Float](repeating: 0.1, count: variable.shape.reduce(1, *)))
    }
    #expect(try averaged.sample(seeds: [1, 2], .ddim(eta: 0)) == before)
    #expect(try raw.sample(seeds: [1, 2], .ddim(eta: 0)) != before)
  }

  @Test func observesEveryStepOfEveryBatch() throws {
    let (model, parameters) = try pointModel(times: 10)
    let runtime = try Runtime.random(parameters, seed: 5, threads: 1)
    let sampler = try Sampler(model, runtime, batch: 4)
    var done: [Int] = []
    var last: [Float] = []
    let samples = try sampler.sample(seeds: Array(Self.seeds.prefix(6)), .ddim(eta: 1), steps: 3) {
      done.append($0)
      last = $1
      #expect($1.count == 8)
    }
    #expect(done == [0, 1, 2, 3, 0, 1, 2, 3])
    #expect(samples.count == 12)
    #expect(Array(samples.suffix(4)) == Array(last.prefix(4)))
    #expect(try sampler.sample(seeds: [], .ddim(eta: 1)).isEmpty)
  }
}
