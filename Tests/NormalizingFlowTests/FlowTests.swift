import NormalizingFlow
import TensorCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

@Suite struct FlowTests {
  /// The largest sum of a row of |db/da| by central differences, rows of `a` one by one: how much an error grows.
  private func growth(
    _ a: [Double], rows: Int, _ body: ([Double]) throws -> [Double]
  ) rethrows -> Double {
    let (h, width) = (1e-5, a.count / rows)
    var sums = [Double](repeating: 0, count: a.count)
    for column in 0..<width {
      let sides = try [h, -h].map { step in
        try body(a.indices.map { a[$0] + ($0 % width == column ? step : 0) })
      }
      for i in sums.indices { sums[i] += abs(sides[0][i] - sides[1][i]) / (2 * h) }
    }
    return sums.max() ?? 0
  }

  /// `inverse` and `forward` are inverses of each other, in double precision and in fp32.
  @Test(arguments: SmallFlow.all, 0..<3) func inversesAreInverse(_ small: SmallFlow, seed: Int)
    throws
  {
    let p = Parameters("flow")
    let model = try small.model(p)
    let count = 8
    var numbers = SplitMix64(seed: seed + 50)
    let points = numbers.normals(count * small.dimensions)
    let x = Tensor.input("x", [count] + small.shape)
    let z = Tensor.input("z", [count, small.dimensions])
    let (forward, inverse) = (model.forward(x).z, model.inverse(z))
    func run(_ y: Tensor, _ name: String, _ values: [Double]) throws -> [Double] {
      var reference = SmallFlow.reference(p, seed: seed)
      return try reference.evaluate([y], [name: values])[0]
    }
    let there = try run(forward, "x", points)
    let moved = zip(there, points).map { abs($0 - $1) }.max() ?? 0
    #expect(moved > 0.1)
    // Each step rounds a few times, and what is lost grows at most as it does on the whole way there and back.
    let grows =
      try growth(points, rows: count) { try run(forward, "x", $0) }
      * growth(there, rows: count) { try run(inverse, "z", $0) }
    let size = (points + there).map { abs($0) }.max() ?? 0
    let roundings = 10 * Double(small.couplings + 1) * max(1, grows) * max(1, size)
    for (first, second, name, other) in [
      (forward, inverse, "x", "z"), (inverse, forward, "z", "x"),
    ] {
      let back = try run(second, other, run(first, name, points))
      let gap = zip(back, points).map { abs($0 - $1) }.max() ?? .infinity
      #expect(gap < roundings * 0x1p-53, "seed \(seed)")
    }

    let both = model.inverse(forward)
    let program = try SmallFlow.runtime(p, seed: seed).compile("both", [both])
    try program.fill(x, with: points.map { Float($0) })
    program.run()
    let gap = zip(try program.values(both), points).map { abs(Double($0) - $1) }.max() ?? .infinity
    #expect(gap < roundings * 0x1p-24, "seed \(seed), fp32")
  }

  /// The log determinant is that of the matrix of central differences.
  @Test(arguments: SmallFlow.all, 0..<3)
  func theDeterminantEqualsThatOfTheJacobian(_ small: SmallFlow, seed: Int) throws {
    let p = Parameters("flow")
    let model = try small.model(p)
    let (count, width) = (4, small.dimensions)
    let x = Tensor.input("x", [count] + small.shape)
    let (z, determinant) = model.forward(x)
    var reference = SmallFlow.reference(p, seed: seed)
    var numbers = SplitMix64(seed: seed + 90)
    let points = numbers.normals(count * width)
    let exact = try reference.evaluate([determinant], ["x": points])[0]
    // Half a step of 1e-4 squared times a third derivative, and 1e-16 / 1e-4 of rounding.
    let h = 1e-4
    var columns: [[Double]] = []
    for column in 0..<width {
      let sides = try [h, -h].map { step in
        let moved = points.indices.map { points[$0] + ($0 % width == column ? step : 0) }
        return try reference.evaluate([z], ["x": moved])[0]
      }
      columns.append(zip(sides[0], sides[1]).map { ($0 - $1) / (2 * h) })
    }
    for row in 0..<count {
      let jacobian = (0..<width).map { i in columns.map { $0[row * width + i] } }
      let found = logDeterminant(jacobian)
      #expect(abs(found - exact[row]) < 1e-5 * max(1, abs(found)), "row \(row), seed \(seed)")
      #expect(abs(found) > 1e-3)
    }
  }

  /// log p is the sum of log N(z; 0, I) and the log determinant; the loss is the negative mean.
  @Test(arguments: SmallFlow.all) func densitiesAreSumsOfTheirParts(_ small: SmallFlow) throws {
    let p = Parameters("flow")
    let model = try small.model(p)
    let x = Tensor.input("x", [6] + small.shape)
    let (z, determinant) = model.forward(x)
    var reference = SmallFlow.reference(p, seed: 7)
    var numbers = SplitMix64(seed: 7)
    let found = try reference.evaluate(
      [z, determinant, model.logDensity(x), model.loss(x)],
      ["x": numbers.normals(6 * small.dimensions)])
    for row in 0..<6 {
      let point = found[0][row * small.dimensions..<(row + 1) * small.dimensions]
      let normal = point.reduce(0) { $0 - $1 * $1 / 2 - log(2 * .pi) / 2 }
      #expect(abs(normal + found[1][row] - found[2][row]) < 1e-12 * max(1, abs(found[2][row])))
    }
    #expect(abs(found[3][0] + found[2].reduce(0, +) / 6) < 1e-12)
  }

