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
