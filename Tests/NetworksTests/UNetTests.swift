import Networks
import TensorCore
import TestSupport
import Testing

private func configuration(
  _ height: Int, _ width: Int, channels: Int = 1, base: Int = 8, multipliers: [Int] = [1, 2],
  blocks: Int = 1, groups: Int = 8, attention: Bool = true
) -> UNetConfiguration {
  var result = UNetConfiguration(
    height: height, width: width, channels: channels, base: base, multipliers: multipliers,
    blocks: blocks)
  (result.groups, result.attention) = (groups, attention)
  return result
}

@Suite struct UNetTests {
  @Test func theReferenceArchitectureHasItsSize() {
    let parameters = Parameters("denoiser")
    let sizes = configuration(28, 28, base: 32, multipliers: [1, 2, 4])
    _ = unetNetwork(sizes, parameters)
    #expect(parameters.count == 2_536_033)
  }

  @Test(arguments: [
    configuration(8, 8), configuration(12, 4, channels: 3, base: 16, multipliers: [1, 2, 3]),
    configuration(7, 5, channels: 2, multipliers: [1]),
    configuration(8, 8, blocks: 3, attention: false),
    configuration(4, 4, base: 6, multipliers: [1, 1, 2], groups: 3),
    configuration(28, 28, multipliers: [1, 1, 2]),
  ])
  func estimatesHaveTheShapeOfImages(sizes: UNetConfiguration) throws {
    let parameters = Parameters("denoiser")
    let network = unetNetwork(sizes, parameters)
    #expect(sizes.failure == nil)
    let shape = [3, sizes.height, sizes.width, sizes.channels]
    let estimate = network(Tensor.normal(shape), .zeros([3]))
    #expect(estimate.failure == nil)
    #expect(estimate.shape == shape)
    // An untrained network estimates zero noise; one with random weights does not.
    for isRandom in [false, true] {
      let runtime =
        isRandom
        ? try Runtime.random(parameters, seed: 2, threads: 1) : try Runtime(seed: 2, threads: 1)
      let program = try runtime.compile("estimate", [estimate])
      program.run()
      let values = try program.values(estimate)
      #expect(values.allSatisfy { $0.isFinite && ($0 != 0) == isRandom }, "seed 2")
    }
  }

  @Test(arguments: [
    (
      configuration(30, 28, multipliers: [1, 2, 4]),
      "images of 30x28 cannot be halved 2 times: use fewer multipliers than [1, 2, 4]"
    ),
    (
      configuration(28, 28, multipliers: [1, 2, 4, 8]),
      "images of 28x28 cannot be halved 3 times: use fewer multipliers than [1, 2, 4, 8]"
    ),
    (
      configuration(28, 28, multipliers: [Int](repeating: 1, count: 70)),
      "images of 28x28 cannot be halved 69 times: use fewer multipliers than "
        + "\([Int](repeating: 1, count: 70))"
    ),
    (
      configuration(8, 8, base: 12),
      "the base width of a U-Net must be even and divisible by its 8 groups, not 12"
    ),
    (
      configuration(8, 8, base: 9, groups: 3),
      "the base width of a U-Net must be even and divisible by its 3 groups, not 9"
    ),
    (
      configuration(8, 8, base: 0),
      "the base width of a U-Net must be even and divisible by its 8 groups, not 0"
    ),
    (
      configuration(8, 8, groups: 0),
      "the base width of a U-Net must be even and divisible by its 0 groups, not 8"
    ),
    (
      configuration(8, 8, multipliers: []),
      "a U-Net needs at least one level and one block, not multipliers [], blocks 1"
    ),
    (
      configuration(8, 8, multipliers: [1, 0]),
      "a U-Net needs at least one level and one block, not multipliers [1, 0], blocks 1"
    ),
    (
      configuration(8, 8, blocks: 0),
      "a U-Net needs at least one level and one block, not multipliers [1, 2], blocks 0"
    ),
    (configuration(0, 8), "images need at least one pixel and channel, not 0x8x1"),
    (configuration(8, 8, channels: 0), "images need at least one pixel and channel, not 8x8x0"),
  ])
  func refusesSizesThatDoNotFit(sizes: UNetConfiguration, message: String) throws {
    #expect(sizes.failure == message)
    let network = unetNetwork(sizes, Parameters("denoiser"))
    let estimate = network(
      .zeros([2, sizes.height, sizes.width, sizes.channels]), .zeros([2]))
    #expect(estimate.failure == message)
    guard sizes.height > 0, sizes.channels > 0 else { return }
    let runtime = try Runtime(seed: 0, threads: 1)
    #expect(throws: TensorError(message)) { try runtime.compile("estimate", [estimate]) }
  }

