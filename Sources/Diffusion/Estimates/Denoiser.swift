import Networks
import TensorCore

/// A network as an estimate of x_0 and ε from x = a x_0 + s ε.
public struct Denoiser: Sendable {
  /// The network.
  public let network: DenoisingNetwork
  /// The quantity that the network estimates.
  public let target: Target
  /// The noise levels, and the times by which the network knows them.
  public let path: NoisePath

  /// The shape of one example.
  public var shape: [Int] { network.shape }
  /// Number of classes the network is conditioned on, or nil.
  public var classes: Int? { network.classes }

  /// Creates a denoiser.
  public init(_ network: DenoisingNetwork, target: Target, path: NoisePath) {
    (self.network, self.target, self.path) = (network, target, path)
  }

  /// The estimates of a network's output.
  public struct Estimate {
    /// x̂_0, of x's shape.
    public let clean: Tensor
    /// ε̂, of x's shape.
    public let noise: Tensor
  }

  /// Estimates x_0 and ε from `x`, [batch] + shape.
  ///
  /// - Parameters:
  ///   - signal: a, of a shape that broadcasts to that of x.
  ///   - noise: s, of such a shape, with a² + s² = 1.
  ///   - time: The network's time of each example, [batch]; see `NoisePath.networkTime(at:)`.
  ///   - label: The class of each example, [batch]; required exactly if there are classes.
  public func estimate(
    _ x: Tensor, signal: Tensor, noise: Tensor, time: Tensor, label: Tensor? = nil
  ) -> Estimate {
    let output = network(x, time, label: label)
    return Estimate(
      clean: target.clean(output, x, signal, noise),
      noise: target.epsilon(output, x, signal, noise))
  }
}
