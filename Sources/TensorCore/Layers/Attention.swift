/// Self-attention with one head: every position is a mixture of values of all.
///
/// See Vaswani et al. 2017, eq. 1. From [batch, positions, channels] to the same shape.
///
/// - Parameter outputScale: The scale of the last layer's initial weights; 0 starts the attention
///   at zero.
public func selfAttention(_ channels: Int, outputScale: Double = 1, _ parameters: Parameters)
  -> Layer
{
  let query = dense(channels, channels, parameters["query"])
  let key = dense(channels, channels, parameters["key"])
  let value = dense(channels, channels, parameters["value"])
  let output = dense(channels, channels, scale: outputScale, parameters["output"])
  return Layer(parameters) { x in
    guard x.rank == 3 else {
      return .invalid("attention given shape \(x.shape), not [batch, positions, channels]", [x])
    }
    // The scale goes to whichever is smaller.
    let scale = 1 / Double(channels).squareRoot()
    let scores =
      channels < x.shape[1]
      ? (query(x) * scale).matmul(key(x), transposedRight: true)
      : query(x).matmul(key(x), transposedRight: true) * scale
    return output(softmax(scores).matmul(value(x)))
  }
}

/// Attention with several heads: every position of the first input is given mixtures of values of the
/// second one's positions, each head with weights of its own.
///
/// See Vaswani et al. 2017, §3.2.2: softmax(Q Kᵀ / √d) V of each head, d being its channels, side by
/// side, and a dense layer after them. The inputs are
///
/// - the positions that ask, [batch, n, channels]; so is the value,
/// - the positions that are looked at, [batch, m, channels]: the same for self-attention,
/// - a mask, 1 where a position may be looked at and 0 where not, or nil: [n, m] (see `causalMask`),
///   [batch, n, m], or of four axes that are broadcast to [batch, heads, n, m]. A position that may
///   look at nothing is given zeros.
///
/// - Parameter outputScale: The scale of the last layer's initial weights; 0 starts the attention
///   at zero.
public func multiHeadAttention(
  _ channels: Int, heads: Int, outputScale: Double = 1, _ parameters: Parameters
) -> MultiInputLayer<Tensor, Tensor, Tensor?> {
  let query = dense(channels, channels, parameters["query"])
  let key = dense(channels, channels, parameters["key"])
  let value = dense(channels, channels, parameters["value"])
  let output = dense(channels, channels, scale: outputScale, parameters["output"])
  return MultiInputLayer(parameters) { x, memory, mask in
    let inputs = [x, memory] + (mask.map { [$0] } ?? [])
    guard heads >= 1, channels % heads == 0 else {
      return .invalid(
        "attention of \(channels) channels in \(heads) heads; expected heads that divide the "
          + "channels", inputs)
    }
    guard x.rank == 3, memory.rank == 3, x.shape[2] == channels, memory.shape[2] == channels,
      x.shape[0] == memory.shape[0]
    else {
      return .invalid(
        "attention given shapes \(x.shape) and \(memory.shape); expected [batch, n, \(channels)] "
          + "and [batch, m, \(channels)]", inputs)
    }
    let (batch, n, m) = (x.shape[0], x.shape[1], memory.shape[1])
    let width = channels / heads
    /// [batch, positions, channels] as [batch, heads, positions, width].
    func split(_ y: Tensor) -> Tensor {
      y.reshape([batch, y.shape[1], heads, width]).transpose([0, 2, 1, 3])
    }
    let scale = 1 / Double(width).squareRoot()
    let scores = (split(query(x)) * scale).matmul(split(key(memory)), transposedRight: true)
    var weights = softmax(scores)
    if let mask {
      let visible = mask.rank == 3 ? mask.reshape([mask.shape[0], 1] + mask.shape[1...]) : mask
      guard broadcastShape(visible.shape, scores.shape) == scores.shape else {
        return .invalid(
          "attention given a mask of shape \(mask.shape); expected [\(n), \(m)], "
            + "[\(batch), \(n), \(m)] or what is broadcast to \(scores.shape)", inputs)
      }
      weights = maskedSoftmax(scores, mask: visible)
    }
    let mixed = weights.matmul(split(value(memory))).transpose([0, 2, 1, 3])
    return output(mixed.reshape([batch, n, channels]))
  }
}

/// The mask by which position i looks at positions 0 to i: [positions, positions], ones on and below
/// the diagonal.
public func causalMask(_ positions: Int) -> Tensor {
  guard positions >= 1 else {
    return .invalid("a causal mask of \(positions) positions; expected at least 1")
  }
  let ones = (0..<positions * positions).map { $0 % positions <= $0 / positions ? 1.0 : 0.0 }
  return .literal(ones, [positions, positions])
}
