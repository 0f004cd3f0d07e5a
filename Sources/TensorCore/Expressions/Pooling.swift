/// The mean of each window of `size` x `size` pixels of NHWC images, channel by channel.
///
/// - Parameters:
///   - size: Height and width of a window.
///   - stride: Pixels from one window to the next; `size` unless told. Rows and columns that no whole
///     window covers are left out: of h rows, (h - size) / stride + 1 windows.
public func averagePooling(_ x: Tensor, size: Int, stride: Int? = nil) -> Tensor {
  pooling(x, size, stride, "average pooling") { $0.mean(over: $1) }
}

/// The largest of each window of `size` x `size` pixels of NHWC images, channel by channel.
///
/// Equal ones share the gradient. For the parameters see `averagePooling`.
public func maximumPooling(_ x: Tensor, size: Int, stride: Int? = nil) -> Tensor {
  pooling(x, size, stride, "maximum pooling") { $0.maximum(over: $1) }
}

/// Windows reduced by `reduce`, which is given pixels and the axes that hold those of one window.
private func pooling(
  _ x: Tensor, _ size: Int, _ stride: Int?, _ name: String, _ reduce: (Tensor, [Int]) -> Tensor
) -> Tensor {
  let stride = stride ?? size
  guard x.rank == 4, size >= 1, stride >= 1, x.shape[1] >= size, x.shape[2] >= size else {
    return .invalid(
      "\(name) of windows of \(size)x\(size), stride \(stride), given shape \(x.shape); expected "
        + "NHWC images of at least one window, and a stride of at least 1", [x])
  }
  let (n, c) = (x.shape[0], x.shape[3])
  let (rows, columns) = ((x.shape[1] - size) / stride + 1, (x.shape[2] - size) / stride + 1)
  if size == stride {
    let covered = x.slice(axis: 1, from: 0, count: rows * size)
      .slice(axis: 2, from: 0, count: columns * size)
    return reduce(covered.reshape([n, rows, size, columns, size, c]), [2, 4])
  }
  // Every stride-th row and column from each pixel of the window on, side by side.
  let taps = (0..<size).flatMap { row in
    let lines = every(stride, of: x, axis: 1, from: row, count: rows)
    return (0..<size).map { column in
      every(stride, of: lines, axis: 2, from: column, count: columns)
        .reshape([n, rows, columns, 1, c])
    }
  }
  return reduce(concatenate(taps, axis: 3), [3])
}

/// `count` indices along `axis`, from `start` in steps of `stride`.
private func every(_ stride: Int, of x: Tensor, axis: Int, from start: Int, count: Int) -> Tensor {
  let whole = stride * count
  let reach = x.shape[axis] - start
  var part = x.slice(axis: axis, from: start, count: Swift.min(whole, reach))
  if reach < whole {
    var after = [Int](repeating: 0, count: x.rank)
    after[axis] = whole - reach
    part = part.pad(before: [Int](repeating: 0, count: x.rank), after: after)
  }
  var shape = part.shape
  shape.replaceSubrange(axis...axis, with: [count, stride])
  var result = part.shape
  result[axis] = count
  return part.reshape(shape).slice(axis: axis + 1, from: 0, count: 1).reshape(result)
}
