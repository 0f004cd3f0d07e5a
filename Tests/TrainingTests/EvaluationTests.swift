import Datasets
import Likelihood
import Quality
import Reporting
import Support
import TensorCore
import TestSupport
import Testing
import Training

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct EvaluationTests {
  private func quality(_ points: [(Double, Double)]) throws -> ToyQuality {
    try ToyQuality(
      points.flatMap { [Float($0.0), Float($0.1)] }, try ToySet.named("eight-gaussians"))
  }

  private func centres() throws -> [(Double, Double)] {
    try ToySet.named("eight-gaussians").modes.map { ($0.centre.x, $0.centre.y) }
  }

  @Test func everyModeIsFound() throws {
    let all = try quality(centres())
    #expect((all.modes, all.modesFound, all.highQuality, all.count) == (8, 8, 1, 8))
    #expect(all.standardError == 0)
  }

  /// Standard deviation 0.05: three of them are 0.15.
  @Test func qualityEndsAtThreeDeviations() throws {
    let result = try quality([(2.14, 0), (2.16, 0), (0, 2.1), (0, 0)])
    #expect(result.highQuality == 0.5)
    #expect(result.modesFound == 2)
    #expect(result.standardError == 0.25)
  }

  /// 20 of 10,000 make a mode, 19 do not.
  @Test(arguments: [(19, 1), (20, 2)])
  func aFewOutliersAreNoMode(_ strays: Int, _ found: Int) throws {
    let centres = try centres()
    let points = (0..<10_000).map { $0 < strays ? centres[3] : centres[0] }
    let result = try quality(points)
    #expect(result.modesFound == found)
    #expect(result.highQuality == 1)
  }

  @Test func otherSetsHaveNoModes() {
    #expect(
      failure { _ = try ToyQuality([0, 0], try ToySet.named("moons")) }
        == "moons has no modes to count; "
        + "modes and quality are for eight-gaussians and twenty-five-gaussians")
  }
}

@Suite struct ToyReportTests {
  /// Next to the samples' share stands that of as many points of the set, which is known: a point of
  /// a round Gaussian is within 3 standard deviations with probability 1 - exp(-9/2).
  @Test(arguments: ["eight-gaussians", "twenty-five-gaussians"])
  func metricsOfFreshPointsAreListed(_ name: String) throws {
    let set = try ToySet.named(name)
    // Half of the samples lie where the density is zero.
    let count = 2000
    let points = set.points(seed: 5, count: count)
    let samples = points.enumerated().map { $0 < count ? 50 : $1 }
    let report = try ToyReport(samples, set)
    let (quality, perfect) = (
      try #require(report.quality), try #require(report.perfectQuality)
    )
    #expect(perfect.count == count && perfect.modesFound == set.modes.count)
    #expect(abs(perfect.highQuality - (1 - exp(-4.5))) < 4 * perfect.standardError)
    #expect(quality.highQuality < 0.51)
    #expect(report.samples.energy.mean > 100 * abs(report.perfect.energy.mean))
    #expect(report.perfect.outside == 0)
  }

  @Test func otherSetsHaveDistancesOnly() throws {
    let set = try ToySet.named("moons")
    let report = try ToyReport(set.points(seed: 5, count: 200), set)
    #expect(report.quality == nil && report.perfectQuality == nil)
    #expect(report.entropy == set.entropy)
  }
}

/// Metrics are printed to the second digit of their standard error.
@Suite struct RoundingTests {
  @Test(arguments: [
    (-89.17649, 0.2371, "-89.18 +- 0.24"), (-89.17649, 0.0996, "-89.18 +- 0.10"),
    (0.5, 0.0994, "0.500 +- 0.099"), (447_001.3, 1234.0, "447000 +- 1200"),
    (-12_345, 99.6, "-12350 +- 100"), (3, 14.2, "3 +- 14"),
    (1.26e-5, 2.5e-6, "0.0000126 +- 0.0000025"),
    (0.0004, 0.2, "0.00 +- 0.20"), (0.98765, 0, "0.9877 +- 0"), (2, .nan, "2 +- nan"),
    (-.infinity, 0.1, "-inf +- 0.10"), (1, .infinity, "1 +- inf"),
    (2.5e-20, 1e-20, "2.5e-20 +- 1e-20"),
  ])
  func figures(_ value: Double, _ error: Double, _ text: String) {
    #expect(measured(value, error) == text)
  }

