import DDPM
import TensorCore
import TestSupport
import Testing

@Suite struct LossTests {
  @Test(arguments: NoiseSchedule.Kind.allCases)
  func noisedExamplesFollowTheFormula(kind: NoiseSchedule.Kind) throws {
    let times = 1000
    let schedule = try NoiseSchedule(kind, times: times)
    let shape = [6, 3, 2, 1]
    let model = GaussianDiffusion(
      schedule: schedule, denoiser: Denoiser(shape: [3, 2, 1]) { x, _ in x })
    let x = Tensor.input("x", shape)
    let noise = Tensor.input("noise", shape)
    let index = Tensor.input("index", [6])
    let y = model.noised(x, noise, at: index)
    let program = try Runtime(seed: 0, threads: 1).compile("noised", [y])
    var numbers = SplitMix64(seed: 11)
    let (data, draws) = (numbers.values(36), numbers.values(36, in: -3...3))
    let at = [1, times, 2, times - 1, 500, 1]
    try program.fill(x, with: data.map { Float($0) })
    try program.fill(noise, with: draws.map { Float($0) })
    try program.fill(index, with: at.map { Float($0 - 1) })
    program.run()
    for (i, value) in try program.values(y).enumerated() {
      let t = at[i / 6]
      let (signal, deviation) = (schedule.alphaBar[t], schedule.betaBar[t])
      // Two factors rounded to Float, two products and a sum.
      let size = abs(signal * data[i]) + abs(deviation * draws[i])
      let gap = abs(Double(value) - (signal * data[i] + deviation * draws[i]))
      #expect(gap <= 3 * 0x1p-24 * size, "t \(t)")
    }
  }

  @Test(arguments: [[2], [1], [4, 4, 3]], 0..<3)
  func anEstimateOfZeroHasALossOfOne(shape: [Int], seed: Int) throws {
    let zeros = Denoiser(shape: shape) { x, _ in .zeros(x.shape) }
    let model = GaussianDiffusion(schedule: try NoiseSchedule(.linear, times: 100), denoiser: zeros)
    let batch = 20_000
    let loss = model.loss(.zeros([batch] + shape))
    let program = try Runtime(seed: UInt64(seed), threads: 1).compile("loss", [loss])
    program.run()
    let count = Double(batch * shape.reduce(1, *))
    let gap = abs(Double(try program.scalar(loss)) - 1)
    #expect(gap < 5 * (2 / count).squareRoot(), "seed \(seed)")
  }

  /// The loss is 1 + E[index²] over 0..<T if the estimate is the time index.
  @Test(arguments: [10, 1000, 100_000])
  func timesAreUniform(times: Int) throws {
    let clock = Denoiser(shape: [1]) { x, time in time.reshape([-1, 1]).broadcast(to: x.shape) }
    let model = GaussianDiffusion(schedule: try NoiseSchedule(.su, times: times), denoiser: clock)
    let (batch, seed) = (50_000, 7)
    let loss = model.loss(.zeros([batch, 1]))
    let program = try Runtime(seed: UInt64(seed), threads: 1).compile("loss", [loss])
    program.run()
    let squares = (0..<times).map { Double($0) * Double($0) }
    let mean = squares.reduce(0, +) / Double(times)
    let fourth = squares.reduce(0) { $0 + $1 * $1 } / Double(times)
    // Of (index - ε)²: E = m₂ + 1, E² = m₄ + 6 m₂ + 3.
    let variance = fourth + 6 * mean + 3 - (mean + 1) * (mean + 1)
    let gap = abs(Double(try program.scalar(loss)) - mean - 1)
    #expect(gap < 5 * (variance / Double(batch)).squareRoot(), "seed \(seed)")
  }

  @Test func anExactEstimateHasZeroLoss() throws {
    // If the data are zero, the noise is x_t / β̄_t.
    let schedule = try NoiseSchedule(.cosine, times: 50)
    let model = linearModel(schedule, factors: schedule.betaBar.dropFirst().map { 1 / $0 })
    let loss = model.loss(.zeros([512, 2]))
    let program = try Runtime(seed: 1, threads: 1).compile("loss", [loss])
    program.run()
    #expect(try program.scalar(loss) < 1e-12)
  }
}

@Suite struct ShapeTests {
  private func model(_ body: @escaping @Sendable (Tensor, Tensor) -> Tensor) throws
    -> GaussianDiffusion
  {
    GaussianDiffusion(
      schedule: try NoiseSchedule(.su, times: 10), denoiser: Denoiser(shape: [2], body))
  }

  @Test(arguments: [
    ([4, 3], "a denoiser of examples [2] given [4, 3] and times of shape [4]"),
    ([4], "a denoiser of examples [2] given [4] and times of shape [4]"),
    ([4, 2, 1], "a denoiser of examples [2] given [4, 2, 1] and times of shape [4]"),
    ([], "a loss of data of shape [], not [batch] + [2]"),
  ])
  func dataMustFit(shape: [Int], message: String) throws {
    let loss = try model { x, _ in x }.loss(.zeros(shape))
    #expect(loss.failure == message)
    #expect(throws: TensorError(message)) {
      try Runtime(seed: 0, threads: 1).compile("loss", [loss])
    }
  }

  @Test func estimatesMustFit() throws {
    // Otherwise it would silently broadcast against the noise.
    let loss = try model { x, _ in x.slice(axis: 1, from: 0, count: 1) }.loss(.zeros([4, 2]))
    #expect(loss.failure == "a denoiser gives shape [4, 1] for [4, 2]")
  }

  @Test func noiseAndTimesMustFit() throws {
    let model = try model { x, _ in x }
    let wrong = model.noised(.zeros([4, 2]), .zeros([4, 1]), at: .zeros([4]))
    #expect(wrong.failure == "noise [4, 1] and times [4] do not fit data of shape [4, 2]")
    let scalar = model.noised(.zeros([4, 2]), .zeros([4, 2]), at: .zeros([]))
    #expect(scalar.failure == "noise [4, 2] and times [] do not fit data of shape [4, 2]")
  }

  @Test func theFirstErrorIsReported() throws {
    let loss = try model { x, _ in x.failing("no such network") }.loss(.zeros([4, 2]))
    #expect(loss.failure == "no such network")
  }

  @Test(arguments: [
    (0, 8, 1, 8, "the sizes of an MLP must be at least 1, not 0 coordinates, width 8, depth 1"),
    (2, 0, 1, 8, "the sizes of an MLP must be at least 1, not 2 coordinates, width 0, depth 1"),
    (2, 8, 0, 8, "the sizes of an MLP must be at least 1, not 2 coordinates, width 8, depth 0"),
    (2, 8, 1, 0, "the number of time features must be even and at least 2, not 0"),
    (2, 8, 1, 7, "the number of time features must be even and at least 2, not 7"),
  ])
  func sizesOfPointNetworks(
    dimensions: Int, width: Int, depth: Int, timeFeatures: Int, message: String
  ) {
    let denoiser = mlpDenoiser(
      dimensions: dimensions, width: width, depth: depth, timeFeatures: timeFeatures, times: 10,
      Parameters("denoiser"))
    let x = dimensions > 0 ? Tensor.zeros([4, dimensions]) : Tensor.zeros([4, 0])
    #expect(denoiser(x, .zeros([4])).failure == message)
  }
}
