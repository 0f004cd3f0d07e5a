import TensorCore

/// The loss of a denoiser: a weighted squared error at random noise levels.
public struct DenoisingLoss: Equatable, Sendable {
  /// The weights of the levels.
  public var weight: LossWeight
  /// The distribution of the times.
  public var times: TimeDistribution

  /// Creates a loss.
  public init(weight: LossWeight = .simple, times: TimeDistribution = .uniform) {
    (self.weight, self.times) = (weight, times)
  }

  /// The mean over dimensions of w(t) |target - estimate|², at a random time for each example.
  ///
  /// With the bound's weights, nats per dimension.
  ///
  /// - Parameters:
  ///   - x: Data, [batch] + shape: images in [-1, 1], points standardized.
  ///   - label: The class of each example, [batch]; required exactly if the denoiser has classes.
  /// - Returns: A scalar; invalid if x does not fit the denoiser.
  public func callAsFunction(_ denoiser: Denoiser, _ x: Tensor, label: Tensor? = nil) -> Tensor {
    guard x.rank >= 1 else {
      return .invalid("a loss of data of shape \(x.shape), not [batch] + \(denoiser.shape)", [x])
    }
    let target = denoiser.target
    let drawn = TrainingTimes(
      x.shape[0], rank: x.rank, path: denoiser.path, times, weight, target)
    let epsilon = Tensor.normal(x.shape, "noise")
    let noised = drawn.signal * x + drawn.noise * epsilon
    let output = denoiser.network(noised, drawn.networkTime, label: label)
    let estimate = target.estimate(output, noised, drawn.signal, drawn.noise)
    let error = (estimate - target.value(x, epsilon, drawn.signal, drawn.noise)).squared()
    return (drawn.weight.map { $0 * error } ?? error).mean()
  }
}

/// `label` with a random fraction replaced by `unknown`, so that a class-conditional network learns
/// the unconditional one, too (Ho and Salimans 2022, algorithm 1).
///
/// - Parameters:
///   - label: Classes, [batch].
///   - fraction: Probability of replacement, 0 to 1.
public func droppingLabels(_ label: Tensor, fraction: Double, unknown: Int) -> Tensor {
  guard fraction > 0 else { return label }
  let isDropped = Tensor.uniform(label.shape, "unknown") < Tensor(fraction)
  return select(isDropped, Tensor(Double(unknown)).broadcast(to: label.shape), label)
}
