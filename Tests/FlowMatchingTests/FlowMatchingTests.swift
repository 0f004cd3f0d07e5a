import Diffusion
import FlowMatching
import Networks
import TensorCore
import Testing

@Suite struct FlowMatchingTests {
  /// A model whose network gives zeros.
  private static func zeroModel(_ path: NoisePath, _ target: Target) -> FlowMatchingModel {
    FlowMatchingModel(
      network: DenoisingNetwork(shape: [2]) { x, _ in 0 * x }, path: path, target: target)
  }

  @Test func lossOfNoVelocityIsItsMeanSquare() throws {
    // E|ε - x_0|² per dimension is 1 plus the mean square of the data.
    let data = Tensor.normal([20_000, 2], "data") * 0.5 + 1.0
    let loss = Self.zeroModel(.straight, .velocity).loss(data)
    let program = try Runtime(seed: 3, threads: 1).compile("train", [loss])
    program.run(at: 0)
    #expect(abs(Double(try program.scalar(loss)) - 2.25) < 0.05)
  }

  @Test func aStepOfEulerFollowsTheStraightLine() throws {
    for (steps, time) in [(1, 1.0), (4, 1.0), (5, 0.6)] {
      for visit in try NoisePath.straight.visits(.euler, steps: steps, from: time) {
        let (from, to) = (visit.level, visit.next.level)
        // In straight coordinates x̃ = x/(a + s), the step is x̃ + (r' - r)(ε - x_0).
        let (r, q) = (from.straightTime, to.straightTime)
        for (clean, noise) in [(0.3, -1.2), (-2.0, 0.5)] {
          let x = from.signal * clean + from.noise * noise
          let next = visit.base * x + visit.estimate * clean
          let straight = x / (from.signal + from.noise) + (q - r) * (noise - clean)
          #expect(abs(next / (to.signal + to.noise) - straight) < 1e-12)
        }
      }
    }
  }

  /// The exact velocity of data N(m, s²) carries noise to that distribution.
  @Test(
    arguments: [NoisePath.straight, .cosine, .edm()], [SamplingMethod.euler, .heun, .dpmSolver])
  func exactVelocityGivesTheData(path: NoisePath, method: SamplingMethod) throws {
    let (mean, deviation) = (0.7, 0.4)
    // x̂_0 = m + a s²(x - a m)/(a² s² + b²); the network knows the level by its time alone.
    let levels = (0...1000).map { path.level(at: Double($0) / 1000) }
    func column(_ value: (NoiseLevel) -> Double) -> Tensor {
      .literal(levels.map(value), [levels.count, 1])
    }
    let (signals, noises) = (column(\.signal), column(\.noise))
    let network = DenoisingNetwork(shape: [1]) { x, time in
      func at(_ table: Tensor) -> Tensor {
        let left = floor(minimum(time, 999))
        let share = (time - left).reshape([-1, 1])
        return table.gather(left) + share * (table.gather(left + 1) - table.gather(left))
      }
      let (a, b) = (at(signals), at(noises))
      let variance = a.squared() * (deviation * deviation) + b.squared()
      let ratio = (deviation * deviation) * a / variance
      return mean + ratio * (x - mean * a)
    }
    let denoiser = FlowMatchingModel(network: network, path: path, target: .x0).denoiser
    let sampler = try Sampler(denoiser, Runtime(seed: 0, threads: 1), batch: 4000)
    let samples = try sampler.sample(seeds: Array(0..<8000), method, steps: 200)
    let average = samples.reduce(0) { $0 + Double($1) } / Double(samples.count)
    let square = samples.reduce(0) { $0 + (Double($1) - average) * (Double($1) - average) }
    // Three standard errors of 8,000 samples, and the error of 200 steps.
    #expect(abs(average - mean) < 0.025, "\(method)")
    #expect(abs((square / Double(samples.count)).squareRoot() - deviation) < 0.02, "\(method)")
  }
}
