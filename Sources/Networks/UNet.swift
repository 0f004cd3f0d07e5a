import TensorCore

/// The sizes of a U-Net.
public struct UNetConfiguration: Equatable, Sendable {
  /// Height and width of the images; divisible by `patch`, and by 2 for each level except the last.
  public var height, width: Int
  /// Number of channels of the images.
  public var channels: Int
  /// Side of the squares of pixels that are merged into one position at the input and split at the
  /// output (space to depth); divides height and width.
  public var patch = 1
  /// Number of channels at the first level.
  public var base: Int
  /// Channels of each level as multiples of `base`; the resolution halves from level to level.
  public var multipliers: [Int]
  /// Number of residual blocks per level on the way down; one more on the way up.
  public var blocks: Int
  /// Number of groups of the group norms; divides `base`.
  public var groups = 8
  /// True if the middle of the network has self-attention.
  public var attention = true
  /// Number of classes the network is conditioned on, or nil; each has a learned vector that is
  /// added to the time embedding.
  public var classes: Int?
  /// True if there is a vector for an unknown class, too.
  public var hasUnknownClass = false

  /// Creates the sizes of a U-Net for images of `height` x `width` x `channels`.
  public init(height: Int, width: Int, channels: Int, base: Int, multipliers: [Int], blocks: Int) {
    (self.height, self.width, self.channels) = (height, width, channels)
    (self.base, self.multipliers, self.blocks) = (base, multipliers, blocks)
  }

  /// The reason why the sizes are invalid, or nil.
  public var failure: String? {
    if height < 1 || width < 1 || channels < 1 {
      return "images need at least one pixel and channel, not \(height)x\(width)x\(channels)"
    }
    if multipliers.isEmpty || multipliers.contains(where: { $0 < 1 }) || blocks < 1 {
      return "a U-Net needs at least one level and one block, not multipliers \(multipliers), "
        + "blocks \(blocks)"
    }
    if groups < 1 || base < 2 || base % 2 != 0 || base % groups != 0 {
      return
        "the base width of a U-Net must be even and divisible by its \(groups) groups, not \(base)"
    }
    if patch < 1 || height % patch != 0 || width % patch != 0 {
      return "images of \(height)x\(width) cannot be divided into squares of side \(patch)"
    }
    let (rows, columns) = (height / patch, width / patch)
    let halvings = multipliers.count - 1
    if min(rows.trailingZeroBitCount, columns.trailingZeroBitCount) < halvings {
      return
        "images of \(rows)x\(columns) cannot be halved \(halvings) times: use fewer multipliers "
        + "than \(multipliers)"
    }
    return nil
  }
}

/// A network of images: a U-Net with attention in the middle.
///
/// Follows Ho et al. 2020 (appendix B), who have attention at one more resolution: residual blocks
/// of group norm, SiLU and 3x3 convolutions, the time embedding added in each, and skip connections
/// from the way down to the way up. The last layer of every block and of the network is zero
/// initially, so an untrained network gives zeros.
///
/// Invalid sizes make its output invalid, with the message of `UNetConfiguration.failure`.
public func unetNetwork(_ c: UNetConfiguration, _ parameters: Parameters) -> DenoisingNetwork {
  let shape = [c.height, c.width, c.channels]
  if let failure = c.failure {
    return DenoisingNetwork(shape: shape) { x, _ in x.failing(failure) }
  }
  let timeWidth = 4 * c.base
  let time0 = dense(c.base, timeWidth, parameters["time0"])
  let time1 = dense(timeWidth, timeWidth, parameters["time1"])
  let kinds = c.classes.map {
    embedding($0 + (c.hasUnknownClass ? 1 : 0), timeWidth, parameters["class"])
  }
  let depth = c.channels * c.patch * c.patch
  let stem = convolution(depth, c.base, size: 3, parameters["stem"])

  func block(_ inputs: [Int], _ outputs: Int, _ name: String) -> ResidualBlock {
    ResidualBlock(inputs, outputs, time: timeWidth, groups: c.groups, parameters[name])
  }
  var skips = [c.base]
  var width = c.base
  var down: [Stage] = []
  for (level, multiplier) in c.multipliers.enumerated() {
    for i in 0..<c.blocks {
      down.append(.block(block([width], c.base * multiplier, "down\(level).\(i)")))
      width = c.base * multiplier
      skips.append(width)
    }
    if level < c.multipliers.count - 1 {
      let halve = parameters["down\(level).halve"]
      down.append(.layer(convolution(width, width, size: 3, stride: 2, halve)))
      skips.append(width)
    }
  }
  let middle0 = block([width], width, "middle0")
  let attention =
    c.attention ? AttentionBlock(width, groups: c.groups, parameters["attention"]) : nil
  let middle1 = block([width], width, "middle1")
  var up: [Stage] = []
  for (level, multiplier) in c.multipliers.enumerated().reversed() {
    for i in 0...c.blocks {
      let skip = skips.removeLast()
      up.append(.block(block([width, skip], c.base * multiplier, "up\(level).\(i)")))
      width = c.base * multiplier
    }
    if level > 0 {
      up.append(.layer(upsampledConvolution(width, width, parameters["up\(level).double"])))
    }
  }
  let outputNorm = groupNorm(width, groups: c.groups, parameters["output.norm"])
  let output = convolution(width, depth, size: 3, scale: 0, parameters["output"])

  let (downward, upward) = (down, up)
  return DenoisingNetwork(shape: shape, classes: c.classes) { x, t, label in
    let features = sinusoidalFeatures(t, width: c.base)
    var moment = time1(silu(time0(features)))
    if let kinds, let label { moment = moment + kinds(label) }
    let time = silu(moment)
    var h = stem(spaceToDepth(x, c.patch))
    var skips = [h]
    for stage in downward {
      h = stage(h, time)
      skips.append(h)
    }
    h = middle0([h], time)
    if let attention { h = attention(h) }
    h = middle1([h], time)
    for stage in upward {
      switch stage {
      case .block(let block): h = block([h, skips.removeLast()], time)
      case .layer(let layer): h = layer(h)
      }
    }
    return depthToSpace(output(silu(outputNorm(h))), c.patch)
  }
}

