import DDPM
import Diffusion
import Networks
import TensorCore
import Testing

/// Data that are one point for each class: every sampler with the optimal denoiser ends at it.
private func pointDenoiser(_ schedule: NoiseSchedule, points: [[Double]]) -> Denoiser {
  let width = points[0].count
  let signal = Array(schedule.alphaBar.dropFirst())
  let deviation = Array(schedule.betaBar.dropFirst())
  let times = schedule.times
  return Denoiser(
    DenoisingNetwork(shape: [width], classes: points.count) { x, time, label in
      let of = Tensor.literal(points.flatMap { $0 }, [points.count, width]).gather(label ?? time)
      let a = Tensor.literal(signal, [times, 1]).gather(time)
      return (x - a * of) / Tensor.literal(deviation, [times, 1]).gather(time)
    }, target: .noise, path: NoisePath(schedule))
}

@Suite struct PlayTests {
  static let points = [[0.5, -1.0], [2.0, 0.25], [-1.5, 1.0]]
  /// Methods that visit whole times, at which the denoiser of points is known.
  static let methods: [SamplingMethod] = [
    .ancestral(.beta), .ancestral(.posterior), .ddim(eta: 0), .ddim(eta: 0.5), .heun,
  ]

  private func sampler() throws -> Sampler {
    let schedule = try NoiseSchedule(.linear, times: 100)
    return try Sampler(
      pointDenoiser(schedule, points: Self.points), try Runtime(seed: 0, threads: 1), batch: 8)
  }

  /// Single precision loses about 1/ᾱ_T of its digits in the first step, and later steps correct the error.
  private func expect(
    _ samples: [Float], near points: [[Double]], _ sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let wanted = points.flatMap { $0 }
    #expect(samples.count == wanted.count, sourceLocation: sourceLocation)
    for (sample, wanted) in zip(samples, wanted) {
      #expect(abs(Double(sample) - wanted) < 2e-3, sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: methods)
  func samplesAreOfTheRequestedClass(method: SamplingMethod) throws {
    let sampler = try sampler()
    var request = Sampler.Request(method, steps: 20)
    request.labels = [2, 0, 1, 1, 2]
    let samples = try sampler.sample(seeds: [9, 8, 7, 6, 5], request)
    expect(samples, near: [2, 0, 1, 1, 2].map { Self.points[$0] })
  }

  @Test func theDefaultClassIsTheSeedModuloClasses() throws {
    let samples = try sampler().sample(seeds: [0, 1, 2, 3, 7], .ddim(eta: 0), steps: 20)
    expect(samples, near: [0, 1, 2, 0, 1].map { Self.points[$0] })
  }

  @Test(arguments: [[0, 1], [0, 1, 3], [0, 1, -1]])
  func refusesClassesThatDoNotExist(labels: [Int]) throws {
    let sampler = try sampler()
    var request = Sampler.Request(.ddim(eta: 0), steps: 5)
    request.labels = labels
    let wanted = request
    #expect(
      throws: TensorError(
        "expected a class from 0 to 2 for each of 3 samples, found \(labels)")
    ) { try sampler.sample(seeds: [1, 2, 3], wanted) }
  }

  @Test func unconditionalModelsRefuseClasses() throws {
    let schedule = try NoiseSchedule(.su, times: 10)
    let model = Denoiser(
      DenoisingNetwork(shape: [2]) { x, _ in 0 * x }, target: .noise, path: NoisePath(schedule))
    let sampler = try Sampler(model, try Runtime(seed: 0, threads: 1), batch: 4)
    var request = Sampler.Request(.ddim(eta: 0), steps: 5)
    request.labels = [0]
    let wanted = request
    #expect(throws: TensorError("the model is not class-conditional: expected no classes")) {
      try sampler.sample(seeds: [1], wanted)
    }
    let x = Tensor.zeros([4, 2])
    let estimate = model.network(x, .zeros([4]), label: .zeros([4]))
    #expect(estimate.failure == "a network of no classes given classes of shape [4]")
  }

  /// The deterministic reverse process with an estimate of zero only divides by ᾱ_t.
  @Test(arguments: [1, 13, 100], [1, 7])
  func startsAtTheRequestedTime(time: Int, steps: Int) throws {
    let schedule = try NoiseSchedule(.linear, times: 100)
    let model = Denoiser(
      DenoisingNetwork(shape: [2]) { x, _ in 0 * x }, target: .noise, path: NoisePath(schedule))
    let sampler = try Sampler(model, try Runtime(seed: 0, threads: 1), batch: 4)
    let examples: [Float] = [1, -2, 3, 0.5, -0.25, 4]
    var request = Sampler.Request(.ddim(eta: 0), steps: min(steps, time))
    request.start = Sampler.Start(examples, time: Double(time) / 100)
    var begun: [Float] = []
    let samples = try sampler.sample(seeds: [4, 5, 6], request) { done, rows in
      if done == 0 { begun = Array(rows.prefix(6)) }
    }
    for i in examples.indices {
      let noise =
        (Double(begun[i]) - schedule.alphaBar[time] * Double(examples[i]))
        / schedule.betaBar[time]
      #expect(abs(noise) < 5, "not standard normal: \(noise)")
      let wanted = Double(begun[i]) / schedule.alphaBar[time]
      #expect(abs(Double(samples[i]) - wanted) <= 1e-5 * max(1, abs(wanted)))
    }
    // The same seeds noise the same way: the difference of two starts is that of the examples.
    request.start = Sampler.Start(examples.map { $0 + 1 }, time: Double(time) / 100)
    var moved: [Float] = []
    _ = try sampler.sample(seeds: [4, 5, 6], request) { done, rows in
      if done == 0 { moved = Array(rows.prefix(6)) }
    }
    for (a, b) in zip(begun, moved) {
      #expect(abs(Double(b - a) - schedule.alphaBar[time]) < 1e-5)
    }
  }

  @Test(arguments: methods)
  func whatIsKnownStaysAndTheRestIsDrawn(method: SamplingMethod) throws {
    let sampler = try sampler()
    var request = Sampler.Request(method, steps: 25)
    request.labels = [1, 1, 1]
    request.known = Sampler.Known([7, 100], isDrawn: [false, true])
    let samples = try sampler.sample(seeds: [1, 2, 3], request)
    for row in 0..<3 {
      #expect(samples[2 * row] == 7)
      #expect(abs(samples[2 * row + 1] - 0.25) < 2e-3)
    }
  }

  @Test(arguments: [0, 1, 2], [1, 40, 100])
  func theScoreOfOnePointPointsToIt(label: Int, time: Int) throws {
    let schedule = try NoiseSchedule(.linear, times: 100)
    let model = pointDenoiser(schedule, points: Self.points)
    let field = try ScoreField(model, try Runtime(seed: 0, threads: 1), count: 3)
    let x: [Float] = [0, 0, 1, -1, -2, 0.5]
    let score = try field(x, time: Double(time) / 100, label: label)
    let (a, b) = (schedule.alphaBar[time], schedule.betaBar[time])
    for i in x.indices {
      // log p_t is that of N(ᾱ point, β̄²).
      let wanted = (a * Self.points[label][i % 2] - Double(x[i])) / (b * b)
      #expect(abs(Double(score[i]) - wanted) <= 1e-4 * max(1, abs(wanted)))
    }
  }
}
