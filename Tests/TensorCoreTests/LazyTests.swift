import TensorCore
import Testing

/// Rows that are not touched rest; those that are step as without the others.
@Suite struct LazyTests {
  static let rows = 40
  static let width = 3

  /// The table after each step, of a loss that reads these rows of it, or of all by a product where
  /// `isDense`.
  private func trail(
    _ optimizer: Link<Gradient, some Outcome>, _ batches: [[Double]], isDense: Bool = false
  ) throws -> (table: [[Float]], runtime: Runtime, program: Program) {
    let p = Parameters("model")
    let table = p.make("table", .normal([Self.rows, Self.width], "initial"))
    let count = batches[0].count
    let index = Tensor.input("rows", [count])
    // One row of zeros and a one for each row that is read.
    let place = Tensor.literal((0..<Self.rows).map(Double.init), [1, Self.rows])
    let picks = 1 - minimum(abs(index.reshape([count, 1]) - place), 1)
    let read = isDense ? picks.matmul(table) : table.gather(index)
    let loss = (read.squared() + read).sum()
    let descent = minimize(loss, p, optimizer)
    let runtime = try Runtime(seed: 2, threads: 1)
    let program = try runtime.compile(
      "train", [loss, descent.gradientNorm], updates: descent.updates)
    var tables = [try runtime.values(of: p.variables[0])]
    for batch in batches {
      try program.fill(index, with: batch.map { Float($0) })
      program.run()
      tables.append(try runtime.values(of: p.variables[0]))
    }
    return (tables, runtime, program)
  }

  private static let batches: [[Double]] = [
    [3, 5, 3, 39], [0, 3, 7, 7], [5, 5, 5, 5], [3, 0, 39, 12], [12, 5, 1, 3],
  ]

  @Test(arguments: RestingMoments.allCases, [false, true])
  func rowsThatAreNotTouchedRest(_ moments: RestingMoments, _ isDense: Bool) throws {
    let (tables, _, _) = try trail(
      lazy(adam(0.1), moments: moments), Self.batches, isDense: isDense)
    for (step, batch) in Self.batches.enumerated() {
      for row in 0..<Self.rows {
        let place = row * Self.width..<(row + 1) * Self.width
        let (before, after) = (tables[step][place], tables[step + 1][place])
        let rests = before.map(\.bitPattern) == after.map(\.bitPattern)
        #expect(rests == !batch.contains(Double(row)), "row \(row), step \(step)")
      }
    }
  }

  /// Each row by a plain loop in Double: Adam with one clock for all rows, and moments that rest, or that
  /// decay as with gradients of zero.
  @Test(arguments: RestingMoments.allCases, [false, true])
  func rowsStepAsAdamDoes(_ moments: RestingMoments, _ isDense: Bool) throws {
    let (tables, _, _) = try trail(
      lazy(adam(0.1), moments: moments), Self.batches, isDense: isDense)
    var w = tables[0].map { Double($0) }
    var (m, v) = ([Double](repeating: 0, count: w.count), [Double](repeating: 0, count: w.count))
    for (step, batch) in Self.batches.enumerated() {
      let t = Double(step + 1)
      for i in w.indices {
        let hits = Double(batch.count { $0 == Double(i / Self.width) })
        guard hits > 0 else {
          if moments == .decay { (m[i], v[i]) = (0.9 * m[i], 0.999 * v[i]) }
          continue
        }
        let g = hits * (2 * w[i] + 1)
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g * g
        let (b1, b2) = ((t * 0.9.logarithm).exponential, (t * 0.999.logarithm).exponential)
        w[i] -= 0.1 * (m[i] / (1 - b1)) / ((v[i] / (1 - b2)).squareRoot() + 1e-8)
      }
      #expect(zip(tables[step + 1], w).allSatisfy { abs(Double($0) - $1) < 2e-6 }, "step \(step)")
    }
  }

