import TensorCore

/// A network of noised examples, their times and, if it has any, their classes.
///
/// It is what diffusion models and flow matching train; what its output means is up to the model.
public struct DenoisingNetwork: Sendable {
  /// The shape of one example.
  public let shape: [Int]
  /// Number of classes the network is conditioned on, or nil for an unconditional one.
  public let classes: Int?
  private let body: @Sendable (_ x: Tensor, _ time: Tensor, _ label: Tensor?) -> Tensor

  /// Creates an unconditional network of examples of `shape`.
  ///
  /// - Parameter body: Maps examples, [batch] + shape, and times, [batch], to an output of the
  ///   shape of the examples.
  public init(shape: [Int], _ body: @escaping @Sendable (_ x: Tensor, _ time: Tensor) -> Tensor) {
    self.init(shape: shape, classes: nil) { x, time, _ in body(x, time) }
  }

  /// Creates a network of examples of `shape`, class-conditional unless `classes` is nil.
  ///
  /// - Parameter body: The network as above, which also receives the class of each example,
  ///   [batch], from 0; the number of classes itself stands for an unknown class.
  public init(
    shape: [Int], classes: Int?,
    _ body: @escaping @Sendable (_ x: Tensor, _ time: Tensor, _ label: Tensor?) -> Tensor
  ) {
    (self.shape, self.classes, self.body) = (shape, classes, body)
  }

  /// Applies the network to `x`, [batch] + shape, at `time`, [batch]: a real number, from about 0
  /// without noise to about 1000.
  ///
  /// - Parameter label: The class of each example, [batch], from 0; required exactly if there are
  ///   classes.
  public func callAsFunction(_ x: Tensor, _ time: Tensor, label: Tensor? = nil) -> Tensor {
    guard x.rank >= 1, Array(x.shape.dropFirst()) == shape, time.shape == [x.shape[0]] else {
      return .invalid(
        "a network of examples \(shape) given \(x.shape) and times of shape \(time.shape)",
        [x, time])
    }
    guard (label == nil) == (classes == nil), label.map({ $0.shape == time.shape }) ?? true else {
      return .invalid(
        "a network of \(classes.map { "\($0)" } ?? "no") classes given "
          + (label.map { "classes of shape \($0.shape)" } ?? "none"), [x, time])
    }
    let output = body(x, time, label)
    guard output.shape == x.shape else {
      return .invalid("a network gives shape \(output.shape) for \(x.shape)", [output])
    }
    return output
  }
}
