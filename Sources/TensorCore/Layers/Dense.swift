/// x weight + bias along the last axis: [..., inputs] to [..., outputs].
///
/// - Parameter scale: See `varianceScaling`; 0 starts the layer at zero.
public func dense(
  _ inputs: Int, _ outputs: Int, scale: Double = 1, bias hasBias: Bool = true,
  _ parameters: Parameters
) -> Layer {
  let initial = varianceScaling([inputs, outputs], inputs: inputs, outputs: outputs, scale: scale)
  let weight = parameters.make("weight", initial)
  let bias = hasBias ? parameters.make("bias", .zeros([outputs])) : nil
  return Layer(parameters) { x in
    guard x.rank >= 1, x.shape[x.rank - 1] == inputs else {
      return .invalid("dense from \(inputs) to \(outputs) given shape \(x.shape)", [x])
    }
    let y = x.reshape([-1, inputs]).matmul(weight).reshape(Array(x.shape.dropLast()) + [outputs])
    return bias.map { y + $0 } ?? y
  }
}