  /// No kernel reads or writes the table where few rows are touched; an average needs the whole.
  @Test func fewRowsCostWhatTheRowsCost() throws {
    let (_, _, program) = try trail(lazy(adam(0.1)), Self.batches)
    let elements = Self.rows * Self.width
    #expect(program.kernels.allSatisfy { !$0.label.contains("scatter") })
    #expect(program.kernels.allSatisfy { !$0.label.hasPrefix("\(elements):") })
    let (averaged, _, _) = try trail(chain(lazy(adam(0.1)), average(decay: 0.5)), Self.batches)
    let (plain, _, _) = try trail(lazy(adam(0.1)), Self.batches)
    for (a, b) in zip(averaged, plain) { #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 }) }
  }

  /// 64 rows of 100,000, either meaning, compared with Adam over the whole table; the shortest of alternating steps,
  /// as others use the machine too.
  @Test(arguments: RestingMoments.allCases)
  func aStepOfFewRowsTakesUnderAHundredthOfTheTime(_ moments: RestingMoments) throws {
    func step(_ optimizer: Optimizer) throws -> Program {
      let p = Parameters("model")
      let table = p.make("table", .zeros([100_000, 64]))
      let rows = Tensor.input("rows", [64])
      let descent = minimize((table.gather(rows) + 1).squared().sum(), p, optimizer)
      let program = try Runtime(seed: 0, threads: 1).compile("train", [], updates: descent.updates)
      try program.fill(rows, with: (0..<64).map { Float($0 * 1_553) })
      return program
    }
    let programs = [try step(lazy(adam(0.1), moments: moments)), try step(adam(0.1))]
    var shortest = [Duration.seconds(60), .seconds(60)]
    for _ in 0..<10 {
      for (i, program) in programs.enumerated() {
        // The first after the other finds nothing of its own in the cache.
        program.run()
        shortest[i] = min(shortest[i], ContinuousClock().measure { program.run() })
      }
    }
    let share = shortest[0] / shortest[1]
    #expect(share < 0.01, "\(shortest[0]) of \(shortest[1])")
  }

  @Test func theNormIsThatOfTheWholeGradient() throws {
    let p = Parameters("model")
    let table = p.make("table", .ones([40, 2]))
    // Row 1 has gradient (2, 2), row 4 (1, 1).
    let descent = minimize(table.gather(.literal([1, 4, 1], [3])).sum(), p, lazy(sgd(1.0)))
    let runtime = try Runtime(seed: 0, threads: 1)
    let sum = try runtime.compile("train", [descent.gradientNorm], updates: descent.updates)
    sum.run()
    #expect(abs(try sum.scalar(descent.gradientNorm) - Float(10).squareRoot()) < 1e-5)
    let values = try runtime.values(of: p.variables[0])
    #expect(Array(values[2..<4]) == [-1, -1] && Array(values[8..<10]) == [0, 0])
    #expect(values.count { $0 == 1 } == 76)
  }

  /// Indices that name no row are left out of the norm and of the table, whether the gradient is computed for few
  /// rows or for the whole table.
  @Test(
    arguments: [-1, 40, -0.5, 0.5, 3.25, 38.999, .nan, .infinity, -.infinity, 1e30] as [Double],
    [40, 4])
  func whatNamesNoRowCountsNowhere(_ wrong: Double, rows: Int) throws {
    let wrong = wrong == 40 ? Double(rows) : wrong
    let p = Parameters("model")
    let table = p.make("table", .ones([rows, 2]))
    let index = Tensor.input("rows", [4])
    // Row 2 is read twice, and what is NaN is not looked at.
    let isKnown = Tensor.literal([1, 1, 0, 1], [4, 1])
    let loss = select(isKnown, table.gather(index), Tensor(0)).sum()
    let descent = minimize(loss, p, lazy(sgd(1.0)))
    let runtime = try Runtime(seed: 0, threads: 1)
    let program = try runtime.compile(
      "train", [loss, descent.gradientNorm], updates: descent.updates)
    try program.fill(index, with: [2, 3, Float(wrong), 2])
    program.run()
    #expect(try program.scalar(loss) == 6)
    #expect(abs(try program.scalar(descent.gradientNorm) - Float(10).squareRoot()) < 1e-5)
    let values = try runtime.values(of: p.variables[0])
    #expect(Array(values[4..<8]) == [-1, -1, 0, 0] && values.count { $0 == 1 } == 2 * rows - 4)

    var reference = Reference(seed: 0)
    let found = try reference.evaluate(
      [loss, descent.gradientNorm], updates: descent.updates, ["rows": [2, 3, wrong, 2]])
    #expect(found[0] == [6] && abs(found[1][0] - 10.0.squareRoot()) < 1e-12)
    #expect(reference.variables["model/table"] == values.map { Double($0) })
  }

  @Test func aStepThatIsNotFiniteLeavesRowsAsTheyWere() throws {
    let (tables, _, _) = try trail(
      lazy(adam(0.1)), [[3, 5, 3, 39], [3, 5, .nan, 1], [1, 2, 3, 4]])
    #expect(tables[1].map(\.bitPattern) == tables[2].map(\.bitPattern))
    #expect(tables[2] != tables[3])
  }

  @Test func updatesOfRowsAreChecked() throws {
    let v = Variable("v", initially: .zeros([4, 2]))
    let runtime = try Runtime(seed: 0, threads: 1)
    #expect(throws: TensorError("the update of v has shape [2], not [3, 2]")) {
      try runtime.compile(
        "p", [], updates: [Update(v, .ones([2]), rows: .literal([0, 1, 2], [3]))])
    }
    let values = Tensor.literal([1, 2, 3, 4, 5, 6], [3, 2])
    let updates = [Update(v, values, rows: .literal([2, 9, 0], [3]))]
    try runtime.compile("q", [], updates: updates).run()
    #expect(try runtime.values(of: v) == [5, 6, 0, 0, 1, 2, 0, 0])
    var reference = Reference(seed: 0)
    _ = try reference.evaluate([v.value], updates: updates)
    #expect(reference.variables["v"] == [5, 6, 0, 0, 1, 2, 0, 0])
  }
}
