import TensorCore

extension ImageClassifier {
  /// Shifts each example down and to the right by its own random distances, uniform on ±`shift`;
  /// edge pixels are repeated.
  ///
  /// Fractional distances are interpolated linearly.
  public func shifted(_ x: Tensor) -> Tensor {
    guard shift > 0, x.rank == 4 else { return x }
    let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    func distance(_ name: String) -> Tensor {
      shift * (2 * Tensor.uniform([n, 1, 1], name) - 1)
    }
    let rows = weights(h, distance("down")).matmul(x.reshape([n, h, w * c]))
    let turned = rows.reshape([n, h, w, c]).transpose([0, 2, 1, 3]).reshape([n, w, h * c])
    let columns = weights(w, distance("right")).matmul(turned)
    return columns.reshape([n, w, h, c]).transpose([0, 2, 1, 3])
  }

  /// Interpolation weights, [n, size, size]: the weight of old pixel j, near i - distance, in new
  /// pixel i.
  private func weights(_ size: Int, _ distance: Tensor) -> Tensor {
    let places = Tensor.literal((0..<size).map { Double($0) }, [1, size, 1])
    let source = minimum(maximum(places - distance, 0), Double(size - 1))
    return relu(1 - abs(source - places.reshape([1, 1, size])))
  }
}
