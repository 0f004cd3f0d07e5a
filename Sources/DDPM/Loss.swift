import TensorCore

/// A denoising diffusion probabilistic model: a schedule and a denoiser.
///
/// After Ho, Jain and Abbeel 2020, arXiv 2006.11239.
public struct GaussianDiffusion: Sendable {
  /// The noise schedule.
  public let schedule: NoiseSchedule
  /// The network that estimates noise.
  public let denoiser: Denoiser

  /// Creates a model.
  public init(schedule: NoiseSchedule, denoiser: Denoiser) {
    (self.schedule, self.denoiser) = (schedule, denoiser)
  }

  /// The mean squared error per dimension of the estimated noise, at a random time for each
  /// example.
  ///
  /// Ho et al. 2020, eq. 14; as in their code, the mean over dimensions and not their sum. An
  /// estimate of zero has a loss of 1 in expectation.
  ///
  /// - Parameters:
  ///   - x: Data, [batch] + shape: images in [-1, 1], points standardized.
  ///   - label: The class of each example, [batch]; required exactly if the denoiser has classes.
  /// - Returns: A scalar; invalid if x does not fit the denoiser.
  public func loss(_ x: Tensor, label: Tensor? = nil) -> Tensor {
    guard x.rank >= 1 else {
      return .invalid("a loss of data of shape \(x.shape), not [batch] + \(denoiser.shape)", [x])
    }
    let index = floor(Double(schedule.times) * Tensor.uniform([x.shape[0]], "time"))
    let noise = Tensor.normal(x.shape, "noise")
    let estimate = denoiser(noised(x, noise, at: index), index, label: label)
    return (estimate - noise).squared().mean()
  }

  /// The noised examples x_t = ᾱ_t x_0 + β̄_t ε.
  ///
  /// Ho et al. 2020, eq. 4.
  ///
  /// - Parameters:
  ///   - x: x_0, [batch] + shape.
  ///   - noise: ε, of x's shape.
  ///   - index: t - 1 for each example, [batch], from 0 to T - 1; any other value gives NaN.
  public func noised(_ x: Tensor, _ noise: Tensor, at index: Tensor) -> Tensor {
    guard x.rank >= 1, noise.shape == x.shape, index.shape == [x.shape[0]] else {
      return .invalid(
        "noise \(noise.shape) and times \(index.shape) do not fit data of shape \(x.shape)",
        [x, noise, index])
    }
    let column = [schedule.times] + [Int](repeating: 1, count: x.rank - 1)
    let signal = Tensor.literal(Array(schedule.alphaBar.dropFirst()), column).gather(index)
    let deviation = Tensor.literal(Array(schedule.betaBar.dropFirst()), column).gather(index)
    return signal * x + deviation * noise
  }
}
