/// Group normalization (Wu and He 2018): per example and group of channels, mean 0 and variance 1,
/// then a learned scale and shift per channel.
///
/// [batch, ..., channels] to the same shape.
public func groupNorm(
  _ channels: Int, groups: Int, epsilon: Double = 1e-5, _ parameters: Parameters
) -> Layer {
  let scale = parameters.make("scale", .ones([channels]))
  let shift = parameters.make("shift", .zeros([channels]))
  return Layer(parameters) { x in
    guard groups >= 1, channels % groups == 0 else {
      return .invalid("group norm of \(channels) channels in \(groups) groups", [x])
    }
    guard x.rank >= 2, x.shape[x.rank - 1] == channels else {
      return .invalid("group norm of \(channels) channels given shape \(x.shape)", [x])
    }
    let width = channels / groups
    let y = x.reshape([x.shape[0], -1, groups, width])
    let mean = y.mean(1, 3, keep: true)
    // Of centered numbers: the mean of squares less the square of the mean would cancel.
    let variance = (y - mean).squared().mean(1, 3, keep: true)
    let rate = 1 / sqrt(variance + epsilon)
    // (y - mean) * rate * scale + shift with one product and one sum over the data. The rounding of
    // y * factor is no more than what the rounding of y leaves in y - mean.
    let factor = rate * scale.reshape([groups, width])
    let offset = shift.reshape([groups, width]) - mean * factor
    return (y * factor + offset).reshape(x.shape)
  }
}

/// Layer normalization: each vector of the last axis at mean 0 and variance 1, then a learned scale
/// and shift per number.
///
/// See Ba et al. 2016, eq. 3 and 4. [..., width] to the same shape.
public func layerNorm(_ width: Int, epsilon: Double = 1e-5, _ parameters: Parameters) -> Layer {
  let scale = parameters.make("scale", .ones([width]))
  let shift = parameters.make("shift", .zeros([width]))
  return Layer(parameters) { x in
    guard x.rank >= 1, x.shape[x.rank - 1] == width else {
      return .invalid("layer norm given shape \(x.shape); expected [..., \(width)]", [x])
    }
    // Of centered numbers: the mean of squares less the square of the mean would cancel.
    let centered = x - x.mean(-1, keep: true)
    let rate = 1 / sqrt(centered.squared().mean(-1, keep: true) + epsilon)
    return centered * rate * scale + shift
  }
}
