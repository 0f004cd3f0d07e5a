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

/// `convolution` with 3x3 filters after `upsampleNearest`, without the large images between: four
/// convolutions of the small images with 2x2 filters, one for the even and odd rows and columns each.
///
/// Where a 3x3 filter lies on pixels that are repeated, its taps are added first. The parameters are
/// those of `convolution` with size 3, and so is the value up to rounding, with 4/9 of the work.
public func upsampledConvolution(_ inputs: Int, _ outputs: Int, _ parameters: Parameters) -> Layer {
  let filter = parameters.make(
    "filter",
    varianceScaling([3, 3, inputs, outputs], inputs: 9 * inputs, outputs: 9 * outputs, scale: 1))
  let bias = parameters.make("bias", .zeros([outputs]))
  /// Row 2 i of the large images sees rows i - 1, i and i of the small ones, row 2 i + 1 rows i, i
  /// and i + 1; the same holds for columns.
  @Sendable func phases(_ filter: Tensor, axis: Int) -> [Tensor] {
    let taps = (0..<3).map { filter.slice(axis: axis, from: $0, count: 1) }
    return [[taps[0], taps[1] + taps[2]], [taps[0] + taps[1], taps[2]]].map {
      concatenate($0, axis: axis)
    }
  }
  return Layer(parameters) { x in
    guard x.rank == 4, x.shape[3] == inputs else {
      return .invalid("convolution of images of \(inputs) channels given shape \(x.shape)", [x])
    }
    let (n, h, w) = (x.shape[0], x.shape[1], x.shape[2])
    var (images, starts) = ([Tensor](), [[Int]]())
    for (row, rows) in phases(filter, axis: 0).enumerated() {
      for (column, filter) in phases(rows, axis: 1).enumerated() {
        let c = Convolution(stride: 1, top: 1 - row, left: 1 - column)
        let y = x.convolution(filter, c, size: [h, w]) + bias
        images.append(y.reshape([n, h, 1, w, 1, outputs]))
        starts.append([0, 0, row, 0, column, 0])
      }
    }
    return blocks(images, at: starts, [n, h, 2, w, 2, outputs]).reshape([n, 2 * h, 2 * w, outputs])
  }
}

/// A 1x1 convolution of images side by side along their channels, without laying them so: the sum of
/// one of each with its part of the filter.
///
/// The parameters are those of `convolution` of all `inputs` together, and so is the value up to
/// rounding.
public func joinedConvolution(_ inputs: [Int], _ outputs: Int, _ parameters: Parameters)
  -> MultiInputLayer<[Tensor]>
{
  let channels = inputs.reduce(0, +)
  let filter = parameters.make(
    "filter",
    varianceScaling([1, 1, channels, outputs], inputs: channels, outputs: outputs, scale: 1))
  let bias = parameters.make("bias", .zeros([outputs]))
  return MultiInputLayer(parameters) { images in
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
