import Diffusion
import Glibc
import Likelihood
import Networks
import TensorCore
import Testing

@Suite struct ProbabilityFlowTests {
  // At the end of a path x is N(a m, ...) with a = 0.005, and the ODE begins with N(0, 1), so that a
  // mean of 0.6 would cost 0.003 in units of x there.
  private static let mean = 0.05, deviation = 0.4

  /// The exact denoiser of independent N(m, s²) coordinates, told the level by its time.
  private static func denoiser(_ path: NoisePath) -> Denoiser {
    let levels = (0...4000).map { path.level(at: Double($0) / 4000) }
    func column(_ value: (NoiseLevel) -> Double) -> Tensor {
      .literal(levels.map(value), [levels.count, 1])
    }
    let (signals, noises) = (column(\.signal), column(\.noise))
    let network = DenoisingNetwork(shape: [2]) { x, time in
      let place = minimum(4 * time, 3999.999)
      let left = floor(place)
      func at(_ table: Tensor) -> Tensor {
        let share = (place - left).reshape([-1, 1])
        return table.gather(left) + share * (table.gather(left + 1) - table.gather(left))
      }
      let (a, b) = (at(signals), at(noises))
      let variance = a.squared() * (deviation * deviation) + b.squared()
      return mean + (deviation * deviation) * a / variance * (x - mean * a)
    }
    return Denoiser(network, target: .x0, path: path)
  }

  private static let points: [Float] = [0.05, 0.05, -0.3, 0.4, -0.8, 0, 0.9, 1.1, 0.06, -1.2, 0, 0]

  @Test(arguments: [NoisePath.straight, .cosine]) func gaussianDataHaveTheirDensity(
    path: NoisePath
  ) throws {
    let flow = try ProbabilityFlow(
      Self.denoiser(path), Runtime(seed: 0, threads: 1), batch: 8)
    let count = Self.points.count / 2
    let found = try flow.estimates(of: Examples(Self.points, count: count, seed: 0)) { _ in }[0]
    #expect(found.estimator == .ode && found.values.count == count)
    for row in 0..<count {
      let exact = (0..<2).reduce(0.0) { sum, i in
        let z = (Double(Self.points[2 * row + i]) - Self.mean) / Self.deviation
        return sum - z * z / 2 - log(Self.deviation) - log(2 * .pi) / 2
      }
      #expect(abs(found.values[row] - exact) < 3e-3, "row \(row): \(found.values[row]) \(exact)")
    }
  }

  @Test func aDensityDoesNotDependOnCompanions() throws {
    let flow = try ProbabilityFlow(
      Self.denoiser(.cosine), Runtime(seed: 0, threads: 1), steps: 20, batch: 8)
    let all = try flow.estimates(of: Examples(Self.points, count: 6, seed: 0)) { _ in }[0].values
    for row in 0..<6 {
      let alone = Array(Self.points[2 * row..<2 * row + 2])
      let value = try flow.estimates(of: Examples(alone, count: 1, seed: 0)) { _ in }[0].values
      #expect(value == [all[row]])
    }
  }

  @Test func otherModelsAreRefused() throws {
    let runtime = try Runtime(seed: 0, threads: 1)
    for network in [
      DenoisingNetwork(shape: [2], classes: 3) { x, _, _ in x },
      DenoisingNetwork(shape: [4, 4, 1]) { x, _ in x },
      DenoisingNetwork(shape: [65]) { x, _ in x },
    ] {
      #expect(throws: TensorError.self) {
        _ = try ProbabilityFlow(Denoiser(network, target: .x0, path: .cosine), runtime)
      }
    }
  }
}
