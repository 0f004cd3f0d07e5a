import TensorCore
import Testing

/// Literals among tensors: whichever operator the compiler picks, the expression is the one that a
/// `Double` makes.
@Suite struct LiteralTests {
  private static let x = Tensor.input("x", [2])

  private static func text(_ y: Tensor) throws -> String {
    try Listing("test", outputs: [y], updates: []).description
  }

  /// An expression with literals, and the same with numbers that are known to be of type `Double`.
  struct Pair: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let literal, plain: Tensor
  }

  private static let two: Double = 2
  private static let half: Double = 0.5

  static let pairs: [Pair] = [
    Pair(testDescription: "2 * x", literal: 2 * x, plain: Tensor(two) * x),
    Pair(testDescription: "x * 2", literal: x * 2, plain: Tensor(two) * x),
    Pair(testDescription: "x * 0.5", literal: x * 0.5, plain: Tensor(half) * x),
    Pair(testDescription: "1 - x", literal: 1 - x, plain: Tensor(two - 1) - x),
    Pair(testDescription: "x / 2", literal: x / 2, plain: x / Tensor(two)),
    Pair(testDescription: "x + 0.5", literal: x + 0.5, plain: x + Tensor(half)),
    Pair(
      testDescription: "2 * 3 / 4 * x", literal: 2 * 3 / 4 * x, plain: Tensor(6 / (2 * two)) * x),
    Pair(testDescription: "2 * half * x", literal: 2 * half * x, plain: Tensor(2 * half) * x),
    Pair(testDescription: "half * 2 * x", literal: half * 2 * x, plain: Tensor(half * 2) * x),
    Pair(testDescription: "-(2 + half) * x", literal: -(2 + half) * x, plain: Tensor(-2.5) * x),
    Pair(testDescription: ".pi * x", literal: .pi * x, plain: Tensor(Double.pi) * x),
    Pair(testDescription: "x < 0.5", literal: x < 0.5, plain: x < Tensor(half)),
    Pair(testDescription: "maximum(x, 0)", literal: maximum(x, 0), plain: maximum(x, two - two)),
    Pair(testDescription: "maximum(x, 0.5)", literal: maximum(x, 0.5), plain: maximum(x, half)),
    Pair(testDescription: "minimum(x, 2)", literal: minimum(x, 2), plain: minimum(x, two)),
    Pair(
      testDescription: "select(x, 0, 1)", literal: select(x, 0, 1),
      plain: select(x, Tensor(two - two), Tensor(two - 1))),
  ]

  @Test(arguments: pairs) func literalsMakeTheExpressionOfDoubles(pair: Pair) throws {
    #expect(try Self.text(pair.literal) == Self.text(pair.plain))
  }

  @Test func tensorsAreWrittenAsLiterals() throws {
    let a: Tensor = 2
    let b: Tensor = -1.5
    var reference = Reference(seed: 0)
    #expect(try reference.evaluate([a, b, a * b, a - b]) == [[2], [-1.5], [-3], [3.5]])
  }

  /// Types of expressions without a tensor: no annotation, so that the compiler chooses.
  @Test func arithmeticOfDoublesStaysDouble() {
    let values: [Double] = [1, 2, 4]
    let mean = values.reduce(0, +) / 7
    let sum = values.reduce(0) { $0 + 2 * $1 } / 7
    let products = zip(values, values).map(*).reduce(0, +)
    let area = 2 * Double.pi * Self.two / 3 - 1
    // Members that tensors lack.
    #expect(mean.isFinite && sum.isFinite && products.isFinite && area.isFinite)
    #expect(mean == 1 && sum == 2 && products == 21 && area == 4 * Double.pi / 3 - 1)
  }

  /// A gradient's own constants are no literals: x + x has the derivative of 2 x, made of two ones.
  @Test func gradientsKeepTheirForm() throws {
    let y = Tensor.input("y", [])
    let slope = gradients(of: -(0.5 * y), withRespectTo: [y])[0]
    #expect(
      try Self.text(slope) == """
        %0 = constant 1.0() []
        %1 = negate(%0) []
        %2 = constant 0.5() []
        %3 = multiply(%1, %2) []
        output %3
        """)
  }
}
