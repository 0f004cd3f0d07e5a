import Diffusion
import Networks
import TensorCore

/// Flow matching: a network of the velocity that carries noise to data along straight lines.
///
/// After Lipman et al. 2023, arXiv 2210.02747, and Liu et al. 2023, arXiv 2209.03003; data are at
/// t = 0 and noise at t = 1, as in diffusion.
public struct FlowMatchingModel: Sendable {
  /// The network, as an estimate of x_0 and of the noise.
  public let denoiser: Denoiser
  /// The loss of a training step.
  public let objective: DenoisingLoss

  /// Creates a model.
  ///
  /// - Parameters:
  ///   - path: The noise levels; straight lines unless told.
  ///   - target: The quantity that the network estimates, not noise where the path ends without
  ///     data.
  public init(
    network: DenoisingNetwork, path: NoisePath = .straight, target: Target = .velocity,
    objective: DenoisingLoss = DenoisingLoss(times: .stratified)
  ) {
    denoiser = Denoiser(network, target: target, path: path)
    self.objective = objective
  }

  /// The mean over dimensions of |u - û|², u = ε - x_0, at a random time for each example; or of
  /// another target, weighted.
  ///
  /// Lipman et al. 2023, eq. 23.
  ///
  /// - Parameters:
  ///   - x: Data, [batch] + shape: images in [-1, 1], points standardized.
  ///   - label: The class of each example, [batch]; required exactly if the network has classes.
  /// - Returns: A scalar; invalid if x does not fit the network.
  public func loss(_ x: Tensor, label: Tensor? = nil) -> Tensor {
    objective(denoiser, x, label: label)
  }
}
