import TensorCore
import TestSupport
import Testing
import VAE

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite(.serialized) struct LinearGaussianTests {
  private let points = [[0.0, 0.0], [1.2, -0.7], [-2.5, 0.4], [0.3, 2.0]]
  private let copies = 4000

  /// Mean and standard error, over copies of each point, of the values of `body`, [copies * points].
  private func estimate(
    _ c: LinearGaussianModel, _ body: (VariationalAutoencoder, Tensor) -> Tensor
  ) throws -> [(mean: Double, error: Double)] {
    let batch = copies * points.count
    let x = Tensor.input("x", [batch, 2])
    let y = body(try c.model(), x)
    let program = try c.runtime().compile("test", [y])
    try program.fill(x, with: (0..<batch).flatMap { points[$0 % points.count].map { Float($0) } })
    program.run()
    let values = try program.values(y).map { Double($0) }
    return points.indices.map { i in
      let mine = stride(from: i, to: batch, by: points.count).map { values[$0] }
      let mean = mine.reduce(0, +) / Double(copies)
      let variance = mine.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(copies - 1)
      return (mean, (variance / Double(copies)).squareRoot())
    }
  }

  @Test func theExpectedBoundHasItsClosedForm() throws {
    let c = LinearGaussianModel()
    let weights = try estimate(c) { $0.logWeights($1, draws: 1).sum(1) }
    let parts = try estimate(c) { $0.parts($1, .elbo, draws: 1).bound }
    for (i, x) in points.enumerated() {
      #expect(abs(weights[i].mean - c.bound(x)) < 4 * weights[i].error, "\(x)")
      #expect(abs(parts[i].mean - c.bound(x)) < 4 * parts[i].error, "\(x)")
      #expect(c.bound(x) < c.logDensity(x))
    }
  }

  @Test func boundsIncreaseWithTheDrawsUpToTheLikelihood() throws {
    let c = LinearGaussianModel()
    var last = try estimate(c) { $0.parts($1, .elbo, draws: 1).bound }
    for draws in [2, 5, 50] {
      let next = try estimate(c) { $0.parts($1, .iwae, draws: draws).bound }
      for (i, x) in points.enumerated() {
        let slack = 3 * (next[i].error * next[i].error + last[i].error * last[i].error).squareRoot()
        #expect(next[i].mean > last[i].mean - slack, "K = \(draws) at \(x)")
        #expect(next[i].mean < c.logDensity(x) + 3 * next[i].error, "K = \(draws) at \(x)")
      }
      last = next
    }
    // With 50 draws the gap is a small fraction of that with one draw.
    for (i, x) in points.enumerated() {
      let (gap, whole) = (c.logDensity(x) - last[i].mean, c.logDensity(x) - c.bound(x))
      #expect(gap < 0.25 * whole, "\(x): \(gap) of \(whole)")
    }
  }

  /// Every weight of the exact posterior equals p(x), which reveals an error in any density or constant.
  @Test func theExactPosteriorHasEqualWeights() throws {
    let c = LinearGaussianModel.exact
    let x = Tensor.input("x", [4, 2])
    let weights = try c.model().logWeights(x, draws: 7)
    let program = try c.runtime().compile("test", [weights])
    try program.fill(x, with: points.flatMap { $0.map { Float($0) } })
    program.run()
    for (i, value) in try program.values(weights).enumerated() {
      #expect(abs(Double(value) - c.logDensity(points[i / 7])) < 2e-5, "\(points[i / 7])")
    }
  }

  /// A weight does not depend on other rows if each row has a seed.
  @Test func weightsDependOnlyOnTheirSeeds() throws {
    let c = LinearGaussianModel()
    func weights(_ rows: [Int], batch: Int) throws -> [[Float]] {
      let x = Tensor.input("x", [batch, 2])
      let keys = Tensor.seeds("keys", batch)
      let y = try c.model().logWeights(x, draws: 6, keys: keys)
      let program = try c.runtime().compile("test", [y])
      let padded = (0..<batch).map { rows[min($0, rows.count - 1)] }
      try program.fill(x, with: padded.flatMap { points[$0].map { Float($0) } })
      try program.fill(seeds: keys, with: padded.map { UInt64($0) })
      program.run(at: 0)
      let values = try program.values(y)
      return rows.indices.map { Array(values[$0 * 6..<$0 * 6 + 6]) }
    }
    let all = try weights([0, 1, 2, 3], batch: 4)
    #expect(try weights([3, 1], batch: 8) == [all[3], all[1]])
    #expect(Set(all[0]).count == 6)
  }
}
