import Diffusion
import Likelihood
import Networks
import Support
import TensorCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Three equally probable classes of points, N(m_y, s² 1), with their optimal denoiser.
private struct GaussianClasses: Sendable {
  let means: [[Double]]
  let deviation = 0.6
  let times = 200
  /// False for a network that ignores the class and expects that of index 0.
  var readsClass = true

  static let near = GaussianClasses(means: [[-0.8, 0], [0.8, 0], [0, 1]])
  static let apart = GaussianClasses(means: [[-1.5, -0.5], [1.5, 0], [0, 1.5]])

  private func variance(_ schedule: NoiseSchedule, _ t: Int) -> Double {
    let (signal, noise) = (schedule.alphaBar[t] * deviation, schedule.betaBar[t])
    return signal * signal + noise * noise
  }

  /// β_t² v_{t-1}/v_t, with which the reverse chain of a class is that of its data.
  func optimal(_ schedule: NoiseSchedule) -> ReverseVariance {
    ReverseVariance(
      name: "optimal",
      standardDeviations: (1...times).map { t in
        schedule.beta[t] * (variance(schedule, t - 1) / variance(schedule, t)).squareRoot()
      })
  }

  /// ε̂ = β̄_t (x_t - ᾱ_t m_y)/v_t.
  func denoiser(_ schedule: NoiseSchedule) -> Denoiser {
    let count = means.count
    let factors = (1...times).flatMap { t in
      means.map { _ in schedule.betaBar[t] / variance(schedule, t) }
    }
    let centres = (1...times).flatMap { t in
      means.flatMap { $0.map { schedule.alphaBar[t] * $0 } }
    }
    let readsClass = readsClass
    return Denoiser(
      DenoisingNetwork(shape: [2], classes: count) { x, time, label in
        var place = time * Double(count)
        if readsClass, let label { place = place + label }
        let factor = Tensor.literal(factors, [factors.count, 1]).gather(place)
        return factor * (x - Tensor.literal(centres, [centres.count / 2, 2]).gather(place))
      }, target: .noise, path: NoisePath(schedule))
  }

  /// log p(x|y) by class.
  func densities(_ x: ArraySlice<Float>) -> [Double] {
    means.map { mean in
      let square = zip(x, mean).reduce(0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
      let variance = deviation * deviation
      return -log(2 * .pi * variance) - square / (2 * variance)
    }
  }

  /// Points of random classes.
  func examples(_ count: Int, seed: UInt64 = 0) -> Examples {
    var numbers = SplitMix64(seed: 5)
    let labels = (0..<count).map { _ in numbers.int(0...means.count - 1) }
    let values = labels.flatMap { label in
      means[label].map { Float($0 + deviation * numbers.normal()) }
    }
    return Examples(values, count: count, seed: seed, labels: labels)
  }

  /// log p(x) of each example.
  func exact(_ examples: Examples) -> [Double] {
    examples.keys.indices.map {
      logSumExp(densities(examples.values[2 * $0..<2 * $0 + 2])) - log(Double(means.count))
    }
  }

  func bound(_ draws: Int, batch: Int? = nil) throws -> VariationalBound {
    let schedule = try NoiseSchedule(variances: (1...times).map { 0.1 * Double($0) / 200 })
    return try VariationalBound(
      denoiser(schedule), schedule, try Runtime(seed: 0, threads: 2), draws: draws,
      lastStep: .density, variances: [optimal(schedule)], batch: batch)
  }

  /// Bounds of log p(x|y) by class and example, with the draws of the seed of `examples`.
  func bounds(_ examples: Examples, draws: Int) throws -> [[Double]] {
    let bound = try bound(draws)
    return try means.indices.map { label in
      try bound.estimates(of: examples.labelled(label)) { _ in }[0].values
    }
  }
}

extension Examples {
  fileprivate func labelled(_ label: Int) -> Examples {
    Examples(
      values, count: keys.count, seed: 0, labels: [Int](repeating: label, count: keys.count))
  }
}

@Suite(.serialized) struct ClassBoundTests {
  /// The bound is below log p(x), and close to it with many draws; that of the own class is exact.
  @Test(arguments: [GaussianClasses.near, .apart])
  fileprivate func theBoundIsNearlyExact(_ data: GaussianClasses) throws {
    let examples = data.examples(2000)
    let estimates = try ClassBounds(try data.bound(400)).estimates(of: examples) { _ in }
    #expect(estimates.map(\.quantity) == [.marginal, .givenLabel])
    let gap = Statistic.paired(estimates[0].values, data.exact(examples))
    print("bound over three classes less log p(x): \(gap.mean) +- \(gap.standardError)")
    #expect(gap.mean < 4 * gap.standardError)
    #expect(gap.mean > -0.05 - 4 * gap.standardError)
    let labels = try #require(examples.labels)
    let own = labels.indices.map {
      data.densities(examples.values[2 * $0..<2 * $0 + 2])[labels[$0]]
    }
    let ownGap = Statistic.paired(estimates[1].values, own)
    #expect(abs(ownGap.mean) < 4 * ownGap.standardError + 1e-3, "\(ownGap)")
    for estimate in estimates {
      let sum = estimate.terms.reduce(0) { $0 + $1.mean }
      #expect(abs(sum + estimate.figure.mean) < 1e-9 * max(1, abs(sum)))
    }
    #expect(estimates[0].terms.map(\.name) == ["L_T", "sum L_t", "L_0", "class"])
    let divergence = estimates[0].terms[3].mean
    #expect(divergence > 0.1 && divergence < log(3))
  }

