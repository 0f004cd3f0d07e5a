import DDPM
import Diffusion
import TensorCore
import TestSupport
import Testing

@Suite struct ScheduleTests {
  @Test func suReachesTheGivenConstant() throws {
    let schedule = try NoiseSchedule(.su, times: 1000)
    #expect(abs(schedule.alphaBar[1000].logarithm + 5.0387) < 5e-5)
    #expect(abs(schedule.alphaBar[1000] - 0.00648) < 5e-6)
    #expect(relativeGap(schedule.beta[1] * schedule.beta[1], 2e-5) < 1e-12)
    #expect(relativeGap(schedule.beta[1000] * schedule.beta[1000], 0.02) < 1e-12)
  }

  @Test func linearReachesTheGivenConstant() throws {
    let schedule = try NoiseSchedule(.linear, times: 1000)
    let left = schedule.alphaBar[1000] * schedule.alphaBar[1000]
    #expect(abs(left - 4.04e-5) < 5e-8)
    #expect(relativeGap(schedule.beta[1] * schedule.beta[1], 1e-4) < 1e-12)
    #expect(relativeGap(schedule.beta[1000] * schedule.beta[1000], 0.02) < 1e-12)
  }

  @Test(arguments: [10, 100, 1000])
  func cosineFollowsItsFormula(times: Int) throws {
    let schedule = try NoiseSchedule(.cosine, times: times)
    func f(_ t: Int) -> Double {
      let c = ((Double(t) / Double(times) + 0.008) / (1 + 0.008) * Double.pi / 2).cosine
      return c * c
    }
    // Only the last variance is capped.
    for t in 1..<times {
      let squared = schedule.alphaBar[t] * schedule.alphaBar[t]
      #expect(relativeGap(squared, f(t) / f(0)) < 1e-10, "t \(t)")
    }
    #expect(schedule.beta[times] == 0.999.squareRoot())
  }

  @Test(arguments: NoiseSchedule.Kind.allCases, [10, 57, 200, 1000, 4000])
  func columnsAgreeWithIndependentFormulas(kind: NoiseSchedule.Kind, times: Int) throws {
    let schedule = try NoiseSchedule(kind, times: times)
    for column in [schedule.alpha, schedule.beta, schedule.alphaBar, schedule.betaBar] {
      #expect(column.count == times + 1)
    }
    #expect(schedule.alpha[0] == 1 && schedule.alphaBar[0] == 1)
    #expect(schedule.beta[0] == 0 && schedule.betaBar[0] == 0)
    var logarithm = 0.0
    var worst = 0.0
    for t in 1...times {
      let (alpha, beta) = (schedule.alpha[t], schedule.beta[t])
      worst = max(worst, abs(alpha * alpha + beta * beta - 1))
      logarithm += 0.5 * (-beta * beta).applying(.log1p)
      worst = max(worst, relativeGap(schedule.alphaBar[t], logarithm.exponential))
      let variance = -(2 * logarithm).applying(.expm1)
      worst = max(worst, relativeGap(schedule.betaBar[t], variance.squareRoot()))
      // Precisions add: of x_{t-1} given x_0, and of x_t given x_{t-1}.
      let before = schedule.betaBar[t - 1]
      let precision = 1 / (before * before) + alpha * alpha / (beta * beta)
      let posterior = before == 0 ? 0 : (1 / precision).squareRoot()
      worst = max(worst, relativeGap(schedule.posteriorStandardDeviation(t), posterior))
    }
    #expect(worst < 1e-12, "worst relative error \(worst)")
  }

  @Test(arguments: [10, 20, 50, 100, 200, 500, 2000, 10_000])
  func fewerTimesAreNoisier(times: Int) throws {
    let scale = 1000 / Double(times)
    for kind in [NoiseSchedule.Kind.su, .linear] {
      let schedule = try NoiseSchedule(kind, times: times)
      for t in [1, 2, times / 2, times] {
        let formula =
          kind == .su
          ? 0.02 * Double(t) / Double(times)
          : 1e-4 + 0.0199 * Double(t - 1) / Double(times - 1)
        let variance = schedule.beta[t] * schedule.beta[t]
        #expect(relativeGap(variance, min(0.999, scale * formula)) < 1e-12, "\(kind), t \(t)")
      }
      // x_T must be noise: log ᾱ_T is about -5 at T = 1000, and further below where T is smaller.
      #expect(schedule.alphaBar[times].logarithm < -4.99, "\(kind)")
      if times >= 100 { #expect(schedule.alphaBar[times].logarithm > -6, "\(kind)") }
    }
  }

  @Test(arguments: [Int.min, -1, 0, 1, 9, 100_001, .max])
  func refusesOtherNumbersOfTimes(times: Int) {
    for kind in NoiseSchedule.Kind.allCases {
      #expect(throws: TensorError("a noise schedule needs 10 to 100000 times, not \(times)")) {
        try NoiseSchedule(kind, times: times)
      }
    }
  }

  @Test(arguments: NoiseSchedule.Kind.allCases)
  func noiseGrows(kind: NoiseSchedule.Kind) throws {
    for times in [10, 100_000] {
      let schedule = try NoiseSchedule(kind, times: times)
      let grows = zip(schedule.betaBar, schedule.betaBar.dropFirst()).allSatisfy { $0 <= $1 }
      let falls = zip(schedule.alphaBar, schedule.alphaBar.dropFirst()).allSatisfy { $0 > $1 }
      #expect(grows && falls && schedule.alphaBar[times] > 0, "T \(times)")
    }
  }
}
