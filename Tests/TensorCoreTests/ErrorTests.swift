import TensorCore
import Testing

/// Mistakes in expressions: what they say, and that compiling says it.
@Suite struct ErrorTests {
  struct Mistake: Sendable, CustomTestStringConvertible {
    let message: String
    let build: @Sendable () -> Tensor
    var testDescription: String { message }

    init(_ message: String, _ build: @escaping @Sendable () -> Tensor) {
      (self.message, self.build) = (message, build)
    }
  }

  static func x(_ shape: Int...) -> Tensor { .input("x\(shape)", shape) }

  static let mistakes: [Mistake] = [
    Mistake("add of shapes [2, 3] and [2, 4]") { x(2, 3) + x(2, 4) },
    Mistake("maximum of shapes [5] and [4]") { maximum(x(5), x(4)) },
    Mistake("select of shapes [2], [3] and [3]") { select(x(2), x(3), x(3)) },
    Mistake("reshape of [2, 3] to [4, 2]") { x(2, 3).reshape([4, 2]) },
    Mistake("reshape of [2, 3] with 4 elements a row") { x(2, 3).reshape([-1, 4]) },
    Mistake("transpose of [2, 3] by axes [0, 0]") { x(2, 3).transpose([0, 0]) },
    Mistake("transposed is of matrices, not of shape [2]") { x(2).transposed },
    Mistake("broadcast of [2, 3] to [3, 3]") { x(2, 3).broadcast(to: [3, 3]) },
    Mistake("slice 2..<5 along axis 1 of [3, 4]") { x(3, 4).slice(axis: 1, from: 2, count: 3) },
    Mistake("pad of [3] by [1, 0] before and [0] after") { x(3).pad(before: [1, 0], after: [0]) },
    Mistake("concatenate of shapes [[2, 3], [3, 3]] along axis 1") {
      concatenate([x(2, 3), x(3, 3)], axis: 1)
    },
    Mistake("concatenate of shapes [] along axis 0") { concatenate([], axis: 0) },
    Mistake("gather needs a table of rows, not a single number") { Tensor(1).gather(x(2)) },
    Mistake("sum over axes [2] of [3, 4]") { x(3, 4).sum(2) },
    Mistake("maximum over axes [0, -2] of [3, 4]") { x(3, 4).maximum(0, -2) },
    Mistake("matmul of shapes [2, 3] and [4, 5]") { x(2, 3).matmul(x(4, 5)) },
    Mistake("matmul of shapes [2, 3, 4] and [3, 4, 5]") { x(2, 3, 4).matmul(x(3, 4, 5)) },
    Mistake("convolution of images [1, 4, 4, 2] with filter [3, 3, 3, 1], stride 1, padding 0") {
      x(1, 4, 4, 2).convolution(x(3, 3, 3, 1))
    },
    Mistake("convolution of images [1, 2, 2, 2] with filter [3, 3, 2, 1], stride 1, padding 0") {
      x(1, 2, 2, 2).convolution(x(3, 3, 2, 1))
    },
    Mistake("input y has shape [2, 0]: lengths are at least 1") { .input("y", [2, 0]) },
    Mistake("3 numbers do not fill shape [2, 2]") { .literal([1, 2, 3], [2, 2]) },
    Mistake("draw noise of shape [3, 2] has keys of shape [2, 4], not [rows, 4]") {
      .normal([3, 2], "noise", keys: x(2, 4))
    },
    Mistake("gradients are of single numbers, not of shape [2]") {
      gradients(of: x(2), withRespectTo: [x(2)])[0]
    },
    Mistake("upsampleNearest of shape [2, 2], not NHWC images") { upsampleNearest(x(2, 2)) },
    Mistake("sinusoidal features need an even width of at least 2, not 3") {
      sinusoidalFeatures(x(2), width: 3)
    },
    // With the path of the layer that was being traced, also in nested layers.
    Mistake("model/encoder: dense from 784 to 20 given shape [128, 28, 28]") {
      dense(784, 20, Parameters("model")["encoder"])(x(128, 28, 28))
    },
    Mistake(
      "model/stem: convolution of images [2, 8, 8, 3] with filter [3, 3, 4, 8], stride 1, padding 1"
    ) {
      convolution(4, 8, size: 3, Parameters("model")["stem"])(x(2, 8, 8, 3))
    },
    Mistake("model/norm: group norm of 6 channels in 4 groups") {
      groupNorm(6, groups: 4, Parameters("model")["norm"])(x(2, 6))
    },
    Mistake("model/norm: group norm of 6 channels given shape [2, 8]") {
      groupNorm(6, groups: 2, Parameters("model")["norm"])(x(2, 8))
    },
    Mistake("model/attention/query: dense from 8 to 8 given shape [2, 5, 6]") {
      selfAttention(8, Parameters("model")["attention"])(x(2, 5, 6))
    },
    Mistake("model/block: add of shapes [2, 3] and [2, 4]") {
      Layer(Parameters("model")["block"]) { $0 + x(2, 4) }(x(2, 3))
    },
    // The first mistake is what everything built on it says.
    Mistake("add of shapes [2] and [3]") {
      let y = exp(x(2) + x(3)).matmul(x(7)).reshape([4]).sum()
      return gradients(of: y, withRespectTo: [x(2)])[0] + 1
    },
  ]

