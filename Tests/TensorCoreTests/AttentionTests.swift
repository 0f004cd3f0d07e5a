import TensorCore
import TestSupport
import Testing

/// Attention with heads and masks, dropout, and layers of several inputs.
@Suite struct AttentionTests {
  private func evaluate(_ y: [Tensor], _ x: [Double] = []) throws -> [[Double]] {
    var reference = Reference(seed: 4)
    return try reference.evaluate(y, ["x": x])
  }

  @Test func oneHeadIsSelfAttention() throws {
    let (p, q) = (Parameters("model"), Parameters("model"))
    let x = Tensor.input("x", [2, 5, 4])
    var numbers = SplitMix64(seed: 1)
    let y = [selfAttention(4, p)(x), multiHeadAttention(4, heads: 1, q)(x, x, nil)]
    #expect(p.variables == q.variables && p.variables.map(\.shape) == q.variables.map(\.shape))
    let values = try evaluate(y, numbers.values(x.count))
    #expect(relativeError(values[1], values[0]) < 1e-12)
  }

  /// Two heads are two attentions of half the channels each, side by side.
  @Test func headsAreAttentionsOfTheirOwn() throws {
    let p = Parameters("model")
    let attention = multiHeadAttention(4, heads: 2, p)
    let x = Tensor.input("x", [3, 5, 4])
    let t = Dictionary(uniqueKeysWithValues: zip(p.variables.map(\.name), p.tensors))
    func layer(_ name: String) throws -> Tensor {
      let weight = try #require(t["model/\(name)/weight"])
      return x.reshape([15, 4]).matmul(weight).reshape([3, 5, 4])
    }
    let (query, key, value) = (try layer("query"), try layer("key"), try layer("value"))
    let heads = (0..<2).map { head in
      func part(_ y: Tensor) -> Tensor { y.slice(axis: 2, from: 2 * head, count: 2) }
      let scores = part(query).matmul(part(key), transposedRight: true) / 2.0.squareRoot()
      return softmax(scores).matmul(part(value))
    }
    let output = try #require(t["model/output/weight"])
    let expected = concatenate(heads, axis: 2).reshape([15, 4]).matmul(output).reshape([3, 5, 4])
    var numbers = SplitMix64(seed: 1)
    let values = try evaluate([attention(x, x, nil), expected], numbers.values(x.count))
    #expect(relativeError(values[0], values[1]) < 1e-12)
  }

  /// A position's value under a causal mask depends on no later one, and on each earlier one.
  @Test func causalAttentionLooksBack() throws {
    let attention = multiHeadAttention(4, heads: 2, Parameters("model"))
    let x = Tensor.input("x", [1, 5, 4])
    var numbers = SplitMix64(seed: 1)
    let values = numbers.values(x.count)
    let y = attention(x, x, causalMask(5))
    for position in 0..<5 {
      let part = y.slice(axis: 1, from: position, count: 1).sum()
      let slope = try evaluate(gradients(of: part, withRespectTo: [x]), values)[0]
      for other in 0..<5 {
        let reaches = slope[4 * other..<4 * other + 4].contains { $0 != 0 }
        #expect(reaches == (other <= position), "\(position) looks at \(other)")
      }
    }
  }

  @Test func masksOfABatchHideItsOwnPositions() throws {
    let attention = multiHeadAttention(4, heads: 2, Parameters("model"))
    let (x, hidden) = (Tensor.input("x", [2, 3, 4]), Tensor.input("x", [2, 3, 4]))
    // The second example may look at its first position alone, the first at nothing at all.
    let mask = Tensor.literal([0, 0, 0, 1, 0, 0], [2, 1, 3]).broadcast(to: [2, 3, 3])
    var numbers = SplitMix64(seed: 1)
    let values = numbers.values(x.count)
    let y = try evaluate([attention(x, hidden, mask)], values)[0]
    #expect(y[0..<12].allSatisfy { $0 == 0 })
    #expect(Array(y[12..<16]) == Array(y[16..<20]) && y[12] != 0)
  }

