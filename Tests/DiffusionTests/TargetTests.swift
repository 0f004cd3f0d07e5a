import DDPM
import Diffusion
import TensorCore
import TestSupport
import Testing

@Suite struct TargetTests {
  static let affine = Target.allCases.filter(\.isAffine)
  /// Levels from the least data with which x_0 can be estimated to hardly any noise.
  static let levels = [0.005, 0.01, 0.1, 0.3, 0.5.squareRoot(), 0.9, 0.99, 0.9999].map {
    NoiseLevel(signal: $0, noise: (1 - $0 * $0).squareRoot())
  }

  private static let (clean, noise) = ([0.3, -2, 1.5, 0], [-1.1, 0.4, 2.5, -0.7])

  /// Values of expressions in Double.
  private func values(_ outputs: [Tensor]) throws -> [[Double]] {
    var reference = Reference(seed: 0)
    return try reference.evaluate(outputs)
  }

  private func numbers(_ values: [Double]) -> Tensor { .literal(values, [values.count]) }

  @Test(arguments: affine, levels)
  func trueValuesGiveBoth(target: Target, level: NoiseLevel) throws {
    let (signal, noise) = (Tensor(level.signal), Tensor(level.noise))
    let (x0, epsilon) = (numbers(Self.clean), numbers(Self.noise))
    let x = signal * x0 + noise * epsilon
    let output = target.value(x0, epsilon, signal, noise)
    let found = try values([
      target.clean(output, x, signal, noise), target.epsilon(output, x, signal, noise),
    ])
    // x_0 from noise is divided by a, ε from x_0 by s; 2^-53 times 4 over that.
    let tolerance = 2e-15 / min(level.signal, level.noise)
    for (a, b) in zip(found[0] + found[1], Self.clean + Self.noise) {
      #expect(abs(a - b) < tolerance)
    }
  }

  /// An output of any value, true or not, spelled in every other way.
  @Test(arguments: affine, affine)
  func everyTargetGivesEveryOther(from: Target, to: Target) throws {
    for level in Self.levels {
      let (signal, noise) = (Tensor(level.signal), Tensor(level.noise))
      let (x, output) = (numbers([0.8, -1.4, 2, 0.1]), numbers([0.5, 1.1, -0.3, -2]))
      let clean = from.clean(output, x, signal, noise)
      let epsilon = from.epsilon(output, x, signal, noise)
      let other = to.value(clean, epsilon, signal, noise)
      let found = try values([
        clean, epsilon, to.clean(other, x, signal, noise), to.epsilon(other, x, signal, noise),
        signal * clean + noise * epsilon, x,
      ])
      let size = found.prefix(2).joined().reduce(1) { max($0, abs($1)) }
      let tolerance = 1e-14 * size / min(level.signal, level.noise)
      #expect(zip(found[0], found[2]).allSatisfy { abs($0 - $1) < tolerance }, "\(level)")
      #expect(zip(found[1], found[3]).allSatisfy { abs($0 - $1) < tolerance }, "\(level)")
      #expect(zip(found[4], found[5]).allSatisfy { abs($0 - $1) < 1e-14 * size }, "\(level)")
    }
  }

  /// The factor is the ratio of the squared errors of two outputs at the same x.
  @Test(arguments: affine, levels)
  func errorFactorsAreRatios(target: Target, level: NoiseLevel) throws {
    let (signal, noise) = (Tensor(level.signal), Tensor(level.noise))
    let x = numbers([0.8, -1.4, 2, 0.1])
    let outputs = [numbers([0.5, 1.1, -0.3, -2]), numbers([1.5, 0.4, -2.2, 0.9])]
    let found = try values(outputs + outputs.map { target.clean($0, x, signal, noise) })
    for i in 0..<4 {
      let (ofTarget, ofClean) = (found[0][i] - found[1][i], found[2][i] - found[3][i])
      let ratio = ofTarget * ofTarget / (ofClean * ofClean)
      #expect(relativeGap(target.errorFactor(level), ratio) < 1e-10)
    }
  }

