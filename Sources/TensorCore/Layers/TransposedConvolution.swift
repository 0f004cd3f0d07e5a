extension Tensor {
  /// The adjoint of `convolution` with an HWIO filter: from NHWC images of its outputs to images of
  /// its inputs, `stride` times as large or so.
  ///
  /// Each pixel adds the filter, times its channels, around its place: of h rows come
  /// (h - 1) stride + size - 2 padding + outputPadding.
  ///
  /// - Parameters:
  ///   - filter: [size, size, channels of the result, channels of this].
  ///   - outputPadding: Rows and columns added after the last, fewer than `stride`: a convolution of
  ///     that stride loses as many.
  public func transposedConvolution(
    _ filter: Tensor, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0
  ) -> Tensor {
    let failed = Tensor.invalid(
      "transposed convolution of images \(shape) with filter \(filter.shape), stride \(stride), "
        + "padding \(padding), output padding \(outputPadding); expected [batch, height, width, "
        + "channels] with [size, size, outputs, channels], and an output padding of 0 ..< stride",
      [self, filter])
    guard rank == 4, filter.rank == 4, stride >= 1, padding >= 0,
      (0..<stride).contains(outputPadding)
    else { return failed }
    let size = (1...2).map {
      (shape[$0] - 1) * stride + filter.shape[$0 - 1] - 2 * padding + outputPadding
    }
    let result = [shape[0]] + size + [filter.shape[2]]
    let c = Convolution(stride: stride, padding: padding)
    guard size.allSatisfy({ $0 >= 1 }),
      c.accepts(image: result, filter: filter.shape, output: shape)
    else { return failed }
    return Tensor(.convolutionInput(c), [self, filter], result)
  }
}

/// A transposed convolution with `size` x `size` filters: NHWC images of `inputs` channels to `outputs`
/// channels, `stride` times as high and wide.
///
/// See Dumoulin and Visin 2016, §4. A filter of `size` 2 `stride` or 1 `stride` covers all pixels
/// alike; others leave a pattern.
///
/// - Parameters:
///   - padding: Pixels cut from each side, and `outputPadding`, those added after the last row and
///     column, fewer than `stride`: unless told, (size - 1) / 2 and what makes the images `stride`
///     times as large, where that is possible.
///   - scale: See `dense`; 0 starts the layer at zero.
public func transposedConvolution(
  _ inputs: Int, _ outputs: Int, size: Int, stride: Int = 2, padding: Int? = nil,
  outputPadding: Int? = nil, scale: Double = 1, bias hasBias: Bool = true, _ parameters: Parameters
) -> Layer {
  // Each pixel of the result is reached by about this fraction of the filter's taps.
  let taps = max(1, size * size / max(1, stride * stride))
  let filter = parameters.make(
    "filter",
    varianceScaling(
      [size, size, outputs, inputs], inputs: taps * inputs, outputs: taps * outputs, scale: scale))
  let bias = hasBias ? parameters.make("bias", .zeros([outputs])) : nil
  let cut = padding ?? (size - 1) / 2
  let added = outputPadding ?? max(0, stride - size + 2 * cut)
  return Layer(parameters) { x in
    guard x.rank == 4, x.shape[3] == inputs else {
      return .invalid(
        "transposed convolution given shape \(x.shape); expected [batch, height, width, \(inputs)]",
        [x])
    }
    let y = x.transposedConvolution(filter, stride: stride, padding: cut, outputPadding: added)
    return bias.map { y + $0 } ?? y
  }
}
