import Networks
import TensorCore
import TestSupport
import Testing

/// Classes of networks, and squares of pixels.
@Suite struct LabelTests {
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case mlp, unet

    var testDescription: String { rawValue }

    func network(classes: Int?, hasUnknownClass: Bool, _ parameters: Parameters) -> DenoisingNetwork
    {
      guard self == .unet else {
        return mlpNetwork(
          dimensions: 2, width: 16, depth: 2, timeFeatures: 8, classes: classes,
          hasUnknownClass: hasUnknownClass, parameters)
      }
      var sizes = UNetConfiguration(
        height: 4, width: 4, channels: 1, base: 8, multipliers: [1], blocks: 1)
      (sizes.classes, sizes.hasUnknownClass) = (classes, hasUnknownClass)
      return unetNetwork(sizes, parameters)
    }
  }

  /// The class after the last is the unknown one, if there is one.
  @Test(arguments: Kind.allCases) func theUnknownClassIsTheLast(kind: Kind) throws {
    for hasUnknown in [false, true] {
      let parameters = Parameters("denoiser")
      let network = kind.network(classes: 3, hasUnknownClass: hasUnknown, parameters)
      let table = parameters.variables.first { $0.name.hasSuffix("class/table") }
      #expect(table?.shape.first == (hasUnknown ? 4 : 3))
      let x = Tensor.literal(
        [Double](repeating: 0.5, count: 5 * network.shape.product), [5] + network.shape)
      let output = network(
        x, .literal([Double](repeating: 3.5, count: 5), [5]),
        label: .literal([0, 1, 2, 3, 0], [5]))
      let runtime = try Runtime.random(parameters, seed: 4, threads: 1)
      let program = try runtime.compile("estimate", [output])
      program.run()
      let values = try program.values(output)
      let width = network.shape.product
      let rows = (0..<5).map { Array(values[$0 * width..<($0 + 1) * width]) }
      #expect(rows[3].allSatisfy { $0.isFinite } == hasUnknown)
      #expect(rows[0] == rows[4] && rows[0] != rows[1] && rows[1] != rows[2])
      if hasUnknown { #expect(!rows[..<3].contains(rows[3])) }
    }
  }

  @Test(arguments: Kind.allCases) func labelsMustFit(kind: Kind) {
    let network = kind.network(classes: 3, hasUnknownClass: true, Parameters("a"))
    let plain = kind.network(classes: nil, hasUnknownClass: false, Parameters("b"))
    let (x, time) = (Tensor.zeros([2] + network.shape), Tensor.zeros([2]))
    #expect(network(x, time).failure == "a network of 3 classes given none")
    #expect(
      network(x, time, label: .zeros([3])).failure
        == "a network of 3 classes given classes of shape [3]")
    #expect(
      plain(x, time, label: .zeros([2])).failure
        == "a network of no classes given classes of shape [2]")
  }
}

@Suite struct PatchTests {
  private func configuration(_ side: Int, channels: Int, patch: Int) -> UNetConfiguration {
    var sizes = UNetConfiguration(
      height: side, width: side, channels: channels, base: 8, multipliers: [1, 2], blocks: 1)
    sizes.patch = patch
    return sizes
  }

  @Test(arguments: [1, 2, 3], [1, 3])
  func squaresBecomeChannelsAndBack(side: Int, channels: Int) throws {
    let (n, h, w) = (2, 2 * side, 3 * side)
    let x = Tensor.literal((0..<n * h * w * channels).map { Double($0) }, [n, h, w, channels])
    let merged = spaceToDepth(x, side)
    #expect(merged.shape == [n, 2, 3, side * side * channels])
    var reference = Reference(seed: 0)
    let values = try reference.evaluate([x, merged, depthToSpace(merged, side)])
    #expect(values[2] == values[0])
    // Rows of a square, then its columns, then the channels.
    var expected: [Double] = []
    for i in 0..<n {
      for row in 0..<2 {
        for column in 0..<3 {
          for p in 0..<side {
            for q in 0..<side {
              for c in 0..<channels {
                let (y, z) = (row * side + p, column * side + q)
                expected.append(values[0][((i * h + y) * w + z) * channels + c])
              }
            }
          }
        }
      }
    }
    #expect(values[1] == expected)
  }

  /// A network of squares is the one of fewer, deeper pixels.
  @Test(arguments: [2, 4]) func squaresAreDeeperPixels(patch: Int) throws {
    let side = 4 * patch
    let (parameters, others) = (Parameters("denoiser"), Parameters("denoiser"))
    let network = unetNetwork(configuration(side, channels: 1, patch: patch), parameters)
    let deep = unetNetwork(configuration(4, channels: patch * patch, patch: 1), others)
    #expect(parameters.variables.map(\.name) == others.variables.map(\.name))
    #expect(parameters.variables.map(\.shape) == others.variables.map(\.shape))
    let x = Tensor.normal([3, side, side, 1], "x")
    let time = Tensor.literal([0.5, 20, 999], [3])
    let direct = network(x, time)
    let merged = depthToSpace(deep(spaceToDepth(x, patch), time), patch)
    #expect(direct.shape == x.shape)
    let one = try Runtime.random(parameters, seed: 3, threads: 1).compile("estimate", [direct])
    let two = try Runtime.random(others, seed: 3, threads: 1).compile("estimate", [merged])
    one.run()
    two.run()
    let values = try one.values(direct)
    #expect(try two.values(merged) == values)
    #expect(values.contains { abs($0) > 0.01 })
  }

  @Test(arguments: [
    (3, "images of 8x8 cannot be divided into squares of side 3"),
    (0, "images of 8x8 cannot be divided into squares of side 0"),
    (16, "images of 8x8 cannot be divided into squares of side 16"),
    (8, "images of 1x1 cannot be halved 1 times: use fewer multipliers than [1, 2]"),
  ])
  func squaresMustDivideTheImage(patch: Int, message: String) {
    let sizes = configuration(8, channels: 1, patch: patch)
    #expect(sizes.failure == message)
    let network = unetNetwork(sizes, Parameters("denoiser"))
    #expect(network(.zeros([2, 8, 8, 1]), .zeros([2])).failure == message)
  }
}
