import DDPM
import Diffusion
import TensorCore
import TestSupport
import Testing

/// Distributions of the times at which networks are trained.
@Suite struct TimeTests {
  static let stratified: [TimeDistribution] = [
    .stratified, .logSNR, .logNormal(mean: -0.5, standardDeviation: 1.2),
    .logNormal(mean: 1, standardDeviation: 0.3), .logNormal(mean: -5, standardDeviation: 4),
  ]
  static let all = [TimeDistribution.uniform] + stratified

  private struct Drawn {
    var times: [Double]
    var ratios: [Double]
  }

  /// The times and log a/s of the examples of a step.
  private func draw(
    _ count: Int, _ path: NoisePath, _ distribution: TimeDistribution, step: UInt64 = 3,
    rank: Int = 2, _ weight: LossWeight = .simple, _ target: Target = .v
  ) throws -> Drawn {
    let drawn = TrainingTimes(count, rank: rank, path: path, distribution, weight, target)
    #expect(drawn.signal.shape == [count] + [Int](repeating: 1, count: rank - 1))
    #expect(drawn.networkTime.shape == [count])
    let program = try Runtime(seed: 4, threads: 1).compile(
      "train", [drawn.signal, drawn.noise, drawn.networkTime])
    program.run(at: step)
    let (signal, noise) = (try program.values(drawn.signal), try program.values(drawn.noise))
    return Drawn(
      times: try program.values(drawn.networkTime).map { Double($0) },
      ratios: zip(signal, noise).map { (Double($0) / Double($1)).logarithm })
  }

  /// Φ(x).
  private func normal(_ x: Double) -> Double { (1 + (x * 0.5.squareRoot()).applying(.erf)) / 2 }

  /// The fraction of draws with a larger log a/s than that of a time, which is uniform.
  private func place(
    _ time: Double, _ path: NoisePath, _ distribution: TimeDistribution
  ) -> Double {
    let range = path.usefulTimes()
    let (first, last) = (
      path.level(at: range.lowerBound).logRatio, path.level(at: range.upperBound).logRatio
    )
    let ratio = path.level(at: time).logRatio
    switch distribution {
    case .uniform, .stratified:
      return (time - range.lowerBound) / (range.upperBound - range.lowerBound)
    case .logSNR: return (first - ratio) / (first - last)
    case .logNormal(let mean, let deviation):
      func below(_ ratio: Double) -> Double { normal((-ratio - mean) / deviation) }
      return (below(ratio) - below(first)) / (below(last) - below(first))
    }
  }

  /// One in each of as many intervals of equal probability, at the same place in all of them.
  @Test(arguments: stratified) func eachIntervalHasOne(distribution: TimeDistribution) throws {
    let schedule = NoisePath(try NoiseSchedule(.linear, times: 100))
    for (path, isDiscrete) in [
      (NoisePath.cosine, false), (.straight, false), (.edm(), false), (schedule, true),
    ] {
      if isDiscrete, distribution == .stratified { continue }
      for count in [4, 64, 1000] {
        let drawn = try draw(count, path, distribution)
        let places = drawn.times.map { time in
          place(isDiscrete ? (time + 1) / 100 : time / 1000, path, distribution)
        }.sorted()
        // The distribution function is inverted at 4,097 places and interpolated between them.
        let tolerance = 2e-3 * Double(count) / 64 + 2e-2
        let offset = places[0] * Double(count)
        #expect(offset > -tolerance && offset < 1 + tolerance)
        for (i, place) in places.enumerated() where count <= 64 {
          #expect(abs(place * Double(count) - Double(i) - offset) < tolerance, "\(path)")
        }
        let worst = places.enumerated().map { abs($1 - (Double($0) + 0.5) / Double(count)) }.max()
        #expect((worst ?? 1) < 0.6 / Double(count) + 2e-3, "\(distribution), \(count)")
      }
    }
  }

  /// The level is that of the time that the network receives.
  @Test(arguments: all) func levelsAreThoseOfTheTimes(distribution: TimeDistribution) throws {
    let schedule = NoisePath(try NoiseSchedule(.cosine, times: 50))
    for path in [NoisePath.cosine, .straight, .edm(), schedule] {
      let drawn = try draw(512, path, distribution)
      for (time, ratio) in zip(drawn.times, drawn.ratios) {
        let t = path.schedule == nil ? time / 1000 : (time + 1) / 50
        // log a/s and the time are both interpolated; where the path bends, they differ a little.
        #expect(abs(path.level(at: t).logRatio - ratio) < 0.02, "\(distribution), \(t)")
      }
    }
  }

  /// Stratified whole times: each of as many intervals has the time that the schedule has there.
  @Test(arguments: [64, 100, 256]) func wholeTimesAreStratified(count: Int) throws {
    let schedule = try NoiseSchedule(.linear, times: 100)
    let times = try draw(count, NoisePath(schedule), .stratified).times.sorted()
    for (i, time) in times.enumerated() {
      #expect(time == time.rounded())
      let interval = Double(100 * i) / Double(count)
      #expect(time > interval - 1 && time < interval + 100 / Double(count) + 1e-4)
    }
    if count == 100 { #expect(times == (0..<100).map { Double($0) }) }
  }

  /// Kolmogorov and Smirnov's statistic of 4,000 independent draws, at 0.1 % significance.
  @Test func uniformTimesAreUniform() throws {
    let places = try draw(4000, .cosine, .uniform).times.map {
      place($0 / 1000, .cosine, .uniform)
    }.sorted()
    let gap = places.enumerated().map { abs($1 - (Double($0) + 0.5) / 4000) }.max() ?? 1
    #expect(gap < 1.95 / 4000.0.squareRoot())
    // Independent ones leave some of 4,000 intervals empty.
    #expect(Set(places.map { Int($0 * 4000) }).count < 3000)
  }

  /// The time of example i is a function of the step and i, whatever is trained.
  @Test(arguments: all) func timesDependOnStepAndIndexOnly(distribution: TimeDistribution) throws {
    for path in [NoisePath.cosine, NoisePath(try NoiseSchedule(.su, times: 100))] {
      let first = try draw(32, path, distribution)
      let other = try draw(32, path, distribution, rank: 4, .bound, .x0)
      #expect(first.times == other.times)
      #expect(try draw(32, path, distribution, step: 4).times != first.times)
      if distribution == .uniform {
        #expect(try Array(draw(64, path, distribution).times.prefix(32)) == first.times)
      }
    }
  }
}