  /// Noise of few draws raises the log-sum-exp above log p(x), but not the bound.
  @Test func logSumExpOfNoisyBoundsIsTooHigh() throws {
    let data = GaussianClasses.near
    let examples = data.examples(20_000)
    let exact = data.exact(examples)
    let noisy = try data.bounds(examples, draws: 4)
    let naive = examples.keys.indices.map { row in
      logSumExp(noisy.map { $0[row] }) - log(3)
    }
    let bound = try ClassBounds(try data.bound(4)).estimates(of: examples) { _ in }[0].values
    let (tooHigh, proper) = (Statistic.paired(naive, exact), Statistic.paired(bound, exact))
    print(
      "4 draws less log p(x): log-sum-exp \(tooHigh.mean) +- \(tooHigh.standardError), bound",
      "\(proper.mean) +- \(proper.standardError)")
    #expect(tooHigh.mean > 4 * tooHigh.standardError)
    #expect(proper.mean < 4 * proper.standardError)
  }

  /// Noise of 5 nats, and nine rivals 12 behind, without a network: the log-sum-exp is about 0.8 too high.
  @Test func noiseDoesNotRaiseTheBound() {
    let truth = [0.0] + [Double](repeating: -12, count: 9)
    let exact = logSumExp(truth) - log(10)
    var numbers = SplitMix64(seed: 3)
    var (naive, proper): ([Double], [Double]) = ([], [])
    for _ in 0..<20_000 {
      // The mean of four sets has a noise of 5.
      let sets = (0..<4).map { _ in truth.map { $0 + 10 * numbers.normal() } }
      proper.append(MixtureBound(sets, shares: [0.25, 0.25, 0.25, 0.25]).value - exact)
      let means = truth.indices.map { y in sets.reduce(0) { $0 + $1[y] / 4 } }
      naive.append(logSumExp(means) - log(10) - exact)
    }
    let (tooHigh, bound) = (Statistic(naive), Statistic(proper))
    #expect(tooHigh.mean > 0.5, "\(tooHigh)")
    #expect(bound.mean < 4 * bound.standardError, "\(bound)")
  }

