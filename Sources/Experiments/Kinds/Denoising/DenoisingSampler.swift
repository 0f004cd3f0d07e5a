import Diffusion
import TensorCore

/// Sampler of a model that denoises, with the experiment's settings as defaults.
package final class DenoisingSampler: SeededSampler {
  private let standard: SamplingSettings.Reverse
  private let smallestNoise: Double
  private let make: (_ guidance: Double?) throws -> Sampler
  private let plain: Sampler
  private var guided: (factor: Double, sampler: Sampler)?

  init(
    _ denoiser: Denoiser, _ runtime: Runtime, batch: Int, weights: @escaping (Tensor) -> Tensor,
    _ experiment: Experiment
  ) throws {
    standard = try experiment.reverse()
    smallestNoise = denoiser.smallestNoise
    make = { guidance in
      try Sampler(
        denoiser, runtime, batch: batch, weights: weights, precision: experiment.precision,
        clip: denoiser.clipRange, guidance: guidance)
    }
    plain = try make(nil)
    if let factor = standard.guidance { guided = (factor, try make(factor)) }
  }

  /// The underlying sampler of a request.
  package func sampler(_ wanted: SampleRequest = SampleRequest()) throws -> Sampler {
    guard let factor = wanted.guidance ?? standard.guidance, factor != 1 else { return plain }
    if let guided, guided.factor == factor { return guided.sampler }
    let sampler = try make(factor)
    guided = (factor, sampler)
    return sampler
  }

  /// The request in terms of the underlying sampler.
  package func request(_ wanted: SampleRequest = SampleRequest()) -> Sampler.Request {
    var request = Sampler.Request(
      wanted.method ?? standard.samplingMethod, steps: wanted.steps ?? standard.steps)
    request.labels = wanted.labels
    request.smallestNoise = smallestNoise
    return request
  }

  package func sample(
    seeds: [UInt64], _ wanted: SampleRequest, observe: ((Int, [Float]) throws -> Void)?
  ) throws -> [Float] {
    let request = request(wanted)
    let visits = request.method.visits(inSteps: request.steps)
    var before = -visits
    return try sampler(wanted).sample(seeds: seeds, request) { done, samples in
      if done == 0 { before += visits }
      try observe?(before + done, samples)
    }
  }
}
