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

/// A 1x1 convolution of images side by side along their channels, without laying them so: the sum of
/// one of each with its part of the filter.
///
/// The parameters are those of `convolution` of all `inputs` together, and so is the value up to
/// rounding.
public func joinedConvolution(_ inputs: [Int], _ outputs: Int, _ parameters: Parameters)
  -> @Sendable ([Tensor]) -> Tensor
{
  let channels = inputs.reduce(0, +)
  let filter = parameters.make(
    "filter",
    varianceScaling([1, 1, channels, outputs], inputs: channels, outputs: outputs, scale: 1))
  let bias = parameters.make("bias", .zeros([outputs]))
  return { [path = parameters.path] images in
    Scope.$path.withValue(path) {
      guard images.map({ $0.shape.last }) == inputs else {
        return .invalid(
          "convolution of images of \(inputs) channels given \(images.map(\.shape))", images)
      }
      var start = 0
      var sum: Tensor?
      for (image, count) in zip(images, inputs) {
        let y = image.convolution(filter.slice(axis: 2, from: start, count: count))
        start += count
        sum = sum.map { $0 + y } ?? (y + bias)
      }
      return sum ?? .invalid("convolution of no images")
    }
  }
}
