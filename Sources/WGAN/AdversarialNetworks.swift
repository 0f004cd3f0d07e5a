import TensorCore

/// The layers of the generator and the critic, with their numbers of units or channels.
public struct AdversarialNetworks: Equatable, Sendable {
  /// The kind of layers.
  public enum Family: String, CaseIterable, Sendable {
    /// Dense layers.
    case mlp
    /// 3x3 convolutions; the generator doubles the resolution before each but the last, the critic
    /// halves it in each.
    case convolutional
    /// Blocks of two 3x3 convolutions with a 1x1 skip connection, which double or halve the
    /// resolution.
    case residual
  }

  /// The normalization after a layer, before its activation.
  public enum Norm: String, CaseIterable, Sendable {
    /// No normalization.
    case none
    /// Group normalization, which is computed for each example independently.
    case group
  }

  /// The activation after the critic's layers and norms.
  public enum Activation: Equatable, Sendable {
    /// x if positive, otherwise `negativeSlope` times x: the critic is piecewise linear, and a
    /// normalized one is discontinuous between the pieces.
    case leakyReLU(negativeSlope: Double)
    /// x times its sigmoid: smooth, so that a normalized critic is smooth, too.
    case silu

    func callAsFunction(_ x: Tensor) -> Tensor {
      switch self {
      case .leakyReLU(let slope): TensorCore.leakyReLU(x, slope: slope)
      case .silu: TensorCore.silu(x)
      }
    }
  }

  /// The kind of layers.
  public var family: Family
  /// Number of dimensions of the generator's noise.
  public var latent: Int
  /// Number of classes both networks are conditioned on, or nil for unconditional networks.
  public var classes: Int?
  /// Units or channels of the generator's layers, from the noise to the output.
  public var generator: [Int]
  /// Units or channels of the critic's layers, from the data to the score.
  public var critic: [Int]
  /// Normalization after the generator's layers.
  public var generatorNorm: Norm
  /// Normalization after the critic's layers; batch normalization is not offered, because the
  /// critic's gradient must be that of each example alone.
  public var criticNorm: Norm
  /// Activation after the critic's layers; the generator has ReLUs.
  public var criticActivation: Activation

  /// Creates networks of these layers.
  public init(
    _ family: Family, latent: Int, classes: Int? = nil, generator: [Int], critic: [Int],
    generatorNorm: Norm = .none,
    criticNorm: Norm = .none, criticActivation: Activation = .leakyReLU(negativeSlope: 0.2)
  ) {
    (self.family, self.latent, self.generator, self.critic) = (family, latent, generator, critic)
    (self.generatorNorm, self.criticNorm) = (generatorNorm, criticNorm)
    (self.criticActivation, self.classes) = (criticActivation, classes)
  }

  /// The reason why the networks do not fit examples of `shape`, or nil.
  public func failure(forExamplesOf shape: [Int]) -> String? {
    guard latent >= 1, (generator + critic).allSatisfy({ $0 >= 1 }) else {
      return
        "noise and layers must have at least one unit, not \(latent), \(generator) and \(critic)"
    }
    if case .leakyReLU(let slope) = criticActivation, !(slope >= 0 && slope < 1) {
      return "a negative slope must be at least 0 and below 1, not \(slope)"
    }
    guard family != .mlp else { return nil }
    guard shape.count == 3 else {
      return "\(family.rawValue) needs images, but the data are points; expected mlp"
    }
    guard !generator.isEmpty, !critic.isEmpty else {
      return "\(family.rawValue) networks need at least one layer"
    }
    let halvings = min(shape[0].trailingZeroBitCount, shape[1].trailingZeroBitCount)
    guard generator.count - 1 <= halvings else {
      return
        "images of \(shape[0])x\(shape[1]) cannot be halved \(generator.count - 1) times: use fewer "
        + "layers than \(generator)"
    }
    return nil
  }
}

// MARK: - Generators

extension AdversarialNetworks {
  /// Number of inputs of the generator: noise and the one-hot class.
  private var inputs: Int { latent + (classes ?? 0) }

  /// The generator from noise and one-hot class, [n, latent + classes], to examples, [n] + shape;
  /// images are in [-1, 1].
  func generator(_ shape: [Int], _ parameters: Parameters) -> Layer {
    switch family {
    case .mlp: mlpGenerator(shape, parameters)
    case .convolutional, .residual: imageGenerator(shape, parameters)
    }
  }

  private func mlpGenerator(_ shape: [Int], _ parameters: Parameters) -> Layer {
    var width = inputs
    var layers: [Layer] = []
    for (i, count) in generator.enumerated() {
      let p = parameters["hidden\(i)"]
      let layer = dense(width, count, p)
      let norm = normalization(generatorNorm, count, p)
      layers.append(Layer(p) { relu(norm(layer($0))) })
      width = count
    }
    let hidden = layers
    let output = dense(width, shape.reduce(1, *), parameters["output"])
    let isImage = shape.count == 3
    return Layer(parameters) { z in
      let x = output(hidden.reduce(z) { $1($0) }).reshape([-1] + shape)
      return isImage ? tanh(x) : x
    }
  }

