import Distributions
import Glibc
import Support
import TestSupport
import Testing

/// ∫ f over [-12, 12]² by the trapezoidal rule, which is exponentially accurate for functions that decay
/// on both sides.
private func integral(_ f: ([Double]) throws -> Double) rethrows -> Double {
  let (count, reach) = (400, 12.0)
  let step = 2 * reach / Double(count)
  var sum = 0.0
  for i in 0..<count {
    for j in 0..<count {
      sum += try f([Double(i) * step - reach, Double(j) * step - reach])
    }
  }
  return sum * step * step
}

private func randomGaussian(_ n: Int, seed: UInt64) throws -> Gaussian {
  var generator = PhiloxStream(seed: seed)
  let normals = (0..<n * (n + 1)).map { _ in Double.random(in: -1...1, using: &generator) }
  var covariance = [Double](repeating: 0, count: n * n)
  for i in 0..<n {
    for j in 0..<n {
      for k in 0..<n { covariance[i * n + j] += normals[i * n + k] * normals[j * n + k] }
    }
    covariance[i * n + i] += 0.2
  }
  return try Gaussian(mean: Array(normals.suffix(n)), covariance: covariance)
}

@Suite struct GaussianTests {
  @Test(arguments: 1...3 as ClosedRange<UInt64>) func integrals(seed: UInt64) throws {
    let (p, q) = (try randomGaussian(2, seed: seed), try randomGaussian(2, seed: seed + 100))
    #expect(abs(try integral { exp(try p.logDensity($0)) } - 1) < 1e-10, "seed \(seed)")
    let entropy = try integral { x in
      let l = try p.logDensity(x)
      return -exp(l) * l
    }
    #expect(abs(entropy - p.entropy) < 1e-9, "seed \(seed)")
    let divergence = try integral { x in
      let l = try p.logDensity(x)
      return exp(l) * (l - (try q.logDensity(x)))
    }
    #expect(abs(divergence - (try p.divergence(to: q))) < 1e-9, "seed \(seed)")
  }

  /// tr (Σ_p Σ_q)^½ of 2 × 2 is √(tr Σ_p Σ_q + 2 √det).
  @Test(arguments: 1...5 as ClosedRange<UInt64>) func wassersteinOfPairs(seed: UInt64) throws {
    let (p, q) = (try randomGaussian(2, seed: seed), try randomGaussian(2, seed: seed + 100))
    let (a, b) = (p.covariance, q.covariance)
    let trace = a[0] * b[0] + a[1] * b[2] + a[2] * b[1] + a[3] * b[3]
    let determinant = exp(p.logDeterminant + q.logDeterminant)
    let means = zip(p.mean, q.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let expected =
      means + a[0] + a[3] + b[0] + b[3] - 2 * (trace + 2 * determinant.squareRoot()).squareRoot()
    #expect(abs(try p.squaredWassersteinDistance(to: q) - expected) < 1e-12, "seed \(seed)")
  }

  @Test(arguments: [1, 2, 5, 20]) func identities(n: Int) throws {
    let (p, q) = (try randomGaussian(n, seed: 7), try randomGaussian(n, seed: 8))
    let r = try randomGaussian(n, seed: 9)
    #expect(try p.divergence(to: p) < 1e-12)
    #expect(try p.squaredWassersteinDistance(to: p) < 1e-12)
    #expect(try p.divergence(to: q) > 0)
    let distance = { (a: Gaussian, b: Gaussian) in
      try a.squaredWassersteinDistance(to: b).squareRoot()
    }
    #expect(error(try distance(p, q), try distance(q, p)) < 1e-10)
    #expect(try distance(p, r) <= distance(p, q) + distance(q, r))
  }

  /// The diagonal formulas agree with the general ones.
  @Test func diagonal() throws {
    let p = try DiagonalGaussian(mean: [0.3, -2, 5], standardDeviation: [0.5, 1e-3, 30])
    let q = try DiagonalGaussian(mean: [1, -2, 4], standardDeviation: [2, 2e-3, 31])
    let (fullP, fullQ) = (Gaussian(p), Gaussian(q))
    #expect(error(try p.divergence(to: q), try fullP.divergence(to: fullQ)) < 1e-12)
    #expect(
      error(
        try p.squaredWassersteinDistance(to: q), try fullP.squaredWassersteinDistance(to: fullQ))
        < 1e-12)
    #expect(error(p.entropy, fullP.entropy) < 1e-13)
    let point = [0.1, -2.001, 17]
    #expect(error(try p.logDensity(point), try fullP.logDensity(point)) < 1e-12)
    // Close to each other: KL = e² for s = 1 + e, to first order.
    let near = try DiagonalGaussian(mean: [0], standardDeviation: [1 + 0x1p-30])
    let standard = try DiagonalGaussian(mean: [0], standardDeviation: [1])
    #expect(error(try near.divergence(to: standard), 0x1p-60) < 1e-8)
  }

