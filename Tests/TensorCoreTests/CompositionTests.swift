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

/// Functions that are composed of primitives: values against closed forms, gradients against
/// differences, and the compiled program against the reference.
@Suite struct CompositionTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let shapes: [[Int]]
    /// Contents of inputs that are labels or masks: they have no gradient.
    var fixed: [Int: [Double]] = [:]
    var range = -2.0...2.0
    let build: @Sendable ([Tensor]) -> Tensor
    let value: @Sendable ([[Double]]) -> [Double]

    init(
      _ name: String, _ shapes: [[Int]], fixed: [Int: [Double]] = [:],
      _ build: @escaping @Sendable ([Tensor]) -> Tensor,
      value: @escaping @Sendable ([[Double]]) -> [Double]
    ) {
      (testDescription, self.shapes, self.fixed) = (name, shapes, fixed)
      (self.build, self.value) = (build, value)
    }
  }

  static func logSum(_ x: some Collection<Double>) -> Double {
    log(x.reduce(0.0) { $0 + exp($1) })
  }
  static func rows(_ x: [Double], _ width: Int) -> [[Double]] {
    stride(from: 0, to: x.count, by: width).map { Array(x[$0..<$0 + width]) }
  }
  /// x[i][r][c] of one channel: `size` x `size` windows, each reduced.
  static func windows(
    _ x: [Double], height: Int, width: Int, channels: Int, size: Int, stride: Int,
    _ reduce: ([Double]) -> Double
  ) -> [Double] {
    let images = x.count / (height * width * channels)
    var result: [Double] = []
    for image in 0..<images {
      for row in 0..<(height - size) / stride + 1 {
        for column in 0..<(width - size) / stride + 1 {
          for channel in 0..<channels {
            var window: [Double] = []
            for i in 0..<size {
              for j in 0..<size {
                let line = (image * height + row * stride + i) * width
                window.append(x[(line + column * stride + j) * channels + channel])
              }
            }
            result.append(reduce(window))
          }
        }
      }
    }
    return result
  }
  static func mean(_ x: [Double]) -> Double { x.reduce(0.0, +) / Double(x.count) }
  static func largest(_ x: [Double]) -> Double { x.max() ?? 0 }

  static let samples: [Sample] = [
    Sample("gelu", [[7]], { gelu($0[0]) }) { x in
      x[0].map { $0 * 0.5 * erfc(-$0 / 2.squareRoot()) }
    },
    Sample("logSumExp", [[3, 4]], { logSumExp($0[0]) }) { x in rows(x[0], 4).map(logSum) },
    Sample("logSumExp of columns, kept", [[3, 2]], { logSumExp($0[0], axis: 0, keep: true) }) { x in
      (0..<2).map { column in logSum((0..<3).map { x[0][2 * $0 + column] }) }
    },
    Sample("logSoftmax", [[3, 4]], { logSoftmax($0[0]) }) { x in
      rows(x[0], 4).flatMap { row in row.map { $0 - logSum(row) } }
    },
    Sample(
      "one-hot", [[3], [3, 4]], fixed: [0: [2, 0, 7]], { oneHot($0[0], classes: 4) * $0[1] }
    ) {
      x in (0..<12).map { $0 == 2 || $0 == 4 ? x[1][$0] : 0 }
    },
    Sample(
      "cross-entropy of labels", [[3, 4], [3]], fixed: [1: [3, 0, 1]],
      { crossEntropy(logits: $0[0], labels: $0[1]) }
    ) { x in zip(rows(x[0], 4), x[1]).map { row, label in logSum(row) - row[Int(label)] } },
    Sample(
      "cross-entropy of pixels", [[2, 2, 3], [2, 2]], fixed: [1: [2, 0, 1, 1]],
      { crossEntropy(logits: $0[0], labels: $0[1]) }
    ) { x in zip(rows(x[0], 3), x[1]).map { row, label in logSum(row) - row[Int(label)] } },
    Sample(
      "cross-entropy of probabilities", [[2, 3], [2, 3]],
      fixed: [1: [0.7, 0.2, 0.1, 0, 0, 1]],
      { crossEntropy(logits: $0[0], probabilities: $0[1]) }
    ) { x in
      zip(rows(x[0], 3), rows(x[1], 3)).map { row, q in
        zip(row, q).reduce(0.0) { $0 + $1.1 * (logSum(row) - $1.0) }
      }
    },
    Sample(
      "binary cross-entropy", [[6], [6]], fixed: [1: [0, 1, 0.25, 1, 0, 0.5]],
      { binaryCrossEntropy(logits: $0[0], targets: $0[1]) }
    ) { x in
      zip(x[0], x[1]).map { l, y in
        let p = 1 / (1 + exp(-l))
        return -(y * log(p) + (1 - y) * log(1 - p))
      }
    },
    Sample(
      "masked softmax", [[3, 3], [3, 3]], fixed: [1: [1, 0, 1, 1, 1, 1, 0, 0, 0]],
      { maskedSoftmax($0[0], mask: $0[1]) }
    ) { x in
      let (a, b, c) = (exp(x[0][0]), exp(x[0][2]), x[0][3..<6].map { exp($0) })
      let sum = c.reduce(0.0, +)
      return [a / (a + b), 0, b / (a + b)] + c.map { $0 / sum } + [0, 0, 0]
    },
    Sample("average pooling", [[2, 5, 4, 3]], { averagePooling($0[0], size: 2) }) { x in
      windows(x[0], height: 5, width: 4, channels: 3, size: 2, stride: 2, mean)
    },
    Sample(
      "average pooling, overlapping", [[1, 6, 5, 2]],
      {
        averagePooling($0[0], size: 3, stride: 2)
      }
    ) { x in windows(x[0], height: 6, width: 5, channels: 2, size: 3, stride: 2, mean) },
    Sample("maximum pooling", [[2, 4, 6, 2]], { maximumPooling($0[0], size: 2) }) { x in
      windows(x[0], height: 4, width: 6, channels: 2, size: 2, stride: 2, largest)
    },
    Sample(
      "maximum pooling, apart", [[1, 7, 7, 1]],
      {
        maximumPooling($0[0], size: 2, stride: 3)
      }
    ) { x in windows(x[0], height: 7, width: 7, channels: 1, size: 2, stride: 3, largest) },
    Sample(
      "maximum pooling, overlapping", [[1, 5, 4, 2]],
      {
        maximumPooling($0[0], size: 2, stride: 1)
      }
    ) { x in windows(x[0], height: 5, width: 4, channels: 2, size: 2, stride: 1, largest) },
    Sample(
      "transposed convolution", [[1, 2, 3, 2], [3, 3, 2, 2]],
      {
        $0[0].transposedConvolution($0[1], stride: 2, padding: 1, outputPadding: 1)
      }
    ) { x in
      // Each pixel adds the filter around its place.
      var y = [Double](repeating: 0, count: 4 * 6 * 2)
      for row in 0..<2 {
        for column in 0..<3 {
          for place in 0..<9 {
            let (i, j) = (2 * row + place / 3 - 1, 2 * column + place % 3 - 1)
            guard (0..<4).contains(i), (0..<6).contains(j) else { continue }
            for output in 0..<2 {
              for input in 0..<2 {
                let pixel = x[0][(row * 3 + column) * 2 + input]
                y[(i * 6 + j) * 2 + output] += pixel * x[1][(place * 2 + output) * 2 + input]
              }
            }
          }
        }
      }
      return y
    },
  ]

  @Test(arguments: samples) func valuesAndGradients(sample: Sample) throws {
    var numbers = SplitMix64(seed: 9)
    let x = sample.shapes.enumerated().map { Tensor.input("x\($0)", $1) }
    let y = sample.build(x)
    #expect(y.failure == nil)
    let values = sample.shapes.enumerated().map { i, shape in
      sample.fixed[i] ?? numbers.values(shape.product, in: sample.range)
    }
    let targets = x.indices.filter { sample.fixed[$0] == nil }
    let weights = Tensor.literal(numbers.values(y.count), y.shape)
    let loss = (weights * y.squared()).sum() + (weights * y).sum()
    let slopes = gradients(of: loss, withRespectTo: targets.map { x[$0] })
    func evaluate(_ y: [Tensor], _ values: [[Double]]) throws -> [[Double]] {
      var reference = Reference(seed: 1)
      return try reference.evaluate(
        y, Dictionary(uniqueKeysWithValues: values.enumerated().map { ("x\($0)", $1) }))
    }
    let expected = sample.value(values)
    #expect(expected.count == y.count)
    // Sums of a few dozen numbers in another order.
    #expect(relativeError(try evaluate([y], values)[0], expected) < 1e-12)

    let h = 1e-3
    for (slope, target) in zip(try evaluate(slopes, values), targets) {
      let differences = try values[target].indices.map { element in
        func at(_ step: Double) throws -> Double {
          var moved = values
          moved[target][element] += step
          return try evaluate([loss], moved)[0][0]
        }
        return try (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)
      }
      // Five points: an error of h^4 times the fifth derivative.
      #expect(relativeError(slope, differences) < 1e-6)
    }
    try expectAgreement(
      try Runtime(seed: 3, threads: 2), sample.testDescription, [y] + slopes, [],
      Array(zip(x, values)))
  }

  @Test func logarithmsOfProbabilitiesDoNotOverflow() throws {
    let x = Tensor.literal([1e4, -1e4, 0, 0], [2, 2])
    let y = [
      logSumExp(x), logSoftmax(x), crossEntropy(logits: x, labels: .literal([1, 0], [2])),
      binaryCrossEntropy(logits: x, targets: .zeros([2, 2])),
    ]
    let program = try Runtime(seed: 0, threads: 1).compile("far", y)
    let two = log(2.0)
    let expected = [[1e4, two], [0, -2e4, -two, -two], [2e4, two], [1e4, 0, two, two]]
    // What Float keeps.
    for (a, b) in zip(try program.outputs(y), expected) { #expect(relativeError(a, b) < 1e-6) }
  }

  @Test func equalPixelsShareTheGradientOfMaximumPooling() throws {
    let x = Tensor.input("x", [1, 3, 3, 1])
    let ones = [Double](repeating: 1, count: 9)
    for stride in 1...2 {
      let y = maximumPooling(x, size: 2, stride: stride)
      var reference = Reference(seed: 0)
      let slope = try reference.evaluate(
        gradients(of: y.sum(), withRespectTo: [x]), ["x": ones])[0]
      let expected =
        stride == 1
        ? [0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 0.25]
        : [0.25, 0.25, 0, 0.25, 0.25, 0, 0, 0, 0]
      #expect(relativeError(slope, expected) < 1e-12)
    }
  }

  /// ⟨convolution(x), y⟩ = ⟨x, transposedConvolution(y)⟩, sizes included.
  @Test(arguments: [(1, 0, 5), (2, 1, 6), (2, 1, 7), (3, 0, 8)])
  func transposedConvolutionsAreAdjoint(stride: Int, padding: Int, size: Int) throws {
    var numbers = SplitMix64(seed: 2)
    let x = Tensor.literal(numbers.values(size * size * 2), [1, size, size, 2])
    let filter = Tensor.literal(numbers.values(3 * 3 * 2 * 4), [3, 3, 2, 4])
    let image = x.convolution(filter, stride: stride, padding: padding)
    let y = Tensor.literal(numbers.values(image.count), image.shape)
    let lost = (size + 2 * padding - 3) % stride
    let back = y.transposedConvolution(
      filter, stride: stride, padding: padding, outputPadding: lost)
    #expect(back.shape == x.shape)
    var reference = Reference(seed: 0)
    let products = try reference.evaluate([(image * y).sum(), (x * back).sum()])
    #expect(relativeError(products[0], products[1]) < 1e-12)
  }

  @Test func messagesSayWhatWasExpected() {
    let x = Tensor.zeros([2, 3])
    let failures: [(Tensor, String)] = [
      (
        crossEntropy(logits: x, labels: .zeros([3])),
        "cross-entropy of logits [2, 3] given labels of shape [3]; expected [2]"
      ),
      (
        crossEntropy(logits: x, probabilities: .zeros([2])),
        "cross-entropy of logits [2, 3] given probabilities of shape [2]; expected the same shape, "
          + "[..., classes]"
      ),
      (
        binaryCrossEntropy(logits: x, targets: .zeros([2])),
        "binary cross-entropy of logits [2, 3] given targets of shape [2]; expected the same shape"
      ),
      (
        maskedSoftmax(x, mask: .zeros([2, 2])),
        "softmax of shape [2, 3] given a mask of shape [2, 2]; expected a mask that is broadcast to "
          + "[2, 3]"
      ),
      (oneHot(x, classes: 0), "one-hot labels of 0 classes; expected at least 1"),
      (
        maximumPooling(x, size: 2),
        "maximum pooling of windows of 2x2, stride 2, given shape [2, 3]; expected NHWC images of at "
          + "least one window, and a stride of at least 1"
      ),
      (causalMask(0), "a causal mask of 0 positions; expected at least 1"),
    ]
    for (y, message) in failures { #expect(y.failure == message) }
  }
}
