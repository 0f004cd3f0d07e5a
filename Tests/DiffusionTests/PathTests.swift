import DDPM
import Diffusion
import TensorCore
import TestSupport
import Testing

@Suite struct PathTests {
  static let paths = [
    NoisePath.cosine, .straight, .edm(), .edm(smallest: 0.01, largest: 20),
  ]

  @Test(arguments: NoiseSchedule.Kind.allCases, [10, 50, 1000])
  func schedulesAreInterpolated(kind: NoiseSchedule.Kind, times: Int) throws {
    let schedule = try NoiseSchedule(kind, times: times)
    let path = NoisePath(schedule)
    #expect(path.schedule == schedule)
    #expect(path.level(at: 0) == .clean)
    for t in 1...times {
      let time = Double(t) / Double(times)
      #expect(path.level(at: time) == schedule.level(t), "t \(t)")
      #expect(abs(path.networkTime(at: time) - Double(t - 1)) < 1e-9, "t \(t)")
    }
    // Ten levels between neighbours: log a/s falls from one to the next.
    var before = schedule.level(1).logRatio
    for i in 11...10 * times {
      let level = path.level(at: Double(i) / Double(10 * times))
      #expect(level.logRatio < before, "\(Double(i) / 10)")
      #expect(abs(level.signal * level.signal + level.noise * level.noise - 1) < 1e-12)
      before = level.logRatio
    }
  }

  /// The continuous formula of the cosine family, between the times of its schedule.
  @Test func interpolationFollowsTheFormula() throws {
    // Of log t and log(1 - t), to which the path is near at its ends, at a tenth of it.
    for (times, tolerance) in [(50, 1e-3), (1000, 1e-6)] {
      let path = NoisePath(try NoiseSchedule(along: .cosine, times: times))
      let last = NoisePath.cosine.usefulTimes().upperBound
      for i in 7 * times / 10..<7 * times * 9 / 10 {
        let t = Double(i) / Double(7 * times)
        let exact = NoisePath.cosine.level(at: last * t).logRatio
        #expect(abs(path.level(at: t).logRatio - exact) < tolerance, "T \(times), \(t)")
      }
    }
  }

  @Test(arguments: NoiseSchedule.Kind.allCases, [10, 50, 1000])
  func timesOfLevelsOfSchedules(kind: NoiseSchedule.Kind, times: Int) throws {
    let path = NoisePath(try NoiseSchedule(kind, times: times))
    var numbers = SplitMix64(seed: times)
    for t in numbers.values(200, in: 1 / Double(times)...1) + [1 / Double(times), 1] {
      let found = path.time(atLogRatio: path.level(at: t).logRatio)
      // Times within 1e-9 of a whole one have its level.
      #expect(abs(found - t) < 2e-9, "\(t)")
    }
    #expect(path.time(atLogRatio: 1000) == 1 / Double(times))
    #expect(path.time(atLogRatio: -1000) == 1)
  }

  @Test(arguments: paths) func timesOfLevelsOfPaths(path: NoisePath) {
    var numbers = SplitMix64(seed: 5)
    for t in numbers.values(200, in: 0.001...0.999) {
      #expect(abs(path.time(atLogRatio: path.level(at: t).logRatio) - t) < 1e-10, "\(t)")
      #expect(path.networkTime(at: t) == 1000 * t)
    }
    #expect(path.time(atLogRatio: 1000) < 1e-50)
    #expect(path.time(atLogRatio: -1000) == 1)
    let times = (0...1000).map { Double($0) / 1000 }
    let ratios = times.map { path.level(at: $0).logRatio }
    #expect(zip(ratios, ratios.dropFirst()).allSatisfy { $0 > $1 })
  }

  @Test(arguments: [0, 0.1, 0.25, 0.5, 2.0 / 3, 0.9, 1])
  func closedForms(t: Double) {
    let cosine = NoisePath.cosine.level(at: t)
    #expect(abs(cosine.signal - (t * .pi / 2).cosine) < 1e-15)
    #expect(abs(cosine.noise - (t * .pi / 2).sine) < 1e-15)
    let straight = NoisePath.straight.level(at: t)
    #expect(abs(straight.signal * t - straight.noise * (1 - t)) < 1e-15)
    #expect(abs(straight.straightTime - t) < 1e-15)
    let edm = NoisePath.edm(smallest: 0.01, largest: 20).level(at: t)
    // The seventh root of s/a is linear in t.
    let root = ((edm.noise / edm.signal).logarithm / 7).exponential
    let (low, high) = ((0.01.logarithm / 7).exponential, (20.0.logarithm / 7).exponential)
    #expect(abs(root - (low + t * (high - low))) < 1e-14)
    for level in [cosine, straight, edm] {
      #expect(abs(level.signal * level.signal + level.noise * level.noise - 1) < 1e-15)
      guard level.signal > 0, level.noise > 0 else { continue }
      let again = NoiseLevel(logRatio: level.logRatio)
      #expect(abs(again.signal - level.signal) < 1e-15 && abs(again.noise - level.noise) < 1e-15)
      #expect(relativeGap(level.signalToNoise, (2 * level.logRatio).exponential) < 1e-13)
    }
  }

  @Test(arguments: paths, [0.002, 0.02])
  func usefulTimesHaveTheirEnds(path: NoisePath, smallest: Double) {
    let range = path.usefulTimes(smallestNoise: smallest)
    let (first, last) = (path.level(at: range.lowerBound), path.level(at: range.upperBound))
    let (lowest, highest) = (path.level(at: 0), path.level(at: 1))
    #expect(relativeGap(first.noise, max(smallest, lowest.noise)) < 1e-9)
    #expect(relativeGap(last.signal, max(NoisePath.smallestSignal, highest.signal)) < 1e-9)
  }
}
