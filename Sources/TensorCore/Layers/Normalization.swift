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
    let centered = y - y.mean(1, 3, keep: true)
    let variance = centered.squared().mean(1, 3, keep: true)
    let rate = 1 / sqrt(variance + epsilon)
    let normal = centered * rate * scale.reshape([groups, width]) + shift.reshape([groups, width])
    return normal.reshape(x.shape)
  }
}