  @Test func sharesAreInPercent() {
    #expect(measuredPercent(0.9789, 0.00143) == "97.89 +- 0.14 %")
  }

  /// Noise on a loss that falls.
  @Test func spreadIgnoresTheTrend() {
    let values = (0..<20).map { (i: Int) -> Double in
      let noise = i.isMultiple(of: 2) ? 0.5 : -0.5
      return 5 - 0.1 * Double(i) + noise
    }
    // Differences are ±1 less 0.1.
    let squares: Double = (10 * 1.21 + 9 * 0.81) / 38
    #expect(abs(spread(values[...]) - squares.squareRoot()) < 1e-12)
    #expect(spread([1, 2]).isNaN && spread([4, 4, 4]) == 0)
  }

  @Test func tablesOfLikelihoods() throws {
    let setting = Setting(
      dataset: "some", split: "test", binarisation: "none", binarisationSeed: nil,
      baseMeasure: .levels, dimensions: 784)
    func row(_ run: String, _ values: [Double]) -> ScoredRun {
      let estimate = Estimate(
        .iwae, samples: 5, values: values, terms: [("L_T", 0.0163), ("rest", 1.2)],
        effectiveSamples: values.map { 9 + $0 / 10 }, seconds: 2)
      return ScoredRun(run: run, setting: setting, estimate: estimate)
    }
    // Means 2.5 and 1.5; standard deviations over the root of the number, 0.6455 and 0.2887.
    let tables = LikelihoodTable.tables([
      row("a", [1, 2, 3, 4]), row("b", [1, 2, 1, 2]), row("c", [1.23456]),
    ])
    let cells = try #require(tables.first).cells
    #expect(cells[1].prefix(4) == ["a", "iwae", "2.50", "0.65"])
    #expect(cells[1][4] == "-0.0046" && cells[1][7] == "9.250")
    #expect(cells[1].last == "L_T 0.02, rest 1.20")
    #expect(cells[2].prefix(4) == ["b", "iwae", "1.50", "0.29"])
    #expect(cells[3].prefix(4) == ["c", "iwae", "1.235", "-"])
    // The differences are 0, 0, 2, 2: mean 1, error 0.5774.
    #expect(
      tables.first?.differences.first?.line
        == "a iwae less b iwae: +1.00 nats +- 0.58, 95 % from -0.13 to 2.13, paired over n 4")
  }
}

@Suite struct NumbersTests {
  @Test(arguments: [
    (0.0, "0", "0.00", "0.00 %"), (1, "1", "1.00", "100.00 %"),
    (0.94175, "0.9418", "0.94", "94.18 %"),
    (-0.001, "-0.001", "0.00", "-0.10 %"), (1234.56, "1235", "1234.56", "123456.00 %"),
    (2.5e-7, "2.5e-07", "0.00", "0.00 %"), (-2.5, "-2.5", "-2.50", "-250.00 %"),
    (0.995, "0.995", "1.00", "99.50 %"),
  ])
  func numbersAreShort(_ value: Double, _ four: String, _ two: String, _ share: String) {
    #expect(rounded(value) == four)
    #expect(fixed(value, 2) == two)
    #expect(percent(value) == share)
  }

  @Test func nonFiniteValuesAreShown() {
    #expect(rounded(.nan) == "nan")
    #expect(rounded(-.infinity) == "-inf")
    #expect(fixed(.infinity, 2) == "inf")
    #expect(fixed(1e300, 2) == "1e+300")
  }
}
