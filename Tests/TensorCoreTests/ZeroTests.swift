import TensorCore
import Testing

/// Given numbers count by their bits, and an empty list of axes names none.
@Suite struct ZeroTests {
  /// Zeros keep their sign, which a reciprocal shows, as the reference computes it.
  @Test func zerosKeepTheirSign() throws {
    let x = Tensor.input("x", [2])
    let outputs = [
      x + Tensor(-0.0), Tensor(-0.0) + x, x - Tensor(0), Tensor(-0.0) - x,
      Tensor(-0.0).broadcast(to: [3]).sum() * Tensor.ones([2]), Tensor(0) * Tensor.ones([2]),
      Tensor(-0.0) * Tensor.ones([2]), select(x + 1, Tensor(-0.0), x), select(x + 1, Tensor(0), x),
    ]
    let inverses = outputs.map { reciprocal($0) }
    let values: [Double] = [0, -0.0]
    var reference = Reference(seed: 0)
    let expected = try reference.evaluate(inverses, ["x": values])
    let program = try Runtime(seed: 0, threads: 1).compile("p", inverses)
    let found = try program.outputs(inverses, [(x, values)])
    for i in outputs.indices { #expect(found[i] == expected[i], "output \(i)") }
    #expect(Set(expected.flatMap { $0 }) == [.infinity, -.infinity])
  }

  /// Numbers are the same when their bits are.
  @Test func constantsAreMergedByTheirBits() throws {
    func constants(_ outputs: [Tensor]) throws -> Int {
      simplify(try Listing("p", outputs: outputs, updates: [])).instructions.count {
        switch $0.operation {
        case .constant, .literal: true
        default: false
        }
      }
    }
    #expect(try constants([Tensor(0), Tensor(-0.0)]) == 2)
    #expect(try constants([Tensor(.nan), Tensor(.nan), Tensor(1), Tensor(1)]) == 2)
    #expect(try constants([.literal([1, 0], [2]), .literal([1, -0.0], [2])]) == 2)
    #expect(try constants([.literal([1, .nan], [2]), .literal([1, .nan], [2])]) == 1)
  }

  /// A divisor whose inverse is below the normal numbers, which count as zero, is divided by.
  @Test(arguments: [3e38, -2e38, .infinity]) func extremeDivisors(_ divisor: Double) throws {
    let x = Tensor.input("x", [2])
    let y = x / Tensor(divisor)
    let values = [1e20, 1e38].map { Double(Float($0)) }
    let found = try Runtime(seed: 0, threads: 1).compile("p", [y]).outputs([y], [(x, values)])[0]
    for (value, number) in zip(found, values) {
      let exact = Float(number) / Float(divisor)
      #expect(Float(value) == exact)
    }
  }

  /// Over no axis a reduction is what it was given; over all where none is named.
  @Test func reductionsOverNoAxis() throws {
    let x = Tensor.input("x", [2, 3])
    let values: [Double] = [1, -2, 3, 4, 5, -6]
    let outputs = [
      x.sum(over: []), x.mean(over: []), x.sum(over: [], keep: true),
      x.sum(over: 2...), x.sum(), x.mean(), x.maximum(), x.sum(keep: true),
    ]
    #expect(
      outputs.map { $0.shape } == [
        [2, 3], [2, 3], [2, 3], [2, 3], [], [], [], [1, 1],
      ])
    let found = try Runtime(seed: 0, threads: 1).compile("p", outputs).outputs(
      outputs, [(x, values)])
    #expect(found[..<4].allSatisfy { $0 == values })
    #expect(Array(found[4...]) == [[5], [Double(Float(5) / 6)], [5], [5]])
    let slope = gradients(of: x.squared().sum(over: []).sum(), withRespectTo: [x])[0]
    #expect(slope.shape == [2, 3])
  }
}
