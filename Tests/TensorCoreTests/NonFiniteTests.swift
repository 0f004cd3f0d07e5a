import TensorCore
import Testing

/// A layer that multiplies by a weight, and one that takes a logarithm.
private struct Network {
  let parameters = Parameters("net")
  let x = Tensor.input("x", [4, 3])
  let loss: Tensor

  init() {
    let first = parameters["first"]
    let weight = first.make("weight", .full([3, 3], 0.5))
    let second = Layer(parameters["second"]) { log($0) }
    let y = Layer(first) { $0.matmul(weight) }(x)
    loss = second(y).squared().mean()
  }
}

extension Tensor {
  fileprivate static func full(_ shape: [Int], _ value: Double) -> Tensor {
    Tensor(value).broadcast(to: shape)
  }
}

@Suite(.serialized) struct NonFiniteTests {
  static let precisions = Precision.ofThisProcessor

  /// The operation that is found in a step of gradient descent on `x`, with a weight set to `planted`.
  private func found(
    _ precision: Precision, x: [Float], planted: Float? = nil
  ) throws -> NonFinite? {
    let network = Network()
    let runtime = try Runtime(seed: 0, threads: 2)
    let descent = minimize(network.loss, network.parameters, adam(1e-3))
    let outputs = [network.loss, descent.gradientNorm]
    let program = try runtime.compile(
      "train", outputs, updates: descent.updates, precision: precision)
    if let planted {
      var values = [Float](repeating: 0.5, count: 9)
      values[4] = planted
      try runtime.write(variable: "net/first/weight", values)
    }
    try program.fill(network.x, with: x)
    program.run()
    let isFinite = try program.scalar(network.loss).isFinite
    let unfused = try runtime.compile(
      "train", outputs, updates: descent.updates,
      options: .init(precision: precision, isFusing: false))
    unfused.takeInputs(of: program)
    let found = try unfused.firstNonFinite(behind: outputs, at: 0)
    #expect(isFinite == (found == nil))
    return found
  }

  @Test(arguments: precisions) func aLogarithmIsNamedByItsLayer(_ precision: Precision) throws {
    var x = [Float](repeating: 2, count: 12)
    #expect(try found(precision, x: x) == nil)
    x[7] = -50
    let fault = try #require(try found(precision, x: x))
    #expect(fault.path == "net/second")
    #expect(fault.operation == "log")
    #expect(fault.value.isNaN && fault.element.first == 2 && fault.count == 3)
    #expect(fault.operands.first?.lowerBound == -23)
    #expect(
      fault.description.hasPrefix(
        "nan of log, in net/second, 3 of 12 elements of [4, 3], first [2, 0]; its operands are "
          + "finite: -23.0 to 3.0"), "\(fault)")
  }

  @Test(arguments: precisions) func aWeightIsNamed(_ precision: Precision) throws {
    let fault = try #require(
      try found(precision, x: .init(repeating: 2, count: 12), planted: .nan))
    #expect(fault.operation == "variable net/first/weight")
    #expect(fault.element == [1, 1] && fault.count == 1)
  }

  @Test(arguments: precisions) func anOverflowIsNamedByItsLayer(_ precision: Precision) throws {
    let fault = try #require(
      try found(precision, x: .init(repeating: 9, count: 12), planted: 3e38))
    #expect(fault.path == "net/first")
    #expect(fault.operation.hasPrefix("matmul"), "\(fault)")
    #expect(fault.value == .infinity)
  }

  /// The logarithm of 0 is -inf, and nothing is made of it.
  @Test func whatIsNotChosenIsPassedOver() throws {
    let x = Tensor.input("x", [3])
    let y = select(x < Tensor(0.5), Tensor(1).broadcast(to: [3]), log(x))
    let bad = Layer(Parameters("bad")) { exp(100 * $0) }(y)
    let loss = bad.sum()
    let runtime = try Runtime(seed: 0, threads: 1)
    let program = try runtime.compile("p", [loss], options: .init(isFusing: false))
    try program.fill(x, with: [0, 1, 2])
    let fault = try #require(try program.firstNonFinite(behind: [loss], at: 0))
    #expect(fault.path == "bad", "\(fault)")
  }
}