  /// Equal bounds in all sets give the log-sum-exp, with r the posterior; probabilities may
  /// underflow.
  @Test(arguments: [[0.0, -1, 2], [-700, -90, -5000], [3]])
  func withoutNoiseTheBoundIsExact(_ bounds: [Double]) {
    let mixture = MixtureBound([bounds, bounds, bounds], shares: [0.5, 0.3, 0.2])
    let exact = logSumExp(bounds) - log(Double(bounds.count))
    #expect(abs(mixture.value - exact) < 1e-12 * max(1, abs(exact)))
    for (y, bound) in bounds.enumerated() {
      let posterior = exp(bound - exact) / Double(bounds.count)
      #expect(abs(mixture.probabilities[y] - posterior) < 1e-12)
      for weights in mixture.weights { #expect(abs(weights[y] - posterior) < 1e-12) }
    }
  }

  /// Each set's weights come from the other sets.
  @Test func weightsComeFromOtherSets() {
    let mixture = MixtureBound([[50, 0], [0, 0], [0, 0]], shares: [0.5, 0.25, 0.25])
    #expect(mixture.weights[0] == [0.5, 0.5])
    // The mean of the first set and the third is 50 * 0.5/0.75.
    #expect(abs(mixture.weights[1][1] - exp(-50 / 1.5) / (1 + exp(-50 / 1.5))) < 1e-20)
  }

  @Test func theClassifierAgreesWithBayes() throws {
    let data = GaussianClasses.near
    let examples = data.examples(4000)
    let labels = try #require(examples.labels)
    let estimate = try ClassBounds(try data.bound(400)).estimates(of: examples) { _ in }[0]
    let classes = try #require(estimate.classes)
    let bayes = labels.indices.map { row -> Int in
      let densities = data.densities(examples.values[2 * row..<2 * row + 2])
      return densities.indices.max { densities[$0] < densities[$1] } ?? 0
    }
    let agreement = Statistic(labels.indices.map { classes.guess($0) == bayes[$0] ? 1 : 0 })
    let best = Statistic(labels.indices.map { bayes[$0] == labels[$0] ? 1 : 0 })
    let accuracy = try #require(classes.accuracy)
    print("classes by bounds: accuracy \(accuracy), by Bayes \(best), agreement \(agreement)")
    #expect(agreement.mean > 0.93)
    #expect(best.mean < 0.97)
    #expect(accuracy.mean > best.mean - 0.02 && accuracy.count == 4000)
    #expect(accuracy.standardError > 0)
    for row in classes.values { #expect(abs(row.reduce(0, +) - 1) < 1e-12) }
  }

  /// All classes have the same times and noise: for a network that ignores the class their bounds are
  /// equal to the bit.
  @Test func classesHaveTheNoiseInCommon() throws {
    let deaf = GaussianClasses(means: GaussianClasses.near.means, readsClass: false)
    let examples = deaf.examples(50)
    let estimates = try ClassBounds(try deaf.bound(9)).estimates(of: examples) { _ in }
    let third = 1.0 / 3
    #expect(estimates[0].classes?.values.allSatisfy { $0 == [third, third, third] } == true)
    #expect(abs(estimates[0].terms[3].mean) < 1e-12)
    #expect(zip(estimates[0].values, estimates[1].values).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  @Test func commonNoiseMakesDifferencesPrecise() throws {
    let data = GaussianClasses.near
    let count = 4000
    // The same point for all, so that only the draws differ.
    let point = [Float](repeating: 0, count: 2 * count)
    let common = try data.bounds(Examples(point, count: count, seed: 0), draws: 16)
    let bound = try data.bound(16)
    let other = try bound.estimates(
      of: Examples(point, count: count, seed: 1, labels: [Int](repeating: 1, count: count))
    ) { _ in }[0].values
    let paired = Statistic.paired(common[0], common[1]).standardError
    let independent = Statistic.paired(common[0], other).standardError
    print("standard error of a difference of classes: \(paired) and \(independent) without")
    #expect(paired < 0.8 * independent)
  }

  @Test(arguments: [2, 3, 9, 20]) func estimatesDependOnlyOnTheirExample(draws: Int) throws {
    let data = GaussianClasses.apart
    let all = data.examples(21)
    func values(_ examples: Examples, batch: Int) throws -> [[Double]] {
      let bounds = try ClassBounds(try data.bound(draws, batch: batch))
      var reports: [Int] = []
      let estimates = try bounds.estimates(of: examples) { reports.append($0) }
      #expect(reports == Array(1...bounds.steps(count: examples.keys.count)))
      #expect(estimates.allSatisfy { $0.samples == draws })
      return estimates.map(\.values)
    }
    let whole = try values(all, batch: 8)
    for (rows, batch) in [([20, 4], 8), ([7], 4), (Array(0..<21), 64)] {
      let found = try values(all[rows], batch: batch)
      for (some, every) in zip(found, whole) { #expect(some == rows.map { every[$0] }) }
    }
  }

  @Test func mistakesAreRefused() throws {
    let data = GaussianClasses.apart
    #expect(throws: TensorError("K must be at least 2 for a class-conditional model, not 1")) {
      try ClassBounds(try data.bound(1))
    }
    let unlabelled = Examples([0, 0], count: 1, seed: 0)
    #expect(
      throws: TensorError("the examples have no classes, which a class-conditional model needs")
    ) {
      try data.bound(2).estimates(of: unlabelled) { _ in }
    }
    #expect(throws: TensorError("class 3 is not one of the model's 3")) {
      try ClassBounds(try data.bound(2)).estimates(
        of: Examples([0, 0], count: 1, seed: 0, labels: [3])
      ) { _ in }
    }
    let schedule = try NoiseSchedule(variances: [Double](repeating: 0.1, count: 10))
    let plain = Denoiser(
      DenoisingNetwork(shape: [2]) { x, _ in 0 * x }, target: .noise, path: NoisePath(schedule))
    let bound = try VariationalBound(
      plain, schedule, try Runtime(seed: 0, threads: 1), draws: 2, lastStep: .density,
      variances: [.beta(schedule)])
    #expect(throws: TensorError("the bound over classes needs a class-conditional model")) {
      try ClassBounds(bound)
    }
    // Without known classes there is no estimate of log p(x|y), but one of log p(x).
    let estimates = try ClassBounds(try data.bound(2)).estimates(of: unlabelled) { _ in }
    #expect(estimates.map(\.quantity) == [.marginal])
    #expect(estimates[0].classes?.accuracy == nil)
  }
}