/// Merges squares of `side` x `side` pixels into their channels: NHWC images to smaller, deeper ones.
package func spaceToDepth(_ x: Tensor, _ side: Int) -> Tensor {
  guard side > 1, x.rank == 4 else { return x }
  let (n, h, w, c) = (x.shape[0], x.shape[1] / side, x.shape[2] / side, x.shape[3])
  return x.reshape([n, h, side, w, side, c]).transpose([0, 1, 3, 2, 4, 5])
    .reshape([n, h, w, side * side * c])
}

/// The inverse of `spaceToDepth`.
package func depthToSpace(_ x: Tensor, _ side: Int) -> Tensor {
  guard side > 1, x.rank == 4 else { return x }
  let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3] / (side * side))
  return x.reshape([n, h, w, side, side, c]).transpose([0, 1, 3, 2, 4, 5])
    .reshape([n, h * side, w * side, c])
}

private enum Stage: Sendable {
  case block(ResidualBlock)
  case layer(Layer)

  func callAsFunction(_ x: Tensor, _ time: Tensor) -> Tensor {
    switch self {
    case .block(let block): block([x], time)
    case .layer(let layer): layer(x)
    }
  }
}

/// Two 3x3 convolutions, each after group norm and SiLU, with the time embedding added between
/// them, and a skip connection around them.
private struct ResidualBlock: Sendable {
  let norm0, convolution0, time, norm1, convolution1: Layer
  let skip: MultiInputLayer<[Tensor]>?

  /// - Parameter parts: Numbers of channels of the inputs that are concatenated.
  init(_ parts: [Int], _ outputs: Int, time timeWidth: Int, groups: Int, _ p: Parameters) {
    let inputs = parts.reduce(0, +)
    norm0 = groupNorm(inputs, groups: groups, p["norm0"])
    convolution0 = convolution(inputs, outputs, size: 3, p["convolution0"])
    time = dense(timeWidth, outputs, p["time"])
    norm1 = groupNorm(outputs, groups: groups, p["norm1"])
    // Initially the identity, as in Ho et al.'s code.
    convolution1 = convolution(outputs, outputs, size: 3, scale: 0, p["convolution1"])
    skip = inputs == outputs ? nil : joinedConvolution(parts, outputs, p["skip"])
  }

  func callAsFunction(_ parts: [Tensor], _ activatedTime: Tensor) -> Tensor {
    // The concatenation is read only by the norm.
    let x = concatenate(parts, axis: 3)
    let shift = time(activatedTime)
    let h = convolution0(silu(norm0(x))) + shift.reshape([-1, 1, 1, shift.shape[shift.rank - 1]])
    return convolution1(silu(norm1(h))) + (skip?.callAsFunction(parts) ?? x)
  }
}

/// Self-attention over all pixels after a group norm, added to its input.
private struct AttentionBlock: Sendable {
  let norm, attention: Layer

  init(_ channels: Int, groups: Int, _ p: Parameters) {
    norm = groupNorm(channels, groups: groups, p["norm"])
    attention = selfAttention(channels, outputScale: 0, p["self"])
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    x + attention(norm(x).reshape([x.shape[0], -1, x.shape[x.rank - 1]])).reshape(x.shape)
  }
}
