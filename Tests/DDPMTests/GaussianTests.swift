import DDPM
import Diffusion
import TensorCore
import TestSupport
import Testing

/// Data N(0, s² I): the optimal estimate of the noise is β̄_t x/(ᾱ_t² s² + β̄_t²).
private struct GaussianData {
  let schedule: NoiseSchedule
  let deviation: Double

  /// The variance of x_t.
  func variance(_ t: Int) -> Double {
    let (signal, noise) = (schedule.alphaBar[t] * deviation, schedule.betaBar[t])
    return signal * signal + noise * noise
  }

  /// The factor of x_t in the optimal estimate, at index t - 1.
  var factors: [Double] { (1...schedule.times).map { schedule.betaBar[$0] / variance($0) } }

  /// The variance of x at each visited time of the exact chain, from 1 at T.
  ///
  /// Computed from the mean of x_s given x_t and the optimal x̂_0 (Ho et al. 2020, eq. 7; Song et al. 2021, eq. 12).
  func chain(_ method: SamplingMethod, _ visited: [Int]) -> [Double] {
    var result = [1.0]
    for (t, s) in zip(visited, visited.dropFirst()) {
      let (signal, next) = (schedule.alphaBar[t], schedule.alphaBar[s])
      let (noise, nextNoise) = (schedule.betaBar[t], schedule.betaBar[s])
      let clean = signal * deviation * deviation / variance(t)
      let alpha = signal / next
      let beta = (1 - alpha * alpha).squareRoot()
      let (factor, sigma): (Double, Double)
      switch method {
      case .ancestral(let kind):
        let ofX = alpha * nextNoise * nextNoise / (noise * noise)
        factor = ofX + next * beta * beta / (noise * noise) * clean
        sigma = s == 0 ? 0 : kind == .beta ? beta : beta * nextNoise / noise
      default:
        // DDIM without fresh noise.
        factor = next * clean + nextNoise * noise / variance(t)
        sigma = 0
      }
      result.append(factor * factor * result[result.count - 1] + sigma * sigma)
    }
    return result
  }
}

extension NoiseSchedule {
  /// The whole times that a sampler visits, and 0.
  fileprivate func visitedTimes(_ method: SamplingMethod, steps: Int) throws -> [Int] {
    let visits = try NoisePath(self).visits(method, steps: steps)
    return visits.map { Int(($0.time * Double(times)).rounded()) } + [0]
  }
}

@Suite struct GaussianTests {
  static let methods: [SamplingMethod] = [
    .ancestral(.beta), .ancestral(.posterior), .ddim(eta: 0),
  ]

  @Test(arguments: [0.5, 1.5], methods)
  func samplersHaveTheExactVariance(deviation: Double, method: SamplingMethod) throws {
    let cases: [(kind: NoiseSchedule.Kind, times: Int, steps: Int)] = [
      (.linear, 1000, 1000), (.su, 1000, 50), (.cosine, 100, 7), (.su, 10, 10),
    ]
    for (kind, times, steps) in cases {
      let schedule = try NoiseSchedule(kind, times: times)
      let data = GaussianData(schedule: schedule, deviation: deviation)
      let (batch, count) = (4000, 20_000)
      let runtime = try Runtime(seed: 0, threads: 1)
      let sampler = try Sampler(
        linearModel(schedule, factors: data.factors).denoiser, runtime, batch: batch)
      var sums = [Double](repeating: 0, count: steps + 1)
      var squares = sums
      _ = try sampler.sample(
        seeds: (0..<count).map { 1000 + UInt64($0) }, method, steps: steps
      ) { done, x in
        guard done % max(1, steps / 10) == 0 || done == steps else { return }
        for value in x {
          sums[done] += Double(value)
          squares[done] += Double(value) * Double(value)
        }
      }
      let exact = data.chain(method, try schedule.visitedTimes(method, steps: steps))
      let n = Double(2 * count)
      for done in 0...steps where squares[done] > 0 {
        let context: Comment = "\(kind), T \(times), step \(done) of \(steps), seeds 1000..."
        // The mean is 0, so it is not estimated.
        let error = (squares[done] / n - exact[done]) / (exact[done] * (2 / n).squareRoot())
        #expect(abs(error) < 4, context)
        #expect(abs(sums[done] / n) < 4 * (exact[done] / n).squareRoot(), context)
      }
      let drawn = (squares[steps] / n).squareRoot()
      print(
        "Gaussian s \(deviation), \(method), \(kind), T \(times), \(steps) steps: deviation",
        "\(drawn), exact \(exact[steps].squareRoot())")
    }
  }

  /// The chain that visits every time ends near the data.
  @Test(arguments: [0.5, 1.5], methods)
  func exactChainsEndAtTheData(deviation: Double, method: SamplingMethod) throws {
    for kind in NoiseSchedule.Kind.allCases {
      let schedule = try NoiseSchedule(kind, times: 1000)
      let data = GaussianData(schedule: schedule, deviation: deviation)
      let last = data.chain(method, try schedule.visitedTimes(method, steps: 1000))[1000]
      #expect(relativeGap(last.squareRoot(), deviation) < 0.01, "\(kind)")
    }
  }

  @Test(arguments: [0.5, 1.5])
  func trainingFindsTheOptimalDenoiser(deviation: Double) throws {
    let (times, steps, batch, seed) = (1000, 3000, 256, 4)
    let (model, parameters) = try pointModel(times: times, width: 64, depth: 2)
    let runtime = try Runtime(seed: UInt64(seed), threads: 1)
    let loss = model.loss(deviation * Tensor.normal([batch, 2], "data"))
    let rate = Rate(4e-3).cosine(until: steps).warmedUp(over: 100)
    let descent = minimize(loss, parameters, chain(adam(rate), average(decay: 0.995)))
    let training = try runtime.compile("train", [loss, descent.isFinite], updates: descent.updates)
    for step in 0..<steps {
      training.run()
      try #require(try training.scalar(descent.isFinite) == 1, "seed \(seed), step \(step)")
    }

    // All times are equally likely, and x_t has its distribution at that time.
    let data = GaussianData(schedule: model.schedule, deviation: deviation)
    let spread = (1...times).map { data.variance($0).squareRoot() }
    let x = Tensor.literal(spread, [times, 1]) * Tensor.normal([times, 2], "x")
    let time = Tensor.literal((0..<times).map { Double($0) }, [times])
    let estimate = Weights.averaged.reading(parameters.variables)(model.denoiser.network(x, time))
    let evaluation = try runtime.compile("evaluate", [x, estimate])
    let (rounds, factors) = (20, data.factors)
    var total = 0.0
    for round in 0..<rounds {
      evaluation.run(at: UInt64(round))
      let (points, estimates) = (try evaluation.values(x), try evaluation.values(estimate))
      for i in points.indices {
        let gap = Double(estimates[i]) - factors[i / 2] * Double(points[i])
        total += gap * gap
      }
    }
    let gap = total / Double(rounds * times * 2)
    print(
      "DDPM on N(0, \(deviation)² I): mean squared gap to the closed-form denoiser \(gap) per",
      "dimension (\(rounds * times) points, T \(times), \(steps) steps of \(batch), seed \(seed))")
    #expect(gap <= 0.01, "seed \(seed)")
  }
}
