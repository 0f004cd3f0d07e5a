import TensorCore

/// The layers of a classifier of images: 3x3 convolutions, then a dense layer whose outputs are the
/// features; each is followed by SiLU.
///
/// The first convolution keeps the resolution, every other one halves it.
public struct Layers: Equatable, Sendable {
  /// Channels of the convolutions, in order.
  public var channels: [Int]
  /// Units of the dense layer.
  public var features: Int

  /// Creates the description of these layers.
  public init(channels: [Int], features: Int) {
    (self.channels, self.features) = (channels, features)
  }

  /// The reason why the layers do not fit examples of `shape`, or nil.
  public func failure(forExamplesOf shape: [Int]) -> String? {
    guard !channels.isEmpty, (channels + [features]).allSatisfy({ $0 >= 1 }) else {
      return "a classifier needs at least one convolution, and at least one unit per layer, not "
        + "\(channels) and \(features)"
    }
    return shape.count == 3 ? nil : "a classifier needs images, but the data are points"
  }

  /// The network from examples, [n] + shape, to features, [n, features].
  func callAsFunction(_ shape: [Int], _ parameters: Parameters) -> Layer {
    var (height, width, inputs) = (shape[0], shape[1], shape[2])
    var convolutions: [Layer] = []
    for (i, outputs) in channels.enumerated() {
      let stride = i == 0 ? 1 : 2
      convolutions.append(
        convolution(inputs, outputs, size: 3, stride: stride, parameters["convolution\(i)"]))
      // With a padding of 1, half of an odd size is rounded up.
      (height, width, inputs) = (
        (height + stride - 1) / stride, (width + stride - 1) / stride, outputs
      )
    }
    let count = height * width * inputs
    let last = dense(count, features, parameters["features"])
    let all = convolutions
    return Layer(parameters) { x in
      silu(last(all.reduce(x) { silu($1($0)) }.reshape([-1, count])))
    }
  }
}
