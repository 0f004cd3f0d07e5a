import DDPM
import Diffusion
import Networks
import TensorCore
import TestSupport
import Testing

@Suite struct LossTests {
  /// Data that are one known point: x and the level give ε exactly.
  @Test(arguments: NoiseSchedule.Kind.allCases)
  func noisedExamplesFollowTheFormula(kind: NoiseSchedule.Kind) throws {
    let schedule = try NoiseSchedule(kind, times: 1000)
    let point = [0.7, -1.3, 2.0, 0.25, -0.5, 1.0]
    @Sendable func column(_ values: [Double], _ time: Tensor) -> Tensor {
      Tensor.literal(Array(values.dropFirst()), [schedule.times, 1, 1, 1]).gather(time)
    }
    let data = Tensor.literal(point, [1, 3, 2, 1]).broadcast(to: [500, 3, 2, 1])
    func loss(moved: Double) throws -> Float {
      let model = GaussianDiffusion(
        schedule: schedule,
        network: DenoisingNetwork(shape: [3, 2, 1]) { x, time in
          let known = Tensor.literal(point.map { $0 + moved }, [1, 3, 2, 1])
          return (x - column(schedule.alphaBar, time) * known) / column(schedule.betaBar, time)
        })
      let loss = model.loss(data)
      let program = try Runtime(seed: 2, threads: 1).compile("loss", [loss])
      program.run()
      return try program.scalar(loss)
    }
    // Rounding of x divided by the least noise, 2e-3: (2^-24 2/2e-3)² = 4e-9 at worst.
    #expect(try loss(moved: 0) < 4e-9)
    #expect(try loss(moved: 0.01) > 1e-5)
  }

  @Test(arguments: [[2], [1], [4, 4, 3]], 0..<3)
  func anEstimateOfZeroHasALossOfOne(shape: [Int], seed: Int) throws {
    let zeros = DenoisingNetwork(shape: shape) { x, _ in .zeros(x.shape) }
    let model = GaussianDiffusion(schedule: try NoiseSchedule(.linear, times: 100), network: zeros)
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
    let clock = DenoisingNetwork(shape: [1]) { x, time in
      time.reshape([-1, 1]).broadcast(to: x.shape)
    }
    let model = GaussianDiffusion(schedule: try NoiseSchedule(.su, times: times), network: clock)
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
      schedule: try NoiseSchedule(.su, times: 10), network: DenoisingNetwork(shape: [2], body))
  }

  @Test(arguments: [
    ([4, 3], "a network of examples [2] given [4, 3] and times of shape [4]"),
    ([4], "a network of examples [2] given [4] and times of shape [4]"),
    ([4, 2, 1], "a network of examples [2] given [4, 2, 1] and times of shape [4]"),
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
    #expect(loss.failure == "a network gives shape [4, 1] for [4, 2]")
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
    let network = mlpNetwork(
      dimensions: dimensions, width: width, depth: depth, timeFeatures: timeFeatures,
      Parameters("denoiser"))
    let x = dimensions > 0 ? Tensor.zeros([4, dimensions]) : Tensor.zeros([4, 0])
    #expect(network(x, .zeros([4])).failure == message)
  }
}
