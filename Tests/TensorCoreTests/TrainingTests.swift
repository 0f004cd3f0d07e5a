import TensorCore
import TestSupport
import Testing

/// Small networks learn, whatever the number of threads.
@Suite struct TrainingTests {
  @Test func aSmallNetworkFitsASine() throws {
    let p = Parameters("mlp")
    let hidden = dense(1, 16, p["hidden"])
    let output = dense(16, 1, p["output"])
    let x = 6 * Tensor.uniform([64, 1], "x") - 3
    let loss = (output(tanh(hidden(x))) - sin(x)).squared().mean()
    let descent = minimize(loss, p, chain(clip(globalNorm: 10), adam(0.02), average(decay: 0.99)))
    let runtime = try Runtime(seed: 1, threads: 1)
    let program = try runtime.compile("train", [loss], updates: descent.updates)
    program.run()
    let first = try program.scalar(loss)
    for _ in 0..<600 { program.run() }
    let last = try program.scalar(loss)
    #expect(first > 0.1 && last < 0.01, "from \(first) to \(last)")
  }

  /// A runtime after steps of a convolutional network with group norms and attention, on noise; and
  /// the losses.
  static func convolutional(_ threads: Int, steps: Int) throws -> (Runtime, [Float]) {
    let runtime = try Runtime(seed: 3, threads: threads)
    return (runtime, try continueConvolutional(runtime, steps: steps))
  }

  @discardableResult
  static func continueConvolutional(_ runtime: Runtime, steps: Int) throws -> [Float] {
    let p = Parameters("net")
    let stem = convolution(1, 8, size: 3, p["stem"])
    let norm = groupNorm(8, groups: 2, p["norm"])
    let half = convolution(8, 16, size: 3, stride: 2, p["half"])
    let attention = selfAttention(16, p["attention"])
    let output = convolution(16, 1, size: 3, p["output"])
    let x = Tensor.normal([4, 8, 8, 1], "x")
    var h = half(silu(norm(stem(x))))
    h = h + attention(h.reshape([4, 16, 16])).reshape(h.shape)
    let y = output(upsampleNearest(h))
    let loss = (y - tanh(x)).squared().mean()
    let descent = minimize(loss, p, chain(clip(globalNorm: 1), adam(0.003), average(decay: 0.99)))
    // The program that goes on is the one that began.
    let program = try runtime.compile(
      "train", [loss], updates: descent.updates, sharesDraws: true)
    return try (0..<steps).map { _ in
      program.run()
      return try program.scalar(loss)
    }
  }

  @Test func aConvolutionalNetworkLearns() throws {
    let (_, losses) = try Self.convolutional(2, steps: 300)
    let (first, last) = (losses[0], losses[280...].reduce(0, +) / 20)
    #expect(last < 0.5 * first, "from \(first) to \(last)")
  }

  @Test func oneAndTwoThreadsGiveTheSameBytes() throws {
    let (one, first) = try Self.convolutional(1, steps: 20)
    let (two, second) = try Self.convolutional(2, steps: 20)
    #expect(first.map(\.bitPattern) == second.map(\.bitPattern))
    #expect(try one.bits() == two.bits())
  }
}
