import TensorCore
import Testing

/// Networks that keep the examples of a batch apart, and others.
@Suite struct RowTests {
  private func mixture(_ shape: [Int], _ body: (Tensor, Parameters) -> Tensor) -> String? {
    let x = Tensor.input("x", [6] + shape)
    let y = body(x, Parameters("net"))
    #expect(y.failure == nil)
    return y.operationThatMixesRows(of: x)
  }

  @Test func layersKeepRowsApart() {
    #expect(mixture([3]) { relu(dense(3, 6, $1)($0)).sum(1) } == nil)
    #expect(mixture([3]) { groupNorm(3, groups: 1, $1)($0) } == nil)
    #expect(mixture([4, 4, 2]) { groupNorm(2, groups: 2, $1)($0) } == nil)
    #expect(mixture([4, 4, 2]) { convolution(2, 3, size: 3, stride: 2, $1)($0) } == nil)
    #expect(mixture([4, 4, 2]) { upsampledConvolution(2, 3, $1)($0) } == nil)
    #expect(mixture([4, 2]) { selfAttention(2, $1)($0) } == nil)
    #expect(mixture([4, 4, 2]) { x, _ in x.transpose([0, 3, 1, 2]).reshape([6, 32]) } == nil)
    #expect(mixture([3]) { x, p in concatenate([x, 2 * x], axis: 1) } == nil)
    #expect(
      mixture([3]) { x, p in gradients(of: dense(3, 1, p)(tanh(x)).sum(), withRespectTo: [x])[0] }
        == nil)
    #expect(mixture([6]) { x, p in dense(6, 6, p)(x.reshape([6, 6])) } == nil)
  }

  @Test func whatMixesThemIsNamed() {
    #expect(mixture([3]) { x, _ in x - x.mean(0, keep: true) } == "sum [0]")
    #expect(mixture([3]) { x, _ in x / x.maximum() } == "maximum [0, 1]")
    #expect(mixture([3]) { x, _ in x.transposed } == "transpose [1, 0]")
    #expect(mixture([6]) { x, _ in x.matmul(x) } == "matmul")
    #expect(mixture([6]) { x, _ in softmax(x, axis: 0) } == "maximum [0]")
    #expect(mixture([3]) { x, _ in concatenate([x, x], axis: 0) } == "concatenate 0")
    #expect(mixture([3]) { x, _ in x.slice(axis: 0, from: 1, count: 3) } == "slice [1, 0]")
    #expect(mixture([4, 2]) { x, _ in x.sum(0) } == "sum [0]")
  }
}
