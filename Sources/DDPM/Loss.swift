import TensorCore

/// A denoising diffusion probabilistic model (Ho et al. 2020): a schedule and a denoiser.
public struct DDPM: Sendable {
  /// How noise grows with time.
  public let schedule: NoiseSchedule
  /// The network.
  public let denoiser: Denoiser

  /// A model.
  public init(schedule: NoiseSchedule, denoiser: Denoiser) {
    (self.schedule, self.denoiser) = (schedule, denoiser)
  }

  /// The mean squared error of the estimated noise per dimension, at a random time for each example (Ho et al. 2020,
  /// eq. 14; their code also takes the mean over dimensions).
  ///
  /// - Parameter x: Data, [batch] + shape: images in [-1, 1], points standardized.
  public func loss(_ x: Tensor) -> Tensor {
    let index = floor(Double(schedule.times) * Tensor.uniform([x.shape[0]], "time"))
    let noise = Tensor.normal(x.shape, "noise")
    return (denoiser(noised(x, noise, at: index), index) - noise).squared().mean()
  }

  /// x_t = ᾱ_t x_0 + β̄_t ε at the time index t - 1 of each example, [batch].
  public func noised(_ x: Tensor, _ noise: Tensor, at index: Tensor) -> Tensor {
    let column = [schedule.times] + [Int](repeating: 1, count: x.rank - 1)
    let signal = Tensor.literal(Array(schedule.alphaBar.dropFirst()), column).gather(index)
    let deviation = Tensor.literal(Array(schedule.betaBar.dropFirst()), column).gather(index)
    return signal * x + deviation * noise
  }
}