  /// The density integrates to 1 over the plane.
  ///
  /// A grid's sum of a smooth density that is nothing at the edges errs by far less than its spacing where the grid
  /// resolves it, which is seen by leaving out every other point; networks of gain 1 make tails too long and ridges too
  /// thin for any grid, so these have less. What lies beyond the edges is less than 5 / n but once in exp(5) times where
  /// none of n samples does.
  @Test(arguments: SmallFlow.all.filter { $0.shape == [2] }, 0..<2)
  func densitiesIntegrateToOne(_ small: SmallFlow, seed: Int) throws {
    let p = Parameters("flow")
    let model = try small.model(p)
    let runtime = try SmallFlow.runtime(p, seed: seed, gain: 0.4)
    let draws = 20_000
    let samples = try FlowSampler(model, runtime, batch: 4000)
      .sample(seeds: (0..<draws).map { UInt64($0) })
    let edge = 1.25 * samples.reduce(0) { max($0, abs(Double($1))) }
    let half = 400
    let spacing = edge / Double(half)
    let line = (-half...half).map { Double($0) * spacing }
    let density = try FlowDensity(model, runtime, batch: 8000)
    let values = try density(line.flatMap { y in line.flatMap { [Float($0), Float(y)] } })
    var (fine, coarse) = (0.0, 0.0)
    for (i, value) in values.enumerated() {
      let mass = exp(Double(value)) * spacing * spacing
      fine += mass
      if i % line.count % 2 == 0, i / line.count % 2 == 0 { coarse += 4 * mass }
    }
    #expect(abs(fine - coarse) < 1e-4, "the grid does not resolve seed \(seed)")
    #expect(abs(fine - 1) < 5 / Double(draws) + 1e-4, "seed \(seed)")
  }

  /// A new flow is the identity, whatever the seed.
  @Test(arguments: SmallFlow.all) func flowsBeginAsTheIdentity(_ small: SmallFlow) throws {
    let model = try small.model()
    let x = Tensor.input("x", [3] + small.shape)
    var reference = Reference(seed: 3)
    let points = (0..<3 * small.dimensions).map { Double($0) / 7 - 1 }
    let found = try reference.evaluate(
      [model.forward(x).z, model.forward(x).logDeterminant], ["x": points])
    #expect(found[0] == points)
    #expect(found[1] == [0, 0, 0])
  }

  /// Couplings stretch within their limit, however large their networks grow, and every number is moved.
  @Test(arguments: [0.5, 2]) func logScalesAreBounded(_ limit: Double) throws {
    for dimensions in [2, 3, 6] {
      let p = Parameters("flow")
      let model = try CouplingFlow(
        shape: [dimensions], couplings: 2, hidden: [8], logScaleLimit: limit, p)
      var reference = Reference(seed: 1)
      for (name, values) in SmallFlow.weights(p, seed: 1) {
        reference.variables[name] = values.map { name.contains("coupling") ? 100 * $0 : 0 }
      }
      let x = Tensor.input("x", [50, dimensions])
      var numbers = SplitMix64(seed: dimensions)
      let (z, determinant) = model.forward(x)
      let points = numbers.normals(50 * dimensions)
      let found = try reference.evaluate([z, determinant], ["x": points])
      let largest = found[1].map { abs($0) }.max() ?? 0
      #expect(largest <= limit * Double(dimensions) * (1 + 1e-12))
      #expect(largest > 0.9 * limit)
      for i in 0..<dimensions {
        #expect(
          stride(from: i, to: points.count, by: dimensions).contains { found[0][$0] != points[$0] })
      }
    }
  }

  @Test func examplesDoNotMix() throws {
    let model = try SmallFlow.all[1].model()
    let x = Tensor.input("x", [8, 2])
    #expect(model.logDensity(x).operationThatMixesRows(of: x) == nil)
    #expect(model.inverse(x).operationThatMixesRows(of: x) == nil)
  }

  @Test(
    arguments: [
      ([1], 2, [4], 2.0, "two numbers"), ([], 2, [4], 2, "two numbers"),
      ([0, 3], 2, [4], 2, "two numbers"),
      ([2], 0, [4], 2, "at least one coupling, not 0"), ([2], 2, [4, 0], 2, "not [4, 0]"),
      ([2], 2, [4], 0, "not 0.0"), ([2], 2, [4], .infinity, "not inf"),
      ([2], 2, [4], .nan, "not nan"),
    ] as [([Int], Int, [Int], Double, String)])
  func invalidSettingsAreRefused(
    _ row: (shape: [Int], couplings: Int, hidden: [Int], limit: Double, says: String)
  ) throws {
    let error = #expect(throws: TensorError.self) {
      try CouplingFlow(
        shape: row.shape, couplings: row.couplings, hidden: row.hidden, logScaleLimit: row.limit,
        Parameters("flow"))
    }
    #expect(error?.description.contains(row.says) == true, "\(error?.description ?? "")")
  }

  @Test func invalidShapesAreNamed() throws {
    let model = try SmallFlow.all[1].model()
    for shape in [[], [2], [4, 3], [4, 2, 1]] {
      let x = Tensor.input("x", shape)
      for y in [model.forward(x).z, model.forward(x).logDeterminant, model.loss(x)] {
        #expect(y.failure?.contains("a flow of examples [2] given \(shape)") == true)
      }
      #expect(model.inverse(x).failure?.contains("a flow of 2 numbers given") == true)
    }
  }
}