  private func imageGenerator(_ shape: [Int], _ parameters: Parameters) -> Layer {
    let levels = generator.count - 1
    let inner = [shape[0] >> levels, shape[1] >> levels, generator[0]]
    let unfold = dense(inputs, inner.reduce(1, *), parameters["unfold"])
    var layers: [Layer] = []
    for (i, (from, to)) in zip(generator, generator.dropFirst()).enumerated() {
      let p = parameters["level\(i)"]
      let norm = normalization(generatorNorm, from, p)
      let up = upsampledConvolution(from, to, p["up"])
      guard family == .residual else {
        layers.append(Layer(p) { up(relu(norm($0))) })
        continue
      }
      let second = normalization(generatorNorm, to, p["second"])
      let convolution = TensorCore.convolution(to, to, size: 3, p["convolution"])
      let skip = TensorCore.convolution(from, to, size: 1, p["skip"])
      layers.append(
        Layer(p) { x in
          convolution(relu(second(up(relu(norm(x)))))) + upsampleNearest(skip(x))
        })
    }
    let upward = layers
    let width = generator[levels]
    let norm = normalization(generatorNorm, width, parameters["output"])
    let output = TensorCore.convolution(width, shape[2], size: 3, parameters["output"])
    return Layer(parameters) { z in
      let h = upward.reduce(unfold(z).reshape([-1] + inner)) { $1($0) }
      return tanh(output(relu(norm(h))))
    }
  }
}

// MARK: - Critics

extension AdversarialNetworks {
  /// The critic from examples, [n] + shape, to one number each, [n]; with classes, the last axis of
  /// its input is longer by their number.
  func critic(_ shape: [Int], _ parameters: Parameters) -> Layer {
    var shape = shape
    shape[shape.count - 1] += classes ?? 0
    return critic(ofInputs: shape, parameters)
  }

  private func critic(ofInputs shape: [Int], _ parameters: Parameters) -> Layer {
    switch family {
    case .mlp: mlpCritic(shape, parameters)
    case .convolutional: convolutionalCritic(shape, parameters)
    case .residual: residualCritic(shape, parameters)
    }
  }

  private func mlpCritic(_ shape: [Int], _ parameters: Parameters) -> Layer {
    let inputs = shape.reduce(1, *)
    var width = inputs
    var layers: [Layer] = []
    for (i, count) in critic.enumerated() {
      let p = parameters["hidden\(i)"]
      let layer = dense(width, count, p)
      let norm = normalization(criticNorm, count, p)
      layers.append(Layer(p) { [criticActivation] in criticActivation(norm(layer($0))) })
      width = count
    }
    let hidden = layers
    let output = dense(width, 1, parameters["output"])
    return Layer(parameters) { x in
      output(hidden.reduce(x.reshape([-1, inputs])) { $1($0) }).reshape([x.shape[0]])
    }
  }

  private func convolutionalCritic(_ shape: [Int], _ parameters: Parameters) -> Layer {
    var (height, width, channels) = (shape[0], shape[1], shape[2])
    var layers: [Layer] = []
    for (i, count) in critic.enumerated() {
      let p = parameters["level\(i)"]
      let convolution = TensorCore.convolution(channels, count, size: 3, stride: 2, p)
      let norm = normalization(criticNorm, count, p)
      layers.append(Layer(p) { [criticActivation] in criticActivation(norm(convolution($0))) })
      (height, width, channels) = ((height + 1) / 2, (width + 1) / 2, count)
    }
    let downward = layers
    let features = height * width * channels
    let output = dense(features, 1, parameters["output"])
    return Layer(parameters) { x in
      output(downward.reduce(x) { $1($0) }.reshape([-1, features])).reshape([x.shape[0]])
    }
  }

  private func residualCritic(_ shape: [Int], _ parameters: Parameters) -> Layer {
    var channels = shape[2]
    var layers: [Layer] = []
    for (i, count) in critic.enumerated() {
      let p = parameters["level\(i)"]
      let norms = [
        normalization(criticNorm, channels, p["first"]),
        normalization(criticNorm, count, p["second"]),
      ]
      let first = convolution(channels, count, size: 3, p["convolution0"])
      let second = convolution(count, count, size: 3, p["convolution1"])
      let skip = convolution(channels, count, size: 1, p["skip"])
      layers.append(
        Layer(p) { [criticActivation] x in
          // The first block gets the pixels without norm and activation.
          let h = i == 0 ? x : criticActivation(norms[0](x))
          let y = second(criticActivation(norms[1](first(h))))
          return halved(y + skip(x))
        })
      channels = count
    }
    let downward = layers
    let output = dense(channels, 1, parameters["output"])
    return Layer(parameters) { [criticActivation] x in
      let h = criticActivation(downward.reduce(x) { $1($0) })
      return output(h.mean(1, 2)).reshape([x.shape[0]])
    }
  }
}

/// The means of 2x2 pixels; images of odd size are unchanged.
private func halved(_ x: Tensor) -> Tensor {
  guard x.rank == 4, x.shape[1] % 2 == 0, x.shape[2] % 2 == 0 else { return x }
  let (n, h, w, c) = (x.shape[0], x.shape[1] / 2, x.shape[2] / 2, x.shape[3])
  return x.reshape([n, h, 2, w, 2, c]).mean(2, 4)
}

private func normalization(
  _ norm: AdversarialNetworks.Norm, _ channels: Int, _ parameters: Parameters
) -> Layer {
  switch norm {
  case .none: Layer(parameters) { $0 }
  case .group:
    groupNorm(
      channels, groups: [8, 4, 2].first { channels % $0 == 0 } ?? 1, parameters["norm"])
  }
}
