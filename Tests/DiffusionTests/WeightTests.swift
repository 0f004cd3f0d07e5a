import DDPM
import Diffusion
import Networks
import TensorCore
import TestSupport
import Testing

/// Weights of errors, and the bound that they make.
@Suite struct WeightTests {
  static let affine = Target.allCases.filter(\.isAffine)
  static let distributions: [TimeDistribution] = [
    .uniform, .stratified, .logSNR, .logNormal(mean: -0.5, standardDeviation: 1.2),
  ]

  /// The weights are the same function of errors of x_0 in every spelling.
  @Test(arguments: Target.allCases, TargetTests.levels)
  func weightsAreOfErrorsOfTheData(target: Target, level: NoiseLevel) {
    let (ratio, factor) = (level.signalToNoise, target.errorFactor(level))
    #expect(LossWeight.simple.factor(level, target, density: 3) == 1)
    for gamma in [0.5, 5, 1e9] {
      let weight = LossWeight.minSNR(gamma: gamma).factor(level, target, density: 3)
      #expect(relativeGap(weight * factor, min(ratio, gamma)) < 1e-12)
    }
    for density in [0.1, 3] {
      // ½ SNR |x_0 - x̂_0|² d(-log SNR), with the probability of d(-log SNR) divided out.
      let weight = LossWeight.bound.factor(level, target, density: density)
      #expect(relativeGap(weight * factor, ratio / (2 * density)) < 1e-12)
    }
  }

  /// The same network in every spelling has the same loss, from the same draws.
  @Test(arguments: [LossWeight.minSNR(gamma: 5), .bound], distributions)
  func lossesDoNotDependOnTheSpelling(weight: LossWeight, times: TimeDistribution) throws {
    // A wrong one, so that there are errors to weigh.
    let model = GaussianData(mean: 0.5, deviation: 1.3)
    let schedule = try NoiseSchedule(.linear, times: 100)
    func loss(_ denoiser: Denoiser) throws -> Double {
      let data = 0.4 * Tensor.normal([256, 2], "data")
      let loss = DenoisingLoss(weight: weight, times: times)(denoiser, data)
      let program = try Runtime(seed: 6, threads: 1).compile("train", [loss])
      program.run()
      return Double(try program.scalar(loss))
    }
    let expected = try loss(model.cosineDenoiser(.x0))
    let ofSchedule = try loss(model.denoiser(schedule, .x0))
    #expect(expected > 0.01)
    for target in Self.affine {
      // Time and log SNR are each linear between 4,097 places, of which the first two are at t and
      // 1.19 t: the network's level is up to 0.5 % off there.
      let continuous = try loss(model.cosineDenoiser(target))
      #expect(relativeGap(continuous, expected) < 1e-2, "\(target): \(continuous), \(expected)")
      guard times == .uniform || times == .stratified else { continue }
      let found = try loss(model.denoiser(schedule, target))
      #expect(relativeGap(found, ofSchedule) < 2e-3, "\(target)")
    }
  }

  private struct Estimate {
    var mean, standardError: Double
  }

  /// The mean of the loss over steps.
  private func mean(_ denoiser: Denoiser, _ times: TimeDistribution, _ data: GaussianData) throws
    -> Estimate
  {
    let x = data.deviation * Tensor.normal([1000, 2], "data")
    let loss = DenoisingLoss(weight: .bound, times: times)(denoiser, x)
    let program = try Runtime(seed: 12, threads: 1).compile("train", [loss])
    let values = try (0..<60).map { step in
      program.run(at: UInt64(step))
      return Double(try program.scalar(loss))
    }
    let mean = values.reduce(0, +) / 60
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 59
    return Estimate(mean: mean, standardError: (square / 60).squareRoot())
  }

  /// ½ ∫ E|ε - ε̂|² d(-log SNR) between two levels, in nats per dimension: of N(0, c²), the integral
  /// of 1/(1 + 1/(c² SNR)), half of log(SNR + 1/c²) between them.
  private func integral(_ data: GaussianData, _ first: NoiseLevel, _ last: NoiseLevel) -> Double {
    let least = 1 / (data.deviation * data.deviation)
    return ((first.signalToNoise + least) / (last.signalToNoise + least)).logarithm / 2
  }

  /// The loss is the same integral by every distribution of times and in every spelling.
  @Test(arguments: distributions, affine)
  func theBoundIsItsIntegral(times: TimeDistribution, target: Target) throws {
    let data = GaussianData(mean: 0, deviation: 0.5)
    let path = NoisePath.cosine
    let range = path.usefulTimes()
    let exact = integral(data, path.level(at: range.lowerBound), path.level(at: range.upperBound))
    let found = try mean(data.cosineDenoiser(target), times, data)
    #expect(
      abs(found.mean - exact) < 4 * found.standardError + 1e-3 * exact,
      "\(times), \(target): \(found), exact \(exact)")
    // Neither nothing nor everything would pass.
    #expect(found.standardError < 0.1 * exact)
  }

  /// On a discrete schedule: the sum over its times, whose terms are those of the chain's bound.
  @Test(
    arguments: [TimeDistribution.uniform, .stratified],
    [(NoisePath.cosine, 50), (.cosine, 1000), (.edm(), 1000)])
  func theBoundOfWholeTimesIsItsSum(
    times: TimeDistribution, _ schedule: (path: NoisePath, times: Int)
  ) throws {
    let data = GaussianData(mean: 0, deviation: 0.5)
    let (path, count) = schedule
    let schedule = try NoiseSchedule(along: path, times: count)
    let widths = (2...count).map {
      2 * (schedule.level($0 - 1).logRatio - schedule.level($0).logRatio)
    }
    let errors = (1...count).map { data.noiseError(schedule.level($0)) }
    // The first time has no predecessor, and a width of 2.
    let exact = errors[0] + zip(widths, errors.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 / 2 }
    let found = try mean(data.denoiser(schedule, .v), times, data)
    #expect(
      abs(found.mean - exact) < 4 * found.standardError + 1e-4 * exact,
      "\(found), exact \(exact)")
    // Errors fall from time to time, so the sum is the integral up to the widest stride's change.
    let whole = integral(data, schedule.level(1), schedule.level(count))
    let most = (widths.max() ?? 0) / 2 * (errors[0] - errors[count - 1])
    #expect(exact - errors[0] <= whole && whole <= exact - errors[0] + most)
    // The chain's terms with its posterior variance are ½ expm1(width) |ε - ε̂|² (Kingma et al. 2021,
    // eq. 14): more than the sum's, and as much where strides are short.
    // EDM's are: at most 0.05 wide.
    let chain = zip(widths, errors.dropFirst()).reduce(0) {
      $0 + $1.0.exponentialMinusOne / 2 * $1.1
    }
    #expect(chain > exact - errors[0])
    if path == .edm() { #expect(chain < 1.03 * (exact - errors[0])) }
  }
}
