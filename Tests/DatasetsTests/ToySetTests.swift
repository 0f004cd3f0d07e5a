import Datasets
import Foundation
import Testing

@Suite struct ToySetTests {
  /// Random123's known answers for philox4x32-10.
  @Test func philoxKnownAnswers() {
    func words(_ c: (UInt32, UInt32, UInt32, UInt32), _ k: (UInt32, UInt32)) -> [UInt32] {
      let w = Words(counter: c, key: k)
      return [w.x0, w.x1, w.x2, w.x3]
    }
    let ones = UInt32.max
    #expect(words((0, 0, 0, 0), (0, 0)) == [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8])
    #expect(
      words((ones, ones, ones, ones), (ones, ones))
        == [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd])
    #expect(
      words((0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), (0xa409_3822, 0x299f_31d0))
        == [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1])
  }

  /// Pearson's statistic of a million draws on a 40 x 40 grid, cell probabilities by quadrature of
  /// the density.
  @Test(arguments: ToySet.names) func drawsFollowTheDensity(name: String) throws {
    let set = try ToySet.named(name)
    let (draws, cells) = (1_000_000, 40)
    let (lower, upper) = set.window
    let width = (upper.x - lower.x) / Double(cells)
    let height = (upper.y - lower.y) / Double(cells)
    var counts = [Int](repeating: 0, count: cells * cells)
    var outside = 0
    for index in 0..<draws {
      let point = set.point(seed: 7, step: 3, index: index)
      let column = Int(((point.x - lower.x) / width).rounded(.down))
      let row = Int(((point.y - lower.y) / height).rounded(.down))
      if 0..<cells ~= column, 0..<cells ~= row {
        counts[row * cells + column] += 1
      } else {
        outside += 1
      }
    }
    // The window holds all but one in ten thousand; 150 is five standard deviations above 100.
    #expect(outside <= 150)

    let xs = (0..<cells).map { rule(lower.x + width * Double($0), width) }
    let ys = (0..<cells).map { rule(lower.y + height * Double($0), height) }
    var (statistic, bins) = (0.0, 0)
    var (rareCount, rareExpected) = (outside, 0.0)
    var total = 0.0
    for row in 0..<cells {
      for column in 0..<cells {
        var probability = 0.0
        for (x, dx) in zip(xs[column].nodes, xs[column].weights) {
          for (y, dy) in zip(ys[row].nodes, ys[row].weights) {
            probability += dx * dy * exp(set.logDensity(x, y))
          }
        }
        total += probability
        let (expected, count) = (probability * Double(draws), counts[row * cells + column])
        if expected < 10 {
          rareCount += count
          rareExpected += expected
        } else {
          statistic += (Double(count) - expected) * (Double(count) - expected) / expected
          bins += 1
        }
      }
    }
    rareExpected += (1 - total) * Double(draws)
    #expect(abs(total - 1) < 1e-4)
    if rareExpected >= 10 {
      let gap = Double(rareCount) - rareExpected
      statistic += gap * gap / rareExpected
      bins += 1
    } else {
      #expect(rareCount <= 30)
    }
    // The statistic has mean `freedom` and variance 2 freedom; four standard deviations.
    let freedom = Double(bins - 1)
    #expect(
      abs(statistic - freedom) < 4 * (2 * freedom).squareRoot(),
      "chi-squared \(statistic) with \(bins - 1) degrees of freedom, seed 7")
  }

  private func rule(_ start: Double, _ length: Double) -> Quadrature {
    Quadrature(from: start, to: start + length, panels: 1)
  }

  /// Entropy, mean and standard deviation against 200,000 draws, each within 4.5 standard errors.
  @Test(arguments: ToySet.names) func momentsAgreeWithDraws(name: String) throws {
    let set = try ToySet.named(name)
    let count = 200_000
    let points = (0..<count).map { set.point(seed: 11, index: $0) }
    func check(_ values: [Double], _ expected: Double, _ what: Comment) {
      let mean = values.reduce(0, +) / Double(count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      #expect(abs(mean - expected) <= 4.5 * (variance / Double(count)).squareRoot() + 1e-10, what)
    }
    let surprise = points.map { -set.logDensity($0.x, $0.y) }
    check(surprise, set.entropy, "entropy")
    #expect(abs(surprise.reduce(0, +) / Double(count) - set.entropy) < 0.01)
    let (mean, deviation) = (set.mean, set.standardDeviation)
    check(points.map(\.x), mean.x, "mean of x")
    check(points.map(\.y), mean.y, "mean of y")
    check(points.map { pow($0.x - mean.x, 2) }, pow(deviation.x, 2), "variance of x")
    check(points.map { pow($0.y - mean.y, 2) }, pow(deviation.y, 2), "variance of y")
  }

  /// The stated entropies of the sets that have no formula, by the trapezoid rule over the plane.
  @Test(arguments: ["moons", "spirals", "swiss-roll", "s-curve", "pinwheel", "rings"])
  func entropiesAgreeWithDensities(name: String) throws {
    let set = try ToySet.named(name)
    // A quarter of the noise: the rule's error for a Gaussian is exp(-2 (4 pi)^2 / 4), nothing.
    let step = 0.025
    var (mass, entropy) = (0.0, 0.0)
    for i in Int((set.window.lower.x - 0.5) / step)...Int((set.window.upper.x + 0.5) / step) {
      for j in Int((set.window.lower.y - 0.5) / step)...Int((set.window.upper.y + 0.5) / step) {
        let value = set.logDensity(Double(i) * step, Double(j) * step)
        mass += exp(value) * step * step
        entropy -= exp(value) * max(value, -1000) * step * step
      }
    }
    #expect(abs(mass - 1) < 1e-6)
    #expect(abs(entropy - set.entropy) < 1e-5, "\(entropy)")
  }

  /// A circle as a curve by quadrature, and by the Bessel function: both give the same density, even in the
  /// far tails.
  @Test func quadratureAgreesWithBessel() throws {
    let circle = NoisyCurve.Arc.uniform(0...2 * Double.pi, speed: 4) {
      Point(x: 4 * cos($0), y: 4 * sin($0))
    }
    let rings = [1.0, 2, 3].map { radius in
      NoisyCurve.Arc.uniform(0...2 * Double.pi, speed: radius) {
        Point(x: radius * cos($0), y: radius * sin($0))
      }
    }
    let curve = NoisyCurve(arcs: rings + [circle], standardDeviation: 0.1, entropy: 0)
    let set = try ToySet.named("rings")
    for radius in stride(from: 0.0, through: 8, by: 0.0625) {
      let (x, y) = (radius * cos(0.3), radius * sin(0.3))
      #expect(abs(curve.logDensity(x, y) - set.logDensity(x, y)) < 1e-7, "radius \(radius)")
    }
  }

  /// Halving the panels changes no density, near the curve or in its far tails.
  @Test func quadratureHasConverged() {
    let curve: @Sendable (Double) -> Point = { Point(x: $0 / 4 * cos($0), y: $0 / 4 * sin($0)) }
    let arc = NoisyCurve.Arc.uniform(4.7...14.1, speed: 3.6, curve: curve)
    let coarse = NoisyCurve(arcs: [arc], standardDeviation: 0.1, entropy: 0)
    let fine = NoisyCurve(
      arcs: [arc], standardDeviation: 0.1, entropy: 0, panelsPerStandardDeviation: 4)
    for x in stride(from: -6.0, through: 6, by: 0.37) {
      for y in stride(from: -6.0, through: 6, by: 0.41) {
        #expect(abs(coarse.logDensity(x, y) - fine.logDensity(x, y)) < 1e-4, "(\(x), \(y))")
      }
    }
  }

  @Test func pointsAreAPureFunctionOfSeedStepAndIndex() throws {
    let set = try ToySet.named("moons")
    let points = set.points(seed: 5, step: 9, count: 100)
    #expect(points.count == 200)
    #expect(points == set.points(seed: 5, step: 9, count: 100))
    #expect(Array(points[..<20]) == set.points(seed: 5, step: 9, count: 10))
    let tenth = set.point(seed: 5, step: 9, index: 10)
    #expect(points[20] == Float(tenth.x) && points[21] == Float(tenth.y))
    for other in [
      set.points(seed: 6, step: 9, count: 100), set.points(seed: 5, step: 10, count: 100),
      set.points(seed: 5 + 1 << 32, step: 9, count: 100),
    ] {
      #expect(zip(points, other).allSatisfy { $0 != $1 })
    }
    let standardised = set.points(seed: 5, step: 9, count: 100, standardised: true)
    let (mean, deviation) = (set.mean, set.standardDeviation)
    #expect(standardised[20] == Float((tenth.x - mean.x) / deviation.x))
    #expect(standardised[21] == Float((tenth.y - mean.y) / deviation.y))
  }

  @Test func modesOfTheMixtures() throws {
    let eight = try ToySet.named("eight-gaussians")
    #expect(eight.modes.count == 8)
    #expect(eight.modes.allSatisfy { $0.standardDeviation == 0.05 })
    #expect(
      eight.modes.allSatisfy { abs(hypot($0.centre.x, $0.centre.y) - 2) < 1e-12 })
    #expect(try ToySet.named("twenty-five-gaussians").modes.count == 25)
    #expect(try ToySet.named("moons").modes.isEmpty)
  }

  @Test func densitiesByHand() throws {
    let eight = try ToySet.named("eight-gaussians")
    #expect(abs(eight.logDensity(2, 0) + log(8 * 2 * .pi * 0.0025)) < 1e-12)
    let board = try ToySet.named("checkerboard")
    #expect(board.logDensity(-3, -3) == -log(32))
    #expect(board.logDensity(-1, -3) == -.infinity)
    #expect(board.logDensity(4.5, 0) == -.infinity)
    let gaussian = try ToySet.named("gaussian")
    #expect(abs(gaussian.logDensity(0, 0) + log(2 * .pi * 0.8)) < 1e-12)
    #expect(abs(gaussian.logDensity(1, 0.6) + log(2 * .pi * 0.8) + 0.5) < 1e-12)
    // Far from the data the density is small, but not zero.
    for name in ToySet.names where name != "checkerboard" {
      let value = try ToySet.named(name).logDensity(300, -200)
      #expect(value.isFinite && value < -1000, "\(name)")
    }
  }

  @Test func unknownNames() {
    let known = "Known sets: \(ToySet.names.joined(separator: ", "))"
    #expect(
      message { _ = try ToySet.named("mooons") }
        == "unknown data set 'mooons': did you mean 'moons'? \(known)")
    #expect(
      message { _ = try ToySet.named("eight_gaussian") }
        == "unknown data set 'eight_gaussian': did you mean 'eight-gaussians'? \(known)")
    #expect(message { _ = try ToySet.named("cifar") } == "unknown data set 'cifar': \(known)")
    #expect(ToySet.names.count == 12)
  }
}
