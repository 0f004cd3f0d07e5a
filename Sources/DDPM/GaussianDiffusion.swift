import Diffusion
import Networks
import TensorCore

/// A denoising diffusion probabilistic model: a schedule and a network.
///
/// After Ho, Jain and Abbeel 2020, arXiv 2006.11239.
public struct GaussianDiffusion: Sendable {
  /// The noise schedule.
  public let schedule: NoiseSchedule
  /// The network, as an estimate of x_0 and of the noise.
  public let denoiser: Denoiser
  /// The loss of a training step.
  public let objective: DenoisingLoss

  /// Creates a model.
  ///
  /// - Parameters:
  ///   - target: The quantity that the network estimates; Ho et al.'s is the noise.
  ///   - objective: The weights of the errors and the distribution of the times; those of Ho et al.,
  ///     eq. 14, unless told.
  public init(
    schedule: NoiseSchedule, network: DenoisingNetwork, target: Target = .noise,
    objective: DenoisingLoss = DenoisingLoss()
  ) {
    self.schedule = schedule
    denoiser = Denoiser(network, target: target, path: NoisePath(schedule))
    self.objective = objective
  }

  /// The weighted squared error per dimension of the estimated target, at a random time for each
  /// example.
  ///
  /// With noise as the target and equal weights, Ho et al. 2020, eq. 14; as in their code, the mean
  /// over dimensions and not their sum. An estimate of zero then has a loss of 1 in expectation.
  ///
  /// - Parameters:
  ///   - x: Data, [batch] + shape: images in [-1, 1], points standardized.
  ///   - label: The class of each example, [batch]; required exactly if the network has classes.
  /// - Returns: A scalar; invalid if x does not fit the network.
  public func loss(_ x: Tensor, label: Tensor? = nil) -> Tensor {
    objective(denoiser, x, label: label)
  }
}
