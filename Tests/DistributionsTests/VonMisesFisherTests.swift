import CKernels
import Distributions
import Glibc
import Testing

private struct Case: CustomTestStringConvertible, Sendable {
  let dimension: Int
  let concentration: Double
  var testDescription: String { "d = \(dimension), κ = \(concentration)" }
}

private let grid: [Case] = [2, 3, 5, 11, 50, 1000].flatMap { d in
  [0, 1e-6, 2, 20, 1000, 1e6].map { Case(dimension: d, concentration: $0) }
}

private func versines(
  _ c: Case, count: Int, seed: UInt64, scale: Double = 1
) -> [Double] {
  (0..<UInt32(count)).map {
    fk_vmf_cosine(c.concentration * scale, Int64(c.dimension), seed, 1, 0, $0).versine
  }
}

private func fit(_ c: Case, count: Int, seed: UInt64, scale: Double = 1) -> Double {
  let exact = CosineDistribution(dimension: c.dimension, concentration: c.concentration)
  let places = versines(c, count: count, seed: seed, scale: scale).map { exact(versine: $0) }
  return significance(ofDistance: largestDistance(places), count: count)
}

@Suite struct CosineTests {
  @Test(arguments: grid) private func kolmogorovSmirnov(_ c: Case) {
    let seed: UInt64 = 11
    let found = fit(c, count: 100_000, seed: seed)
    #expect(found > 1e-4, "seed \(seed)")
  }

  @Test(.enabled(if: longTests), arguments: grid)
  private func kolmogorovSmirnovLong(_ c: Case) {
    let seed: UInt64 = 12
    let found = fit(c, count: 1_000_000, seed: seed)
    #expect(found > 1e-4, "seed \(seed)")
  }

  /// A concentration 2 % off fails wherever it is at least the dimension, so the test has power.
  @Test(arguments: [
    Case(dimension: 2, concentration: 2), Case(dimension: 3, concentration: 1000),
    Case(dimension: 50, concentration: 50),
  ])
  private func power(_ c: Case) {
    #expect(fit(c, count: 1_000_000, seed: 13, scale: 1.02) < 1e-4)
  }

  @Test(
    .enabled(if: longTests),
    arguments: grid.filter { $0.concentration >= Double($0.dimension) }
      + [2, 3, 5, 11, 50, 200, 1000].map { Case(dimension: $0, concentration: Double($0)) },
    [0.98, 1.02])
  private func powerLong(_ c: Case, scale: Double) {
    #expect(fit(c, count: 1_000_000, seed: 14, scale: scale) < 1e-4)
  }

  @Test(arguments: grid) private func moments(_ c: Case) {
    let seed: UInt64 = 15
    let moments = fk_vmf(Double(c.dimension), c.concentration)
    let found = versines(c, count: 40_000, seed: seed)
    let (mean, standardError) = average(found)
    #expect(abs(mean - moments.complement) < 4.5 * standardError, "seed \(seed)")
    let squares = average(found.map { ($0 - moments.complement) * ($0 - moments.complement) })
    #expect(abs(squares.mean - moments.slope) < 4.5 * squares.error, "seed \(seed)")
  }

  @Test(arguments: [2, 3, 4, 17, 1000, 100_000], [0, 1e-300, 1e-6, 1, 1e6, 1e9, 1e12])
  func corners(d: Int, k: Double) {
    for element in 0..<UInt32(2000) {
      let draw = fk_vmf_cosine(k, Int64(d), 16, 2, 3, element)
      #expect(abs(draw.cosine) <= 1 && draw.versine > 0 && draw.versine <= 2 && draw.sine > 0)
      #expect(abs(draw.cosine * draw.cosine + draw.sine * draw.sine - 1) < 1e-15 * 4)
      #expect(error(draw.versine * (2 - draw.versine), draw.sine * draw.sine, floor: 1e-6) < 1e-9)
      let derivatives = fk_vmf_pathwise(k, Int64(d), draw.versine)
      let all = [
        derivatives.cosine, derivatives.angle, derivatives.by_cosine, derivatives.by_concentration,
      ]
      #expect(all.allSatisfy { $0.isFinite } && derivatives.cosine >= 0, "\(draw) \(all)")
    }
    for versine in [0.0, .leastNonzeroMagnitude, 1e-300, 1e-199, 1e-16, 1, 2 - 0x1p-52, 2] {
      let derivatives = fk_vmf_pathwise(k, Int64(d), versine)
      let all = [
        derivatives.cosine, derivatives.angle, derivatives.by_cosine, derivatives.by_concentration,
      ]
      #expect(all.allSatisfy { $0.isFinite } && derivatives.cosine >= 0, "\(versine) \(all)")
    }
  }

