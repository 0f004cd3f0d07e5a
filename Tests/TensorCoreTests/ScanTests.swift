import TensorCore
import TestSupport
import Testing

/// Comparisons, powers, cumulative sums and indices of extrema: what compiled programs compute, at the places that
/// bite.
@Suite struct ScanTests {
  static let numbers: [Double] = [-2, 0, 0.5, 1, 3, .infinity, .nan]

  @Test func comparisonsOfEveryPair() throws {
    let n = Self.numbers.count
    let (x, y) = (Tensor.input("x", [n * n]), Tensor.input("y", [n * n]))
    let outputs = [x < y, x > y, x <= y, x >= y, equal(x, y), notEqual(x, y)]
    let a = Self.numbers.flatMap { v in Self.numbers.map { _ in v } }
    let b = Self.numbers.flatMap { _ in Self.numbers }
    let program = try Runtime(seed: 0, threads: 1).compile("p", outputs)
    let got = try program.outputs(outputs, [(x, a), (y, b)])
    for i in a.indices {
      let expected = [
        a[i] < b[i], a[i] > b[i], a[i] <= b[i], a[i] >= b[i], a[i] == b[i], a[i] != b[i],
      ]
      #expect(got.map { $0[i] == 1 } == expected, "\(a[i]) and \(b[i])")
    }
  }

  @Test func powersAndTheirDerivativesWhereLogarithmsEnd() throws {
    let (x, y) = (Tensor.input("x", [5]), Tensor.input("y", [5]))
    let z = power(x, y)
    let outputs = [z] + gradients(of: z.sum(), withRespectTo: [x, y])
    let program = try Runtime(seed: 0, threads: 1).compile("p", outputs)
    let got = try program.outputs(outputs, [(x, [0, 0, -2, 2, 9]), (y, [0, 2, 3, -1, 0.5])])
    #expect(got[0] == [1, 0, -8, 0.5, 3])
    #expect(relativeError(got[1], [0, 0, 12, -0.25, 1.0 / 6]) < 1e-6)
    #expect(got[2][0] == 0 && got[2][1] == 0 && got[2][2].isNaN)
    #expect(
      try Pipeline("p", [power(x, Tensor(2)), power(x, Tensor(1))]).simplified.instructions
        .allSatisfy { $0.operation != .binary(.power) })
  }

  /// More columns than a block of the kernel, and pieces along the first axis.
  @Test(arguments: [[1, 5, 1], [3, 7, 130], [70, 300, 2], [2, 1, 3]])
  func scansEqualTheReference(shape: [Int]) throws {
    let x = Tensor.input("x", shape)
    let outputs = (0..<3).flatMap { axis in
      [
        x.cumulativeSum(axis), x.cumulativeSum(axis, isReversed: true), x.argmax(axis),
        x.argmin(axis),
      ]
    }
    var numbers = SplitMix64(seed: 4)
    let values = numbers.values(x.count).map { Double(Float($0)) }
    var reference = Reference(seed: 0)
    let exact = try reference.evaluate(outputs, ["x": values])
    let program = try Runtime(seed: 0, threads: 2).compile("p", outputs)
    let got = try program.outputs(outputs, [(x, values)])
    for (got, exact) in zip(got, exact) {
      // Summed in Double, rounded once.
      for (a, b) in zip(got, exact) { #expect(abs(a - b) <= 0x1p-24 * abs(b) + 1e-12) }
    }
  }

  @Test func tiesAndNaN() throws {
    let x = Tensor.input("x", [3, 3])
    let outputs = [x.argmax(), x.argmin(), x.argmax(0, keep: true)]
    let values: [Double] = [1, 3, 3, .nan, 5, .nan, -1, -1, -2]
    let program = try Runtime(seed: 0, threads: 1).compile("p", outputs)
    let got = try program.outputs(outputs, [(x, values)])
    #expect(got[0] == [1, 0, 0] && got[1] == [0, 0, 2] && got[2] == [1, 1, 1])
    #expect(outputs[2].shape == [1, 3])
  }

  @Test func mistakes() {
    let x = Tensor.input("x", [3, 4])
    #expect(x.cumulativeSum(2).failure == "cumulative sum along axis 2 of [3, 4]")
    #expect(x.argmax(-3).failure == "argmax along axis -3 of [3, 4]")
  }

  /// Along the examples' axis, one example reaches another.
  @Test func rowsStayApartAlongOtherAxes() {
    let x = Tensor.input("x", [3, 4])
    #expect(x.cumulativeSum(1).operationThatMixesRows(of: x) == nil)
    #expect(x.argmax(1).operationThatMixesRows(of: x) == nil)
    #expect(x.cumulativeSum(0).operationThatMixesRows(of: x) == "cumulative sum 0")
    #expect(x.argmax(0).operationThatMixesRows(of: x) == "argmax 0")
  }
}