  /// Every convolution except the first propagates gradients to its input; the input of the first is
  /// data.
  @Test func theGradientOfTheImagesIsNotComputed() throws {
    let parameters = Parameters("denoiser")
    let network = unetNetwork(configuration(8, 8, channels: 3), parameters)
    let loss = network(.input("data", [4, 8, 8, 3]), .input("time", [4])).squared().mean()
    let slopes = gradients(of: loss, withRespectTo: parameters.tensors)
    let listing = simplify(try Listing("loss", outputs: [loss] + slopes, updates: []))
    var count = (forward: 0, filter: 0, input: 0)
    for instruction in listing.instructions {
      switch instruction.operation {
      case .convolution: count.forward += 1
      case .convolutionFilter: count.filter += 1
      case .convolutionInput:
        count.input += 1
        #expect(instruction.path != "denoiser/stem" && instruction.shape[3] != 3)
      default: break
      }
    }
    #expect(count.forward > 10 && count.filter == count.forward)
    #expect(count.input == count.forward - 1)
  }

  /// The compiled gradient against the reference in Double.
  ///
  /// A stable computation in Float gives nearly the exact result for operands that are a few units in
  /// the last place off (the documented bound of the kernels is 4). So the tolerance of each gradient is 8 times what it
  /// moves in the reference when every weight and input moves by up to 4 units; where it is zero in
  /// theory (a shift before a norm), rounding leaves something of the size of the others.
  @Test(arguments: [
    configuration(8, 8), configuration(8, 8, channels: 2, groups: 4),
    configuration(4, 8, base: 16, multipliers: [1, 1], attention: false),
  ])
  func gradientsAgreeWithTheReference(sizes: UNetConfiguration) throws {
    let parameters = Parameters("denoiser")
    let network = unetNetwork(sizes, parameters)
    let shape = [2, sizes.height, sizes.width, sizes.channels]
    let x = Tensor.input("x", shape)
    let noise = Tensor.input("noise", shape)
    let index = Tensor.input("index", [2])
    let estimate = network(0.8 * x + 0.6 * noise, index)
    let loss = (estimate - noise).squared().mean()
    let outputs = [loss] + gradients(of: loss, withRespectTo: parameters.tensors)
    let names = ["loss"] + parameters.variables.map(\.name)

    let seed = 23
    let weights = randomWeights(parameters, seed: seed)
    var numbers = SplitMix64(seed: seed + 1)
    let count = shape.reduce(1, *)
    let data = [numbers.values(count), numbers.values(count, in: -2...2)]
    func reference(_ moved: (Double) -> Double) throws -> [[Double]] {
      var reference = Reference(seed: 0)
      for (variable, values) in weights { reference.variables[variable.name] = values.map(moved) }
      return try reference.evaluate(
        outputs,
        ["x": data[0].map(moved), "noise": data[1].map(moved), "index": [3, 19]])
    }
    let exact = try reference { $0 }
    let nearby = try (0..<2).map { _ in
      try reference { $0 * (1 + Double.random(in: -1...1, using: &numbers) * 4 * 0x1p-24) }
    }
    func norm(_ a: [Double]) -> Double { a.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    func distance(_ a: [Double], _ b: [Double]) -> Double { norm(zip(a, b).map { $0 - $1 }) }
    let whole = norm(exact.dropFirst().flatMap { $0 })

    let runtime = try Runtime.random(parameters, seed: seed, threads: 2)
    let program = try runtime.compile("gradients", outputs)
    try program.fill(x, with: data[0].map { Float($0) })
    try program.fill(noise, with: data[1].map { Float($0) })
    try program.fill(index, with: [3, 19])
    program.run()
    var worst = 0.0
    for (i, output) in outputs.enumerated() {
      let compiled = try program.values(output).map { Double($0) }
      let moved = nearby.map { distance($0[i], exact[i]) }.max() ?? 0
      let error = distance(compiled, exact[i])
      // The result is itself rounded, which a number moved by chance little would leave no room for.
      let rounding = 0x1p-24 * (i > 0 ? 8 * whole : norm(exact[0]))
      let tolerance = 8 * moved + rounding
      worst = max(worst, error / tolerance)
      #expect(error <= tolerance, "\(names[i]), seed \(seed): of size \(norm(exact[i]))")
    }
    let errors = try outputs.indices.dropFirst().map {
      distance(try program.values(outputs[$0]).map { Double($0) }, exact[$0])
    }
    print(
      "U-Net gradient, \(sizes.height)x\(sizes.width)x\(sizes.channels), groups \(sizes.groups):",
      "relative error \(norm(errors) / whole), at worst \(worst) of the tolerance")
  }
}