  @Test func outOfRange() {
    for (k, d) in [(-1.0, 3), (.nan, 3), (.infinity, 3), (1, 1), (1, 0), (1e13, 3)]
      as [(Double, Int64)]
    {
      #expect(fk_vmf_cosine(k, d, 0, 0, 0, 0).cosine.isNaN)
      #expect(fk_vmf_pathwise(k, d, 0.5).cosine.isNaN)
    }
    for versine in [-0.1, 2.1, .nan] { #expect(fk_vmf_pathwise(1, 3, versine).cosine.isNaN) }
  }

  /// A draw depends on each component of its name, and on nothing else.
  @Test func streams() {
    let base = fk_vmf_cosine(3, 5, 1, 2, 3, 4).cosine
    #expect(base == fk_vmf_cosine(3, 5, 1, 2, 3, 4).cosine)
    let others = [
      fk_vmf_cosine(3, 5, 2, 2, 3, 4), fk_vmf_cosine(3, 5, 1 + 1 << 32, 2, 3, 4),
      fk_vmf_cosine(3, 5, 1, 3, 3, 4), fk_vmf_cosine(3, 5, 1, 2, 4, 4),
      fk_vmf_cosine(3, 5, 1, 2, 3 + 1 << 32, 4), fk_vmf_cosine(3, 5, 1, 2, 3, 5),
    ].map(\.cosine)
    #expect(Set(others + [base]).count == 7)
    // The words that the header of the C interface documents.
    var x = [UInt32](repeating: 0, count: 4)
    var words = x
    fk_philox([4, 2, 3, 9], [1, 7], &x)
    var stream = PhiloxStream(seed: 1 + 7 << 32, site: 2, run: 3 + 9 << 32, element: 4)
    for block in 0..<3 as Range<UInt32> {
      fk_philox([block, 0, x[2], x[3]], [x[0], x[1]], &words)
      #expect(stream.next() == UInt64(words[0]) + UInt64(words[1]) << 32)
      #expect(stream.next() == UInt64(words[2]) + UInt64(words[3]) << 32)
    }
  }
}

@Suite struct PathwiseTests {
  /// The documented error is 1e-6; P is tested to 1e-11, its derivatives to the accuracy of their terms.
  @Test func againstTable() {
    let table = rows(of: pathwiseTable)
    #expect(table.count > 340)
    for row in table {
      let (d, k, versine) = (row[0], row[1], row[2])
      let derivatives = fk_vmf_pathwise(k, Int64(d), versine)
      let place = "d = \(d), κ = \(k), 1 - w = \(versine)"
      let sine = (versine * (2 - versine)).squareRoot()
      #expect(error(derivatives.cosine, row[3]) < 1e-11, "P at \(place)")
      #expect(error(derivatives.angle, -row[3] / sine) < 1e-11, "dθ/dκ at \(place)")
      #expect(error(derivatives.by_concentration, row[4]) < 1e-7, "∂P/∂κ at \(place)")
      #expect(error(derivatives.by_cosine, row[5]) < 1e-8, "∂P/∂w at \(place)")
    }
  }

  /// dE[w]/dκ = E[dw/dκ] = A'.
  @Test(arguments: grid) private func expectation(_ c: Case) {
    let seed: UInt64 = 21
    let (mean, standardError) = average(
      versines(c, count: 10_000, seed: seed).map {
        fk_vmf_pathwise(c.concentration, Int64(c.dimension), $0).cosine
      })
    let slope = fk_vmf(Double(c.dimension), c.concentration).slope
    #expect(abs(mean - slope) < 4 * standardError, "seed \(seed): \(mean) against \(slope)")
  }

  /// The released implementations omit the correction for acceptance and give 0.1277 here.
  @Test func releasedImplementationsDiffer() {
    let c = Case(dimension: 5, concentration: 2)
    let (mean, standardError) = average(
      versines(c, count: 100_000, seed: 22).map { fk_vmf_pathwise(2, 5, $0).cosine })
    #expect(abs(fk_vmf(5, 2).slope - 0.1474) < 5e-5)
    #expect(abs(mean - 0.1474) < 4 * standardError + 5e-5)
    #expect(abs(mean - 0.1277) > 50 * standardError)
  }

  /// E[d²w/dκ²] = A'': the second derivatives are consistent.
  @Test(arguments: [
    Case(dimension: 2, concentration: 3), Case(dimension: 5, concentration: 2),
    Case(dimension: 41, concentration: 60),
  ])
  private func secondExpectation(_ c: Case) {
    let seed: UInt64 = 23
    let (mean, standardError) = average(
      versines(c, count: 100_000, seed: seed).map { versine in
        let derivatives = fk_vmf_pathwise(c.concentration, Int64(c.dimension), versine)
        return derivatives.by_concentration + derivatives.cosine * derivatives.by_cosine
      })
    let curvature = fk_vmf(Double(c.dimension), c.concentration).curvature
    #expect(abs(mean - curvature) < 4 * standardError, "seed \(seed): \(mean), \(curvature)")
  }
}

@Suite struct VonMisesFisherTests {
  private func axis(_ d: Int) -> [Double] { [1] + [Double](repeating: 0, count: d - 1) }