  @Test func draws() throws {
    let p = try Gaussian(mean: [1, -1], covariance: [2, 0.8, 0.8, 0.5])
    var generator = PhiloxStream(seed: 41)
    let points = (0..<40_000).map { _ in p.draw(using: &generator) }
    for (i, j) in [(0, 0), (0, 1), (1, 1)] {
      let found = average(points.map { ($0[i] - p.mean[i]) * ($0[j] - p.mean[j]) })
      #expect(abs(found.mean - p.covariance[2 * i + j]) < 4.5 * found.error, "seed 41")
    }
    for i in 0..<2 {
      let found = average(points.map { $0[i] })
      #expect(abs(found.mean - p.mean[i]) < 4.5 * found.error, "seed 41")
    }
    let entropy = average(try points.map { -(try p.logDensity($0)) })
    #expect(abs(entropy.mean - p.entropy) < 4.5 * entropy.error, "seed 41")
    let q = try DiagonalGaussian(mean: [3], standardDeviation: [0.1])
    let cubes = average((0..<10_000).map { _ in q.draw(using: &generator)[0] })
    #expect(abs(cubes.mean - 3) < 4.5 * cubes.error)
  }

  @Test func errors() throws {
    let failures: [(String, () throws -> Void)] = [
      (
        "a Gaussian standard deviation is 0.0 at index 1; expected more than 0",
        { _ = try DiagonalGaussian(mean: [0, 0], standardDeviation: [1, 0]) }
      ),
      (
        "a Gaussian standard deviation has 1 numbers; expected 2",
        { _ = try DiagonalGaussian(mean: [0, 0], standardDeviation: [1]) }
      ),
      (
        "a Gaussian covariance has 3 numbers; expected 4",
        { _ = try Gaussian(mean: [0, 0], covariance: [1, 0, 1]) }
      ),
      (
        "a Gaussian covariance has 0.5 at (1, 0) and 0.0 at (0, 1); expected a symmetric matrix",
        { _ = try Gaussian(mean: [0, 0], covariance: [1, 0, 0.5, 1]) }
      ),
      (
        "a Gaussian covariance has no positive pivot in row 1; expected a positive definite matrix",
        { _ = try Gaussian(mean: [0, 0], covariance: [1, 2, 2, 1]) }
      ),
      (
        "Gaussians of 1 and 2 dimensions; expected the same",
        {
          let one = try DiagonalGaussian(mean: [0], standardDeviation: [1])
          _ = try one.divergence(to: DiagonalGaussian(mean: [0, 0], standardDeviation: [1, 1]))
        }
      ),
    ]
    for (expected, body) in failures {
      #expect { try body() } throws: { "\($0)" == expected }
    }
  }
}

@Suite struct BernoulliTests {
  @Test func probabilities() throws {
    let p = try Bernoulli(logits: [0, 2, -800, 800, -40])
    #expect(p.probabilities[0] == 0.5 && p.probabilities[2] == 0 && p.probabilities[3] == 1)
    #expect(error(p.probabilities[1], 1 / (1 + exp(-2))) < 1e-15)
    #expect(error(p.probabilities[4], exp(-40)) < 1e-15)
    #expect(error(try p.logProbability([1, 1, 0, 1, 0]), log(0.5) - log(1 + exp(-2))) < 1e-15)
    #expect(
      error(try p.logProbability([0, 0, 1, 0, 1]), log(0.5) - log(1 + exp(2)) - 1640) < 1e-15)
    // Σ over all outcomes is 1.
    let small = try Bernoulli(logits: [0.3, -1.2, 2.5])
    let all = try (0..<8).map { (i: Int) -> Double in
      let outcome: [Int] = [i & 1, i >> 1 & 1, i >> 2]
      return try small.logProbability(outcome.map { Double($0) })
    }
    #expect(abs(logSumExp(all)) < 1e-15)
    #expect(error(small.entropy, -all.reduce(0) { $0 + exp($1) * $1 }) < 1e-14)
    #expect(try Bernoulli(logits: [-800, 800]).entropy == 0)
  }

  @Test func draws() throws {
    let p = try Bernoulli(logits: [-2, 0.4])
    var generator = PhiloxStream(seed: 51)
    let found = (0..<20_000).map { _ in p.draw(using: &generator) }
    for i in 0..<2 {
      let mean = average(found.map { $0[i] })
      #expect(abs(mean.mean - p.probabilities[i]) < 4.5 * mean.error, "seed 51")
    }
  }

  @Test func errors() throws {
    let p = try Bernoulli(logits: [0, 0])
    #expect {
      _ = try p.logProbability([0, 1.5])
    } throws: {
      "\($0)" == "a binary value is 1.5 at index 1; expected 0 to 1"
    }
    #expect(throws: FigmentError.self) { try Bernoulli(logits: [.infinity]) }
    #expect(throws: FigmentError.self) { try p.logProbability([1]) }
  }
}
