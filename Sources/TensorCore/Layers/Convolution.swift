/// A correlation with `size` x `size` filters: NHWC images of `inputs` channels to `outputs`
/// channels.
///
/// - Parameters:
///   - padding: Zeros on each side; half the filter unless told, which keeps the size of images at stride 1.
///   - scale: See `varianceScaling`; 0 starts the layer at zero.
public func convolution(
  _ inputs: Int, _ outputs: Int, size: Int, stride: Int = 1, padding: Int? = nil, scale: Double = 1,
  bias hasBias: Bool = true, _ parameters: Parameters
) -> Layer {
  let area = size * size
  let filter = parameters.make(
    "filter",
    varianceScaling(
      [size, size, inputs, outputs], inputs: area * inputs, outputs: area * outputs, scale: scale))
  let bias = hasBias ? parameters.make("bias", .zeros([outputs])) : nil
  return Layer(parameters) { x in
    let y = x.convolution(filter, stride: stride, padding: padding ?? size / 2)
    return bias.map { y + $0 } ?? y
  }
}
