import DDPM
import Diffusion
import Networks
import TensorCore
import TestSupport
import Testing

@Suite struct SamplerTests {
  static let seeds = (0..<64).map { UInt64($0) }

  @Test(arguments: NoiseSchedule.Kind.allCases, [10, 100, 1000])
  func ddimWithEtaOneIsAncestral(kind: NoiseSchedule.Kind, times: Int) throws {
    let (model, parameters) = try pointModel(kind, times: times)
    let runtime = try Runtime.random(parameters, seed: 17, threads: 1)
    for clip in [nil, -1.0...1.0] {
      let sampler = try Sampler(model.denoiser, runtime, batch: 64, clip: clip)
      func draw(_ method: SamplingMethod) throws -> [Float] {
        try sampler.sample(seeds: Self.seeds, method, steps: times)
      }
      let (one, other) = (try draw(.ddim(eta: 1)), try draw(.ancestral(.posterior)))
      let gap = largestGap(one, other) / standardDeviation(other)
      print(
        "DDIM eta 1, ancestral: \(kind), T \(times), clip \(clip != nil): gap \(gap) deviations")
      #expect(gap <= 1e-4, "seed 17")
      // The comparison can fail: less noise gives different samples.
      let less = try draw(.ddim(eta: 0.9))
      #expect(largestGap(less, other) > 1e-3 * standardDeviation(other), "seed 17")
    }
  }

  @Test func ddimWithEtaOneIsAncestralForImages() throws {
    let configuration = UNetConfiguration(
      height: 8, width: 8, channels: 1, base: 8, multipliers: [1, 2], blocks: 1)
    let (model, parameters) = try imageModel(configuration, times: 50)
    let runtime = try Runtime.random(parameters, seed: 3, threads: 1)
    let sampler = try Sampler(model.denoiser, runtime, batch: 4, clip: -1...1)
    let one = try sampler.sample(seeds: [0, 1, 2, 3], .ddim(eta: 1), steps: 50)
    let other = try sampler.sample(seeds: [0, 1, 2, 3], .ancestral(.posterior), steps: 50)
    #expect(largestGap(one, other) <= 1e-4 * standardDeviation(other), "seed 3")
  }

  /// Every sample is the same multiple of its start if the denoiser is linear and no noise is added.
  @Test(arguments: [(100, 100), (100, 7), (1000, 50), (10, 1)])
  func etaZeroAddsNoNoise(times: Int, steps: Int) throws {
    let schedule = try NoiseSchedule(.su, times: times)
    var numbers = SplitMix64(seed: times + steps)
    let factors = numbers.values(times, in: 0.2...0.9)
    let sampler = try Sampler(
      linearModel(schedule, factors: factors).denoiser, try Runtime(seed: 0, threads: 1), batch: 64)
    func run(_ eta: Double) throws -> (start: [Float], end: [Float]) {
      var start: [Float] = []
      let end = try sampler.sample(seeds: Self.seeds, .ddim(eta: eta), steps: steps) { done, x in
        if done == 0 { start = x }
      }
      return (start, end)
    }
    let visited = try wholeTimes(schedule, .ddim(eta: 0), steps: steps)
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

  @Test(arguments: SamplingMethod.everyKind, [1, 5, 100])
  func clippingKeepsSamplesInRange(method: SamplingMethod, steps: Int) throws {
    for kind in NoiseSchedule.Kind.allCases {
      let (model, parameters) = try pointModel(kind, times: 100)
      let runtime = try Runtime.random(parameters, seed: 29, threads: 1)
      func draw(_ clip: ClosedRange<Double>?) throws -> [Float] {
        try Sampler(model.denoiser, runtime, batch: 64, clip: clip)
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
    let raw = try Sampler(model.denoiser, runtime, batch: 2)
    let averaged = try Sampler(
      model.denoiser, runtime, batch: 2, weights: Weights.averaged.reading(parameters.variables))
    let before = try raw.sample(seeds: [1, 2], .ddim(eta: 0), steps: 10)
    #expect(try averaged.sample(seeds: [1, 2], .ddim(eta: 0), steps: 10) == before)
    for variable in parameters.variables {
      try runtime.write(
        variable: variable.name, [Float](repeating: 0.1, count: variable.shape.reduce(1, *)))
    }
    #expect(try averaged.sample(seeds: [1, 2], .ddim(eta: 0), steps: 10) == before)
    #expect(try raw.sample(seeds: [1, 2], .ddim(eta: 0), steps: 10) != before)
  }

  @Test func observesEveryStepOfEveryBatch() throws {
    let (model, parameters) = try pointModel(times: 10)
    let runtime = try Runtime.random(parameters, seed: 5, threads: 1)
    let sampler = try Sampler(model.denoiser, runtime, batch: 4)
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
    #expect(try sampler.sample(seeds: [], .ddim(eta: 1), steps: 10).isEmpty)
  }
}
