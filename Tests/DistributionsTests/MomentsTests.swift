import Distributions
import Support
import Testing

/// Vectors with exactly this mean and covariance: each row r of `factors` adds the pair mean ± r √(count - 1)/√2.
private func vectors(mean: [Double], factors: [[Double]]) -> [Float] {
  let count = Double(2 * factors.count)
  return factors.flatMap { factor -> [Float] in
    let scale = ((count - 1) / 2).squareRoot()
    return [1.0, -1].flatMap { sign in
      zip(mean, factor).map { Float($0 + sign * scale * $1) }
    }
  }
}

@Suite struct MomentsTests {
  @Test func momentsByHand() throws {
    let moments = try Moments([1, 2, 3, 6, 5, 1], width: 2)
    #expect(moments.mean == [3, 3] && moments.count == 3)
    #expect(moments.covariance == [4, -1, -1, 7])
    let some = try Moments([9, 9, 1, 2, 3, 6, 5, 1], width: 2, rows: [1, 2, 3])
    #expect(some.mean == moments.mean && some.covariance == moments.covariance)
  }

  /// Σ (σ_p - σ_q)² of independent coordinates, some of them constant.
  @Test func independentCoordinates() throws {
    let p = try Moments(vectors(mean: [1, 0, 2], factors: [[3, 0, 0], [0, 2, 0]]), width: 3)
    let q = try Moments(vectors(mean: [0, 0, 4], factors: [[1, 0, 0], [0, 0, 5]]), width: 3)
    #expect(error(try p.squaredFrechetDistance(to: q), 5 + 4 + 4 + 25) < 1e-6)
    #expect(error(try q.squaredFrechetDistance(to: p), 5 + 4 + 4 + 25) < 1e-6)
  }

  /// |Δ|² + tr Σ if one distribution is a single point.
  @Test func aPoint() throws {
    let p = try Moments(vectors(mean: [1, 1], factors: [[3, 1], [0.5, 2]]), width: 2)
    let point = try Moments([4, 5, 4, 5], width: 2)
    let trace = 9 + 1 + 0.25 + 4
    #expect(error(try p.squaredFrechetDistance(to: point), 25 + trace) < 1e-6)
    #expect(try point.squaredFrechetDistance(to: point) == 0)
  }

  /// (σ_p - σ_q)² if both lie on one line of the plane that is not an axis.
  @Test func aLine() throws {
    let p = try Moments(vectors(mean: [0, 0, 0], factors: [[3, 4, 0]]), width: 3)
    let q = try Moments(vectors(mean: [0, 0, 0], factors: [[0.6, 0.8, 0]]), width: 3)
    #expect(error(try p.squaredFrechetDistance(to: q), 16) < 1e-6)
    // Orthogonal lines: no term is shared.
    let other = try Moments(vectors(mean: [0, 0, 0], factors: [[4, -3, 0]]), width: 3)
    #expect(error(try p.squaredFrechetDistance(to: other), 50) < 1e-6)
  }

  /// Agrees with the Wasserstein distance of Gaussians with these moments.
  @Test(arguments: [2, 7, 20]) func gaussians(n: Int) throws {
    var generator = PhiloxStream(seed: UInt64(n))
    func moments(_ shift: Double) throws -> Moments {
      let numbers = (0..<3 * n * n).map { i in
        Float(shift * Double(i % n) + Double.random(in: -1...1, using: &generator))
      }
      return try Moments(numbers, width: n)
    }
    let (p, q) = (try moments(0), try moments(0.1))
    let expected = try Gaussian(mean: p.mean, covariance: p.covariance)
      .squaredWassersteinDistance(to: Gaussian(mean: q.mean, covariance: q.covariance))
    #expect(error(try p.squaredFrechetDistance(to: q), expected) < 1e-12, "seed \(n)")
    #expect(try p.squaredFrechetDistance(to: p) < 1e-12, "seed \(n)")
  }

  @Test func errorsNameTheProblem() throws {
    for (vectors, message) in [
      ([1, 2], "the moments of 1 vectors; expected at least 2"),
      ([1, 2, .nan, 2], "a mean is nan at index 0"),
    ] as [([Float], String)] {
      let found = #expect(throws: FigmentError.self) {
        _ = try Moments(vectors, width: 2)
      }
      #expect(found?.description.hasPrefix(message) ?? false)
    }
    let (a, b) = (try Moments([1, 2], width: 1), try Moments([1, 2, 3, 4], width: 2))
    #expect(throws: FigmentError.self) { _ = try a.squaredFrechetDistance(to: b) }
  }
}
