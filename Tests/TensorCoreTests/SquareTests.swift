import TensorCore
import TestSupport
import Testing

/// Sums of squares, which have a kernel of their own, are what they are as squares and sums.
@Suite(.serialized) struct SquareTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Sums over an array of 48 x 70, and updates of a variable of that shape.
    let program: @Sendable (_ x: Tensor, _ v: Tensor) -> (outputs: [Tensor], update: Tensor?)
  }

  static let cases = [
    Case(testDescription: "of all") { x, _ in ([x.squared().sum()], nil) },
    Case(testDescription: "of rows") { x, _ in ([x.squared().sum(over: [1])], nil) },
    Case(testDescription: "of columns") { x, _ in ([x.squared().sum(over: [0])], nil) },
    Case(testDescription: "beside the sum") { x, _ in ([x.squared().sum(), x.sum()], nil) },
    Case(testDescription: "beside the squares") { x, _ in ([x.squared().sum(), x.squared()], nil) },
    Case(testDescription: "of what is computed") { x, v in ([tanh(x - v).squared().sum()], nil) },
    Case(testDescription: "of what is kept") { x, v in
      let y = tanh(x - v)
      return ([y.squared().sum(), y], nil)
    },
    Case(testDescription: "of what is repeated") { x, v in
      let row = v.slice(axis: 0, from: 1, count: 1)
      return ([(x + row).squared().sum(), row.broadcast(to: v.shape).squared().sum()], nil)
    },
    // The new value takes the old one's place while that is read.
    Case(testDescription: "of what changes") { _, v in ([v.squared().sum()], 0.5 * v + 3) },
    Case(testDescription: "of what it becomes") { x, v in ([(v + x).squared().sum()], v + x) },
    Case(testDescription: "and a step by it") { x, v in ([], v - 0.001 * v.squared().sum() * x) },
  ]

  @Test(arguments: cases, Precision.allCases) func areSumsOfSquares(
    _ test: Case, precision: Precision
  ) throws {
    var numbers = SplitMix64(seed: 11)
    let v = Variable("v", initially: .literal(numbers.values(48 * 70), [48, 70]))
    let x = Tensor.input("x", [48, 70])
    let (outputs, update) = test.program(x, v.value)
    try expectAgreement(
      try Runtime(seed: 1, threads: 2), test.testDescription, outputs,
      update.map { [Update(v, $0)] } ?? [], [(x, numbers.values(48 * 70))], precision)
  }

  @Test func theyAreNoOperations() throws {
    let x = Tensor.input("x", [5000])
    let program = try Runtime(seed: 0, threads: 1).compile("sum", [x.squared().sum()])
    #expect(program.kernels.allSatisfy { $0.label.contains(": 0 operations") })
  }

  /// The norm of the gradients is the same number in whichever program it is asked for.
  @Test func theSquareIsRoundedBeforeItIsAdded() throws {
    let x = Tensor.input("x", [5000])
    let runtime = try Runtime(seed: 1, threads: 1)
    var numbers = SplitMix64(seed: 3)
    let values = numbers.values(5000)
    func sum(_ outputs: [Tensor]) throws -> [Float] {
      let program = try runtime.compile("sum", outputs, sharesDraws: true)
      _ = try program.outputs(outputs, [(x, values)])
      return try program.values(outputs[0])
    }
    let squares = x.squared()
    #expect(try sum([squares.sum()]) == sum([maximum(squares, -1).sum()]))
    #expect(try sum([squares.sum()]) == sum([squares.sum(), squares]))
  }
}
