import TensorCore

/// A network that estimates the noise ε in x_t = ᾱ_t x_0 + β̄_t ε.
public struct Denoiser: Sendable {
  /// The shape of one example.
  public let shape: [Int]
  private let body: @Sendable (_ x: Tensor, _ time: Tensor) -> Tensor

  /// A denoiser of examples of `shape`.
  ///
  /// - Parameter body: From x, [batch] + shape, and the time index t - 1, [batch], to the noise, of x's shape.
  public init(shape: [Int], _ body: @escaping @Sendable (_ x: Tensor, _ time: Tensor) -> Tensor) {
    self.shape = shape
    self.body = body
  }

  /// The noise in `x` at `time`, [batch], from 0 for t = 1.
  public func callAsFunction(_ x: Tensor, _ time: Tensor) -> Tensor { body(x, time) }
}