  @Test(arguments: mistakes) func compilingThrowsTheMessage(mistake: Mistake) throws {
    let y = mistake.build()
    #expect(y.failure == mistake.message)
    let runtime = try Runtime(seed: 0, threads: 1)
    #expect(throws: TensorError(mistake.message)) { try runtime.compile("p", [y]) }
  }

  @Test func programsThatCannotBe() throws {
    let runtime = try Runtime(seed: 0, threads: 1)
    let v = Variable("v", initially: .zeros([2]))
    let other = Variable("v", initially: .zeros([3]))
    #expect(throws: TensorError("program p updates v twice")) {
      try runtime.compile("p", [], updates: [Update(v, 2 * v.value), Update(v, v.value)])
    }
    #expect(throws: TensorError("the update of v has shape [3], not [2]")) {
      try runtime.compile("p", [], updates: [Update(v, .zeros([3]))])
    }
    #expect(throws: TensorError("variable v has shapes [2] and [3] in one program")) {
      try runtime.compile("p", [v.value, other.value])
    }
    #expect(throws: TensorError("input x has shapes [1] and [2] in one program")) {
      try runtime.compile("p", [.input("x", [1]), .input("x", [2])])
    }
    _ = try runtime.compile("p", [v.value])
    #expect(throws: TensorError("variable v has shape [2], not [3]")) {
      try runtime.compile("q", [other.value])
    }
    #expect(throws: TensorError("cannot start 0 threads: expected 1 to 256")) {
      try Runtime(seed: 0, threads: 0)
    }
    #expect(throws: TensorError("program r has no such output")) {
      try runtime.compile("r", [v.value]).values(v.value + 1)
    }
    #expect(throws: TensorError("there is no variable w")) { try runtime.write(variable: "w", [1]) }
    #expect(throws: TensorError("variable v has shape [2], not 1 elements")) {
      try runtime.write(variable: "v", [1])
    }
    #expect(throws: TensorError("5 bytes are not a whole number of rows of shape [2]")) {
      try ByteTable([1, 2, 3, 4, 5], rowShape: [2])
    }
  }

  @Test func aFailedCompilationMakesNoVariables() throws {
    let runtime = try Runtime(seed: 0, threads: 1)
    let v = Variable("v", initially: .zeros([2]))
    #expect(throws: TensorError.self) {
      try runtime.compile("p", [v.value + Self.x(3)], updates: [Update(v, 2 * v.value)])
    }
    #expect(runtime.variableNames.isEmpty)
  }
}