  /// The mean by Bayes' rule of a number that is 1 with probability p and -1 otherwise.
  @Test(arguments: [0.5, 0.1, 0.9, 0.999], levels)
  func bitsAddTheEvidenceOfTheNumberItself(probability: Double, level: NoiseLevel) throws {
    let observed = [-2, -0.4, 0, 0.3, 1.9]
    let (a, s) = (level.signal, level.noise)
    func density(_ x: Double, _ mean: Double) -> Double {
      (-(x - a * mean) * (x - a * mean) / (2 * s * s)).exponential
    }
    let prior = numbers(
      observed.map { _ in (probability / (1 - probability)).logarithm / 2 })
    let (signal, noise) = (Tensor(a), Tensor(s))
    let x = numbers(observed)
    let found = try values([
      Target.bits.clean(prior, x, signal, noise), Target.bits.epsilon(prior, x, signal, noise),
      Target.bits.estimate(prior, x, signal, noise),
    ])
    for (i, x) in observed.enumerated() {
      let (one, other) = (probability * density(x, 1), (1 - probability) * density(x, -1))
      guard one + other > 1e-250 else { continue }
      let mean = (one - other) / (one + other)
      #expect(abs(found[0][i] - mean) < 1e-10)
      #expect(found[2][i] == found[0][i])
      #expect(abs(found[1][i] - (x - a * found[0][i]) / s) < 1e-12 / s)
    }
    #expect(Target.bits.errorFactor(level) == 1)
  }

  /// One exact model in all four spellings gives the same samples.
  @Test(arguments: [
    SamplingMethod.ancestral(.beta), .ancestral(.posterior), .ddim(eta: 0), .ddim(eta: 1), .heun,
  ])
  func oneModelInEverySpelling(method: SamplingMethod) throws {
    let data = GaussianData(mean: 0.7, deviation: 0.5)
    for schedule in [
      try NoiseSchedule(.linear, times: 1000), try NoiseSchedule(.cosine, times: 100),
      try NoiseSchedule(along: .cosine, times: 200), try NoiseSchedule(along: .straight, times: 50),
    ] {
      try expectSameSamples(data, method, steps: 50, Self.affine) { data.denoiser(schedule, $0) }
    }
  }

  /// On a path that ends without data, noise tells nothing about x_0 at the first visit.
  @Test(arguments: [SamplingMethod.euler, .heun, .dpmSolver])
  func oneModelInEverySpellingOnPaths(method: SamplingMethod) throws {
    let data = GaussianData(mean: 0.7, deviation: 0.5)
    let targets = Self.affine.filter { method == .dpmSolver || $0 != .noise }
    try expectSameSamples(data, method, steps: 20, targets) { data.cosineDenoiser($0) }
    try expectSameSamples(data, method, steps: 20, targets) { data.straightDenoiser($0) }
  }

  private func expectSameSamples(
    _ data: GaussianData, _ method: SamplingMethod, steps: Int, _ targets: [Target],
    _ denoiser: (Target) -> Denoiser
  ) throws {
    let seeds = (0..<64).map { UInt64($0) }
    func draw(_ target: Target, of denoiser: (Target) -> Denoiser) throws -> [Float] {
      try Sampler(denoiser(target), Runtime(seed: 0, threads: 1), batch: 64)
        .sample(seeds: seeds, method, steps: steps)
    }
    let expected = try draw(.x0, of: denoiser)
    for target in targets {
      let gap = largestGap(try draw(target, of: denoiser), expected)
      #expect(gap <= 1e-4 * data.deviation, "\(target)")
    }
    // The samples are of the data, with the errors of 64 points and of the steps.
    let average = expected.reduce(0) { $0 + Double($1) } / Double(expected.count)
    #expect(abs(average - data.mean) < 0.25)
    #expect(abs(standardDeviation(expected) / data.deviation - 1) < 0.3)
  }
}
