import TensorCore
import TestSupport
import Testing

/// Layers: values and gradients, compiled against the reference; and what each is known to compute.
@Suite(.serialized) struct LayerTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let shape: [Int]
    let layer: @Sendable (Parameters) -> Layer
    var testDescription: String { name }
  }

  static let samples: [Sample] = [
    Sample(name: "dense", shape: [5, 3]) { dense(3, 4, $0) },
    Sample(name: "dense over positions", shape: [2, 5, 3]) { dense(3, 4, bias: false, $0) },
    Sample(name: "convolution", shape: [2, 6, 5, 3]) { convolution(3, 4, size: 3, $0) },
    Sample(name: "convolution 1x1", shape: [2, 4, 4, 3]) { convolution(3, 5, size: 1, $0) },
    Sample(name: "convolution, stride 2", shape: [2, 6, 6, 4]) {
      convolution(4, 4, size: 3, stride: 2, $0)
    },
    Sample(name: "convolution, no padding", shape: [3, 5, 5, 2]) {
      convolution(2, 3, size: 2, padding: 0, $0)
    },
    Sample(name: "group norm", shape: [3, 4, 4, 8]) { groupNorm(8, groups: 2, $0) },
    Sample(name: "group norm of rows", shape: [4, 12]) { groupNorm(12, groups: 3, $0) },
    Sample(name: "instance norm", shape: [2, 5, 6]) { groupNorm(6, groups: 6, $0) },
    Sample(name: "self-attention", shape: [2, 6, 8]) { selfAttention(8, $0) },
    Sample(name: "self-attention of many", shape: [2, 9, 4]) { selfAttention(4, $0) },
    Sample(name: "norm and SiLU", shape: [2, 6, 6, 8]) { p in
      let norm = groupNorm(8, groups: 4, p["norm"])
      return Layer(p) { silu(norm($0)) }
    },
    Sample(name: "up-sampling", shape: [2, 3, 4, 2]) { Layer($0) { upsampleNearest($0) } },
    Sample(name: "up-sampling and convolution", shape: [2, 3, 4, 2]) {
      upsampledConvolution(2, 3, $0)
    },
    Sample(name: "layer norm", shape: [3, 4, 6]) { layerNorm(6, $0) },
    Sample(name: "transposed convolution", shape: [2, 3, 4, 3]) {
      transposedConvolution(3, 2, size: 4, $0)
    },
    Sample(name: "transposed convolution, stride 3", shape: [2, 3, 2, 4]) {
      transposedConvolution(4, 3, size: 5, stride: 3, bias: false, $0)
    },
    Sample(name: "attention with heads", shape: [2, 5, 8]) { p in
      let attention = multiHeadAttention(8, heads: 2, p)
      return Layer(p) { attention($0, $0, nil) }
    },
    Sample(name: "causal attention", shape: [2, 5, 6]) { p in
      let attention = multiHeadAttention(6, heads: 3, p)
      return Layer(p) { attention($0, $0, causalMask(5)) }
    },
    Sample(name: "cross-attention", shape: [2, 7, 4]) { p in
      let attention = multiHeadAttention(4, heads: 2, p)
      return Layer(p) { attention($0.slice(axis: 1, from: 0, count: 3), $0, nil) }
    },
    Sample(name: "dropout", shape: [6, 8]) { p in
      let dropout = Dropout(rate: 0.3, p)
      return Layer(p) { dropout.training($0) }
    },
    Sample(name: "softplus and sigmoid", shape: [40]) { Layer($0) { softplus($0) * sigmoid($0) } },
    Sample(name: "softmax over the first axis", shape: [7, 3]) {
      Layer($0) { softmax($0, axis: 0) }
    },
  ]

  @Test(arguments: samples) func compiledEqualsReference(sample: Sample) throws {
    let p = Parameters("model")
    let layer = sample.layer(p)
    let x = Tensor.input("x", sample.shape)
    var numbers = SplitMix64(seed: 4)
    // Shifts start at zero and scales at one, which would hide mistakes.
    let y = layer(x).substituting(
      Dictionary(
        uniqueKeysWithValues: p.variables.map { variable in
          let values = numbers.values(variable.shape.product)
          return (
            variable,
            Variable("\(variable.name)'", initially: .literal(values, variable.shape)).value
          )
        }))
    let varied = p.variables.map { variable in
      y.variable(named: "\(variable.name)'") ?? variable.value
    }
    let weights = Tensor.literal(numbers.values(y.count), y.shape)
    let slopes = gradients(of: (weights * y).sum(), withRespectTo: [x] + varied)
    try expectAgreement(
      try Runtime(seed: 3, threads: 2), sample.name, [y] + slopes, [],
      [(x, numbers.values(x.count, in: -2...2))])
  }

  @Test func joinedConvolutionsAreConvolutionsOfTheConcatenation() throws {
    let (p, q) = (Parameters("model"), Parameters("model"))
    let layer = convolution(8, 5, size: 1, p)
    let joined = joinedConvolution([3, 1, 4], 5, q)
    #expect(p.variables == q.variables && p.variables.map(\.shape) == q.variables.map(\.shape))
    let parts = [3, 1, 4].enumerated().map { Tensor.input("x\($0)", [2, 4, 3, $1]) }
    let y = [layer(concatenate(parts, axis: 3)), joined(parts)]
    var numbers = SplitMix64(seed: 5)
    let weights = Tensor.literal(numbers.values(y[0].count), y[0].shape)
    let all = y.map {
      [$0] + gradients(of: (weights * $0.squared()).sum(), withRespectTo: parts + p.tensors)
    }
    let values = parts.map { numbers.values($0.count) }
    var reference = Reference(seed: 3)
    let inputs = Dictionary(uniqueKeysWithValues: values.indices.map { ("x\($0)", values[$0]) })
    let results = try all.map { try reference.evaluate($0, inputs) }
    for (a, b) in zip(results[0], results[1]) { #expect(relativeError(b, a) < 1e-12) }
    try expectAgreement(
      try Runtime(seed: 3, threads: 2), "joined", all[1], [], Array(zip(parts, values)))
    #expect(
      joined(parts.reversed()).failure
        == "model: convolution of images of [3, 1, 4] channels given [[2, 4, 3, 4], [2, 4, 3, 1], [2, 4, 3, 3]]"
    )
  }

  @Test func upsampledConvolutionsAreConvolutionsOfTheUpsampled() throws {
    let (p, q) = (Parameters("model"), Parameters("model"))
    let layer = convolution(3, 2, size: 3, p)
    let upsampled = upsampledConvolution(3, 2, q)
    #expect(p.variables == q.variables && p.variables.map(\.shape) == q.variables.map(\.shape))
    let x = Tensor.input("x", [2, 4, 3, 3])
    var numbers = SplitMix64(seed: 6)
    let y = [layer(upsampleNearest(x)), upsampled(x)]
    let weights = Tensor.literal(numbers.values(y[0].count), y[0].shape)
    let directions = ([x] + p.tensors).map { Tensor.literal(numbers.values($0.count), $0.shape) }
    let values = numbers.values(x.count)
    let results = try y.map { y in
      let slopes = gradients(of: (weights * y.squared()).sum(), withRespectTo: [x] + p.tensors)
      let product = zip(slopes, directions).map { ($0 * $1).sum() }.reduce(Tensor(0), +)
      let second = gradients(of: product, withRespectTo: [x] + p.tensors)
      var reference = Reference(seed: 3)
      return try reference.evaluate([y] + slopes + second, ["x": values])
    }
    for (a, b) in zip(results[0], results[1]) { #expect(relativeError(b, a) < 1e-12) }
    #expect(
      upsampled(.zeros([1, 2, 2, 4])).failure
        == "model: convolution of images of 3 channels given shape [1, 2, 2, 4]")
  }

  @Test func embeddingsPickRows() throws {
    let p = Parameters("model")
    let layer = embedding(6, 3, p["embedding"])
    let rows = Tensor.input("rows", [2, 2])
    let y = layer(rows)
    let slope = gradients(of: y.squared().sum(), withRespectTo: p.tensors)[0]
    #expect(y.shape == [2, 2, 3])
    try expectAgreement(
      try Runtime(seed: 3, threads: 1), "embedding", [y, slope], [], [(rows, [5, 0, 5, 2])])
  }

  @Test func sinusoidalFeaturesOfRealNumbers() throws {
    let times = [0, 1, 999, 0.37, 12.5, 1000]
    let t = Tensor.input("t", [times.count])
    let y = sinusoidalFeatures(t, width: 6)
    var reference = Reference(seed: 0)
    let values = try reference.evaluate([y], ["t": times])[0]
    let expected = times.flatMap { time -> [Double] in
      let phases = [1, 0.046415888336127774, 0.0021544346900318843].map { $0 * time }
      return phases.map(\.sine) + phases.map(\.cosine)
    }
    #expect(zip(values, expected).allSatisfy { abs($0 - $1) < 1e-12 })
    // Compiled in Float, the largest phase is off by half a unit in its last place, 3e-5 at 1000.
    let program = try Runtime(seed: 0, threads: 1).compile("features", [y])
    let compiled = try program.outputs([y], [(t, times)])[0]
    #expect(zip(compiled, expected).allSatisfy { abs($0 - $1) < 6e-5 })
  }

  @Test func groupNormsHaveMeanZeroAndVarianceOne() throws {
    let x = Tensor.input("x", [2, 9, 6])
    let y = groupNorm(6, groups: 2, Parameters("norm"))(x).reshape([2, 9, 2, 3])
    var numbers = SplitMix64(seed: 8)
    let (mean, variance) = (y.mean(1, 3), y.squared().mean(1, 3))
    let program = try Runtime(seed: 0, threads: 1).compile("norm", [mean, variance])
    let values = try program.outputs(
      [mean, variance], [(x, numbers.values(x.count, in: 99...101))])
    // The mean of numbers near 100 is known to 100 * 2^-24 only.
    #expect(values[0].allSatisfy { abs($0) < 5e-5 })
    #expect(values[1].allSatisfy { abs($0 - 1) < 1e-3 })
  }

  @Test func upsamplingRepeatsPixels() throws {
    let y = upsampleNearest(.literal([1, 2, 3, 4], [1, 2, 2, 1]))
    var reference = Reference(seed: 0)
    #expect(try reference.evaluate([y])[0] == [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4])
  }

  @Test func parametersAreNamedByPathInTheOrderTheyAreMade() {
    let p = Parameters("model")
    _ = dense(2, 3, p["first"])
    _ = groupNorm(4, groups: 2, p["second"]["norm"])
    #expect(
      p.variables.map(\.name) == [
        "model/first/weight", "model/first/bias", "model/second/norm/scale",
        "model/second/norm/shift",
      ])
    #expect(p.count == 6 + 3 + 4 + 4)
  }

  @Test func initialWeightsHaveTheirVariance() throws {
    let p = Parameters("model")
    _ = dense(100, 300, scale: 2, p)
    let weights = try Runtime(seed: 1, threads: 1).values(of: p.variables[0]).map { Double($0) }
    let variance = weights.reduce(0) { $0 + $1 * $1 } / Double(weights.count)
    #expect(abs(variance / (2 / 200) - 1) < 0.02)
    #expect(weights.allSatisfy { abs($0) <= (3 * 2 / 200.0).squareRoot() })
  }
}

extension Tensor {
  /// The variable of that name that this expression reads.
  fileprivate func variable(named name: String) -> Tensor? {
    for node in topologicalOrder([node]) {
      if case .variable(let variable) = node.operation, variable.name == name {
        return Tensor(node)
      }
    }
    return nil
  }
}
