import Datasets
import Testing
import Training

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

  /// Deviation 0.05: three of them are 0.15.
  @Test func qualityEndsAtThreeDeviations() throws {
    let result = try quality([(2.14, 0), (2.16, 0), (0, 2.1), (0, 0)])
    #expect(result.highQuality == 0.5)
    #expect(result.modesFound == 2)
    #expect(result.standardError == 0.25)
  }

  /// 20 of 10,000 make a mode, 19 do not.
  @Test(arguments: [(19, 1), (20, 2)])
  func aFewStraysAreNoMode(_ strays: Int, _ found: Int) throws {
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

  @Test func whatIsNoNumberIsShown() {
    #expect(rounded(.nan) == "nan")
    #expect(rounded(-.infinity) == "-inf")
    #expect(fixed(.infinity, 2) == "inf")
    #expect(fixed(1e300, 2) == "1e+300")
  }
}
