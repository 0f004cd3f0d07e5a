import TensorCore

/// A network that estimates the noise ε in x_t = ᾱ_t x_0 + β̄_t ε.
public struct Denoiser: Sendable {
  /// The shape of one example.
  public let shape: [Int]
  /// Number of classes the network is conditioned on, or nil for an unconditional one.
  public let classes: Int?
  private let body: @Sendable (_ x: Tensor, _ time: Tensor, _ label: Tensor?) -> Tensor

  /// Creates an unconditional denoiser of examples of `shape`.
  ///
  /// - Parameter body: Maps x_t, [batch] + shape, and the time index t - 1, [batch], to the
  ///   estimated noise, which has the shape of x_t.
  public init(shape: [Int], _ body: @escaping @Sendable (_ x: Tensor, _ time: Tensor) -> Tensor) {
    self.init(shape: shape, classes: nil) { x, time, _ in body(x, time) }
  }

  /// Creates a denoiser of examples of `shape`, class-conditional unless `classes` is nil.
  ///
  /// - Parameter body: The network as above, which also receives the class of each example,
  ///   [batch], from 0.
  public init(
    shape: [Int], classes: Int?,
    _ body: @escaping @Sendable (_ x: Tensor, _ time: Tensor, _ label: Tensor?) -> Tensor
  ) {
    (self.shape, self.classes, self.body) = (shape, classes, body)
  }

  /// Estimates the noise in `x`, [batch] + shape, at `time`, [batch], from 0 for t = 1.
  ///
  /// - Parameter label: The class of each example, [batch], from 0; required exactly if there are
  ///   classes.
  public func callAsFunction(_ x: Tensor, _ time: Tensor, label: Tensor? = nil) -> Tensor {
    guard x.rank >= 1, Array(x.shape.dropFirst()) == shape, time.shape == [x.shape[0]] else {
      return .invalid(
        "a denoiser of examples \(shape) given \(x.shape) and times of shape \(time.shape)",
        [x, time])
    }
    guard (label == nil) == (classes == nil), label.map({ $0.shape == time.shape }) ?? true else {
      return .invalid(
        "a denoiser of \(classes.map { "\($0)" } ?? "no") classes given "
          + (label.map { "classes of shape \($0.shape)" } ?? "none"), [x, time])
    }
    let noise = body(x, time, label)
    guard noise.shape == x.shape else {
      return .invalid("a denoiser gives shape \(noise.shape) for \(x.shape)", [noise])
    }
    return noise
  }
}