  /// Unit length and E[z] = A μ with μ = e1 and μ = -e1 exactly, and in general.
  @Test(arguments: [2, 3, 10, 100], [0, 1e-6, 2, 30, 1e6]) func draws(d: Int, k: Double) throws {
    let diagonal = [Double](repeating: 1 / Double(d).squareRoot(), count: d)
    for mean in [axis(d), axis(d).map { -$0 }, diagonal] {
      let distribution = try VonMisesFisher(mean: mean, concentration: k)
      var generator = PhiloxStream(seed: 31)
      let points = (0..<2000).map { _ in distribution.draw(using: &generator) }
      for point in points {
        #expect(abs(point.reduce(0) { $0 + $1 * $1 } - 1) < 1e-13)
      }
      for i in 0..<min(d, 4) {
        let (found, standardError) = average(points.map { $0[i] })
        let expected = distribution.meanResultantLength * mean[i]
        #expect(abs(found - expected) < 4.5 * standardError + 1e-12, "seed 31, coordinate \(i)")
      }
    }
  }

  /// -∫ p log p and KL from draws; the density integrates to 1 on the circle.
  @Test(arguments: [2, 3, 11], [0, 0.5, 12, 3000]) func entropies(d: Int, k: Double) throws {
    let p = try VonMisesFisher(mean: axis(d), concentration: k)
    let other = [Double](repeating: 1 / Double(d).squareRoot(), count: d)
    let q = try VonMisesFisher(mean: other, concentration: 2 * k + 1)
    let uniform = try UniformSphere(dimension: d)
    var generator = PhiloxStream(seed: 32)
    let logarithms = try (0..<10_000).map { _ in
      let z = p.draw(using: &generator)
      return (try p.logDensity(z), try q.logDensity(z))
    }
    let entropy = average(logarithms.map { -$0.0 })
    #expect(abs(entropy.mean - p.entropy) < 4.5 * entropy.error + 1e-12, "seed 32")
    let divergence = average(logarithms.map { $0.0 - $0.1 })
    #expect(abs(divergence.mean - (try p.divergence(to: q))) < 4.5 * divergence.error, "seed 32")
    #expect(error(p.entropy + p.divergenceToUniform, uniform.logArea) < 1e-14)
    #expect(try p.divergence(to: p) < 1e-15 * (1 + k))
    let flat = try VonMisesFisher(mean: other, concentration: 0)
    #expect(error(try p.divergence(to: flat), p.divergenceToUniform, floor: 1) < 1e-12)
  }

  @Test(arguments: [0, 0.5, 12, 3000]) func densityIntegratesToOne(k: Double) throws {
    let p = try VonMisesFisher(mean: [0.6, 0.8], concentration: k)
    // The trapezoidal rule on a circle: exponentially accurate.
    let total = try (0..<2000).reduce(0.0) { sum, i in
      let angle = Double(i) * .pi / 1000
      return sum + exp(try p.logDensity([cos(angle), sin(angle)])) * .pi / 1000
    }
    #expect(abs(total - 1) < 1e-12)
  }

  @Test func derivativesMovePoints() throws {
    let p = try VonMisesFisher(mean: [1, 0, 0], concentration: 4)
    var generator = PhiloxStream(seed: 33)
    let cosine = p.drawCosine(using: &generator)
    let derivatives = p.derivatives(of: cosine)
    #expect(error(derivatives.angle * -cosine.sine, derivatives.cosine) < 1e-14)
    // d = 3: F(w) = (e^{κw} - e^{-κ}) / (e^κ - e^{-κ}), and w + P h has the same probability at κ + h.
    func probability(_ w: Double, _ k: Double) -> Double { expm1(k * (w + 1)) / expm1(2 * k) }
    let h = 1e-3
    let moved =
      cosine.value + h * derivatives.cosine
      + h * h / 2 * (derivatives.byConcentration + derivatives.cosine * derivatives.byCosine)
    #expect(abs(probability(moved, 4 + h) - probability(cosine.value, 4)) < 1e-9)
  }

  private func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
  }

  @Test func errors() throws {
    #expect(
      message { _ = try VonMisesFisher(mean: [1, 0], concentration: -2) }
        == "a von Mises-Fisher concentration is -2.0; expected 0 to 1e9")
    #expect(
      message { _ = try VonMisesFisher(mean: [1, 0], concentration: .nan) }
        == "a von Mises-Fisher concentration is nan; expected 0 to 1e9")
    #expect(
      message { _ = try VonMisesFisher(mean: [0, 0], concentration: 1) }
        == "a mean direction has length 0.0; expected 1")
    #expect(
      message { _ = try VonMisesFisher(mean: [.nan, 0], concentration: 1) }
        == "a mean direction is nan at index 0, not a finite number")
    #expect(
      message { _ = try UniformSphere(dimension: 1) }
        == "the ambient dimension of a sphere is 1; expected 2 to 100000")
    let p = try VonMisesFisher(mean: [1, 0], concentration: 1)
    #expect(
      message { _ = try p.logDensity([1, 0, 0]) } == "a point has 3 numbers; expected 2")
    let q = try VonMisesFisher(mean: [1, 0, 0], concentration: 1)
    #expect(
      message { _ = try p.divergence(to: q) }
        == "a divergence between spheres of R^2 and R^3; expected the same")
  }
}
