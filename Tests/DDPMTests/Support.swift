import DDPM
import Diffusion
import Networks
import TensorCore

/// A small model of points, and its parameters.
func pointModel(
  _ kind: NoiseSchedule.Kind = .linear, times: Int, width: Int = 24, depth: Int = 2
) throws -> (model: GaussianDiffusion, parameters: Parameters) {
  let parameters = Parameters("denoiser")
  let network = mlpNetwork(
    dimensions: 2, width: width, depth: depth, timeFeatures: 16, parameters)
  return (
    GaussianDiffusion(schedule: try NoiseSchedule(kind, times: times), network: network),
    parameters
  )
}

/// A model of images, and its parameters.
func imageModel(
  _ configuration: UNetConfiguration, times: Int
) throws -> (model: GaussianDiffusion, parameters: Parameters) {
  let parameters = Parameters("denoiser")
  let network = unetNetwork(configuration, parameters)
  return (
    GaussianDiffusion(schedule: try NoiseSchedule(.linear, times: times), network: network),
    parameters
  )
}

/// A model whose estimate of the noise is `factors[t - 1]` times x.
func linearModel(_ schedule: NoiseSchedule, factors: [Double], dimensions: Int = 2)
  -> GaussianDiffusion
{
  GaussianDiffusion(
    schedule: schedule,
    network: DenoisingNetwork(shape: [dimensions]) { x, time in
      Tensor.literal(factors, [factors.count, 1]).gather(time) * x
    })
}
