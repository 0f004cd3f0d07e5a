import TensorCore
import TestSupport
import Testing

/// Gradients as values between losses and optimizers.
@Suite struct GradientsTests {
  private static let weight = Tensor(0.25)

  /// A dense parameter, a table of which rows are gathered, and two losses of both.
  private struct Problem {
    let parameters = Parameters("model")
    let first: Tensor
    let second: Tensor
    let rows = Tensor.input("rows", [3])

    init(tableRows: Int = 40) {
      let w = parameters.make("w", .literal([1, -2, 3], [3]))
      let table = parameters.make("table", .normal([tableRows, 3], "initial"))
      first = (table.gather(rows) * w).sum() + w.squared().sum()
      second = (table.gather(.literal([3, 9], [2])) - w).squared().sum()
    }

    func gradients(of loss: Tensor) -> Gradients {
      Gradients(of: loss, withRespectTo: parameters)
    }
  }

  /// The parameters after two steps, and the losses and norms of both.
  private func trail(_ problem: Problem, _ loss: Tensor, _ descent: Descent) throws -> (
    values: [Double], figures: [Double], program: Program
  ) {
    let runtime = try Runtime(seed: 4, threads: 1)
    let program = try runtime.compile(
      "train", [loss, descent.gradientNorm, descent.isFinite], updates: descent.updates)
    var figures: [Double] = []
    for rows in [[3.0, 3, 5], [9, 1, 0]] {
      try program.fill(problem.rows, with: rows.map { Float($0) })
      program.run()
      figures += try [loss, descent.gradientNorm, descent.isFinite].map {
        Double(try program.scalar($0))
      }
    }
    let values = try problem.parameters.variables.flatMap { try runtime.values(of: $0) }
    return (values.map { Double($0) }, figures, program)
  }

  /// Two weighted losses step as their sum does, of rows and, where the table is small, of all of it.
  @Test(arguments: [40, 10]) func weightedLossesAddUp(_ rows: Int) throws {
    let problem = Problem(tableRows: rows)
    let sum =
      problem.gradients(of: problem.first)
      + problem.gradients(of: problem.second).scaled(by: Self.weight)
    let loss = problem.first + Self.weight * problem.second
    let optimizers: [(String, CompleteOptimizer)] = [
      ("adam", chain(clip(globalNorm: 1), adam(0.1)).complete),
      ("lazy", chain(clip(globalNorm: 1), lazy(adam(0.1)), scale(by: 0.5)).complete),
    ]
    for (name, optimizer) in optimizers {
      let found = try trail(problem, sum.loss, optimizer.descent(along: sum))
      let expected = try trail(problem, loss, minimize(loss, problem.parameters, optimizer))
      #expect(relativeError(found.values, expected.values) < 1e-5, "\(name)")
      #expect(relativeError(found.figures, expected.figures) < 1e-5, "\(name)")
    }
  }

  @Test func rowsStayRows() throws {
    func isOfRows(_ gradients: Gradients) -> [Bool] {
      gradients.gradients.map { if case .rows = $0 { true } else { false } }
    }
    let problem = Problem()
    let (first, second) = (
      problem.gradients(of: problem.first), problem.gradients(of: problem.second)
    )
    #expect(isOfRows(first) == [false, true] && isOfRows(second) == [false, true])
    #expect(isOfRows(first.scaled(by: Self.weight) + second) == [false, true])
    // 3 + 3 of 15 rows are too many, and so are all of them.
    let small = Problem(tableRows: 15)
    let once = small.gradients(of: small.first)
    #expect(isOfRows(once) == [false, true] && isOfRows(once + once) == [false, false])
    let whole = Gradients(
      of: problem.parameters.tensors[1].sum(), withRespectTo: problem.parameters)
    #expect(isOfRows(first + whole) == [false, false])
    // A clip before the lazy link and a rate after it ask for no more than the rows.
    let descent = chain(clip(globalNorm: 1), lazy(adam(0.1)), scale(by: 0.5))
      .descent(along: first)
    let program = try trail(problem, problem.first, descent).program
    #expect(program.kernels.allSatisfy { !$0.label.contains("scatter") })
    #expect(program.kernels.allSatisfy { !$0.label.hasPrefix("120:") })
  }

  @Test func aLossThatIsNotFiniteIsNotHiddenByItsWeight() throws {
    let p = Parameters("model")
    let w = p.make("w", Tensor(1))
    let x = Tensor.input("x", [])
    let gradients =
      Gradients(of: w.squared(), withRespectTo: p)
      + Gradients(of: w + x, withRespectTo: p).scaled(by: Tensor(0.5))
    let runtime = try Runtime(seed: 0, threads: 1)
    let program = try runtime.compile(
      "train", [gradients.loss, gradients.isFinite, gradients.norm],
      updates: sgd(0.1).descent(along: gradients).updates)
    for (given, expected) in [(Float(2), 0.75 as Float), (.infinity, 0.75), (1, 0.55)] {
      try program.fill(x, with: [given])
      program.run()
      #expect(abs(try runtime.values(of: p.variables[0])[0] - expected) < 1e-6)
      #expect(try program.scalar(gradients.isFinite) == (given.isFinite ? 1 : 0))
    }
    #expect(abs(try program.scalar(gradients.norm) - 2) < 1e-6)
  }

  @Test func gradientsOfOtherParametersAreNotAdded() throws {
    let (p, q) = (Parameters("one"), Parameters("other"))
    let sum =
      Gradients(of: p.make("w", Tensor(1)), withRespectTo: p)
      + Gradients(of: q.make("w", Tensor(1)), withRespectTo: q)
    #expect(
      throws: TensorError(
        "gradients with respect to one and to other cannot be added: expected the same parameters")
    ) {
      try Runtime(seed: 0, threads: 1)
        .compile("train", [], updates: sgd(0.1).descent(along: sum).updates)
    }
  }
}
