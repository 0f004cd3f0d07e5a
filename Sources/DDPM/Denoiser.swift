import TensorCore

/// A network that estimates the noise ε in x_t = ᾱ_t x_0 + β̄_t ε.
public struct Denoiser: Sendable {
  /// The shape of one example.
  public let shape: [Int]
  private let body: @Sendable (_ x: Tensor, _ time: Tensor) -> Tensor

  /// A denoiser of examples of `shape`.
  ///
  /// - Parameter body: From x_t, [batch] + shape, and the time index t - 1, [batch], to the noise,
  ///   of x_t's shape.
  public init(shape: [Int], _ body: @escaping @Sendable (_ x: Tensor, _ time: Tensor) -> Tensor) {
    self.shape = shape
    self.body = body
  }

  /// The noise in `x`, [batch] + shape, at `time`, [batch], from 0 for t = 1.
  public func callAsFunction(_ x: Tensor, _ time: Tensor) -> Tensor {
    guard x.rank >= 1, Array(x.shape.dropFirst()) == shape, time.shape == [x.shape[0]] else {
      return .invalid(
        "a denoiser of examples \(shape) given \(x.shape) and times of shape \(time.shape)",
        [x, time])
    }
    let noise = body(x, time)
    guard noise.shape == x.shape else {
      return .invalid("a denoiser gives shape \(noise.shape) for \(x.shape)", [noise])
    }
    return noise
  }
}
