import TensorCore

/// The hidden layers of the encoder; those of the decoder mirror them.
public struct Network: Equatable, Sendable {
  /// The activation after each hidden layer.
  public enum Activation: String, CaseIterable, Sendable {
    /// max(x, 0).
    case relu
    /// The hyperbolic tangent.
    case tanh
    /// x sigmoid(x).
    case silu

    func callAsFunction(_ x: Tensor) -> Tensor {
      switch self {
      case .relu: TensorCore.relu(x)
      case .tanh: TensorCore.tanh(x)
      case .silu: TensorCore.silu(x)
      }
    }
  }

  /// Channels of 3x3 convolutions with stride 2, from the data inwards; none for an MLP.
  public var channels: [Int]
  /// Units of the dense layers that follow; may be none.
  public var hidden: [Int]
  /// The activation after each hidden layer.
  public var activation: Activation

  /// Creates a network of dense layers, preceded by convolutions if there are `channels`.
  public init(channels: [Int] = [], hidden: [Int], activation: Activation = .relu) {
    (self.channels, self.hidden, self.activation) = (channels, hidden, activation)
  }

  /// The reason why the network does not fit examples of `shape`, or nil.
  public func failure(forExamplesOf shape: [Int]) -> String? {
    if (channels + hidden).contains(where: { $0 < 1 }) {
      return "layers must have at least one unit, not \(channels + hidden)"
    }
    guard !channels.isEmpty else { return nil }
    guard shape.count == 3 else {
      return "convolutions need images, but the data are points; expected no channels"
    }
    let halvings = min(shape[0].trailingZeroBitCount, shape[1].trailingZeroBitCount)
    guard channels.count <= halvings else {
      return
        "images of \(shape[0])x\(shape[1]) cannot be halved \(channels.count) times: use fewer "
        + "channels than \(channels)"
    }
    return nil
  }

  /// The encoder from [n] + shape to [n, features].
  func encoder(_ shape: [Int], _ parameters: Parameters) -> (layer: Layer, features: Int) {
    var (layers, width): ([Layer], Int) = ([], shape.last ?? 1)
    for (i, count) in channels.enumerated() {
      layers.append(
        TensorCore.convolution(width, count, size: 3, stride: 2, parameters["convolution\(i)"]))
      width = count
    }
    let area = channels.isEmpty ? Array(shape.dropLast()).product : innerSize(shape).product
    let inputs = area * width
    var features = inputs
    var dense: [Layer] = []
    for (i, count) in hidden.enumerated() {
      dense.append(TensorCore.dense(features, count, parameters["hidden\(i)"]))
      features = count
    }
    let (convolutions, tail, activation) = (layers, dense, activation)
    return (
      Layer(parameters) { x in
        let h = convolutions.reduce(x) { activation($1($0)) }
        return tail.reduce(h.reshape([-1, inputs])) { activation($1($0)) }
      }, features
    )
  }

  /// The decoder from [n, latents] to [n] + shape, without a final activation.
  func decoder(_ latents: Int, _ shape: [Int], _ parameters: Parameters) -> Layer {
    var features = latents
    var layers: [Layer] = []
    for (i, count) in hidden.reversed().enumerated() {
      layers.append(TensorCore.dense(features, count, parameters["hidden\(i)"]))
      features = count
    }
    let activation = activation
    let dense = layers
    guard let deepest = channels.last else {
      let output = TensorCore.dense(features, shape.product, parameters["output"])
      return Layer(parameters) { z in
        output(dense.reduce(z) { activation($1($0)) }).reshape([-1] + shape)
      }
    }
    let inner = innerSize(shape) + [deepest]
    let unfold = TensorCore.dense(features, inner.product, parameters["unfold"])
    var convolutions: [Layer] = []
    let outputs = Array(channels.dropLast().reversed()) + [shape[2]]
    for (i, (from, to)) in zip(channels.reversed(), outputs).enumerated() {
      convolutions.append(
        TensorCore.convolution(from, to, size: 3, parameters["convolution\(i)"]))
    }
    let upward = convolutions
    return Layer(parameters) { z in
      let h = unfold(dense.reduce(z) { activation($1($0)) }).reshape([-1] + inner)
      return upward.reduce(h) { $1(upsampleNearest(activation($0))) }
    }
  }

  /// Height and width after the convolutions.
  private func innerSize(_ shape: [Int]) -> [Int] { shape.prefix(2).map { $0 >> channels.count } }
}
