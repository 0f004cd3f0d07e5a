import TensorCore

/// A network that estimates the noise ε in x_t = ᾱ_t x_0 + β̄_t ε.
public struct Denoiser: Sendable {
  /// The shape of one example.
  public let shape: [Int]
  /// The number of classes that examples may belong to, or nil where the network is not told the
  /// class.
  public let classes: Int?
  private let body: @Sendable (_ x: Tensor, _ time: Tensor, _ label: Tensor?) -> Tensor

  /// A denoiser of examples of `shape`.
  ///
  /// - Parameter body: From x_t, [batch] + shape, and the time index t - 1, [batch], to the noise,
  ///   of x_t's shape.
  public init(shape: [Int], _ body: @escaping @Sendable (_ x: Tensor, _ time: Tensor) -> Tensor) {
    self.init(shape: shape, classes: nil) { x, time, _ in body(x, time) }
  }

  /// A denoiser of examples of `shape` that are of known classes, unless `classes` is nil.
  ///
  /// - Parameter body: As above, given the class of each example too, [batch], from 0.
  public init(
    shape: [Int], classes: Int?,
    _ body: @escaping @Sendable (_ x: Tensor, _ time: Tensor, _ label: Tensor?) -> Tensor
  ) {
    (self.shape, self.classes, self.body) = (shape, classes, body)
  }

  /// The noise in `x`, [batch] + shape, at `time`, [batch], from 0 for t = 1.
  ///
  /// - Parameter label: The class of each example, [batch], from 0: just where there are classes.
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