  @Test func droppedNumbersAreZeroAndTheOthersLarger() throws {
    let dropout = Dropout(rate: 0.25, Parameters("model")["dropout"])
    let x = Tensor.ones([100, 100])
    let y = dropout.training(x)
    let program = try Runtime(seed: 2, threads: 1).compile("dropout", [y, dropout.evaluation(x)])
    let first = try program.outputs([y, dropout.evaluation(x)])
    #expect(first[0].allSatisfy { $0 == 0 || abs($0 - 4 / 3.0) < 1e-6 })
    let kept = first[0].filter { $0 != 0 }.count
    // Binomial: four standard deviations of 10,000 draws are 173.
    #expect(abs(kept - 7500) < 173)
    #expect(first[1].allSatisfy { $0 == 1 })
    #expect(try program.outputs([y])[0] != first[0])
    // Nothing is drawn where nothing is dropped.
    let none = Dropout(rate: 0, Parameters("model")["none"]).training(x)
    #expect(try evaluate([none])[0].allSatisfy { $0 == 1 })
  }

  @Test func layersOfSeveralInputsNameTheirPath() {
    let p = Parameters("model")
    let add = MultiInputLayer<Tensor, Tensor?>(p["block"]["add"]) { x, y in
      guard let y else { return x }
      return x + y
    }
    #expect(add.path == "model/block/add")
    #expect(add(.zeros([2]), nil).failure == nil)
    #expect(add(.zeros([2]), .ones([2])).shape == [2])
    #expect(
      add(.zeros([2]), .zeros([3])).failure == "model/block/add: add of shapes [2] and [3]")
  }

  @Test func messagesNameThePathTheShapesAndWhatWasExpected() {
    let p = Parameters("model")
    let attention = multiHeadAttention(4, heads: 2, p["attention"])
    let (x, wide) = (Tensor.zeros([2, 5, 4]), Tensor.zeros([2, 3, 6]))
    let failures: [(Tensor, String)] = [
      (
        attention(x, wide, nil),
        "model/attention: attention given shapes [2, 5, 4] and [2, 3, 6]; expected [batch, n, 4] and "
          + "[batch, m, 4]"
      ),
      (
        attention(x, x, causalMask(4)),
        "model/attention: attention given a mask of shape [4, 4]; expected [5, 5], [2, 5, 5] or what "
          + "is broadcast to [2, 2, 5, 5]"
      ),
      (
        multiHeadAttention(4, heads: 3, p["odd"])(x, x, nil),
        "model/odd: attention of 4 channels in 3 heads; expected heads that divide the channels"
      ),
      (
        layerNorm(5, p["norm"])(x),
        "model/norm: layer norm given shape [2, 5, 4]; expected [..., 5]"
      ),
      (
        transposedConvolution(3, 2, size: 4, p["up"])(x),
        "model/up: transposed convolution given shape [2, 5, 4]; expected [batch, height, width, 3]"
      ),
      (
        Dropout(rate: 1, p["dropout"]).training(x),
        "model/dropout: dropout of rate 1.0; expected at least 0 and below 1"
      ),
    ]
    for (y, message) in failures { #expect(y.failure == message) }
  }

  @Test func transposedConvolutionsDoubleImages() {
    let p = Parameters("model")
    for (size, stride) in [(2, 2), (3, 2), (4, 2), (5, 2), (3, 1), (5, 3), (1, 2)] {
      let layer = transposedConvolution(
        2, 3, size: size, stride: stride, p["\(size) \(stride)"])
      #expect(layer(.zeros([1, 4, 5, 2])).shape == [1, 4 * stride, 5 * stride, 3])
    }
  }

  @Test func layerNormsHaveMeanZeroAndVarianceOne() throws {
    let x = Tensor.input("x", [3, 8])
    let y = layerNorm(8, epsilon: 0, Parameters("norm"))(x)
    var numbers = SplitMix64(seed: 8)
    let moments = try evaluate([y.mean(1), y.squared().mean(1)], numbers.values(24, in: 99...101))
    // Centering numbers near 100 leaves 100 * 2^-52, and as much again in the variance.
    #expect(moments[0].allSatisfy { abs($0) < 1e-12 })
    #expect(moments[1].allSatisfy { abs($0 - 1) < 1e-11 })
  }
}
