import DDPM
import TensorCore

/// Default settings of sampling.
package struct SamplingSettings: Equatable, Sendable {
  /// The samplers by name.
  package enum Method: String, CaseIterable, Sendable {
    /// Song et al. 2021, with `eta`.
    case ddim
    /// Ho et al. 2020 with variance β².
    case ancestral
    /// Ho et al. 2020 with the variance of the posterior.
    case ancestralPosterior = "ancestral-posterior"
  }

  /// Number of samples in the final sample grid.
  package var count = 64
  /// Number of samples in sample grids during training.
  package var previewCount = 16
  /// Settings of the reverse process, for models that have one.
  package var reverse: Reverse? { times == nil ? nil : way }

  var way = Reverse()
  /// T of the noise schedule, or nil for models that sample in one pass.
  private(set) var times: Int?

  /// Settings of the reverse process of diffusion models.
  package struct Reverse: Equatable, Sendable {
    /// The sampler.
    package var method = Method.ddim
    /// Number of sampler steps, or nil for all times of the schedule.
    package var steps: Int?
    /// Fraction of fresh noise in DDIM, 0 to 1.
    package var eta = 0.0
    /// Number of sampler steps for sample grids during training.
    package var previewSteps = 25

    /// The method as a case of `SamplingMethod`.
    package var samplingMethod: SamplingMethod {
      switch method {
      case .ddim: .ddim(eta: eta)
      case .ancestral: .ancestral(.beta)
      case .ancestralPosterior: .ancestral(.posterior)
      }
    }
  }

  /// Makes the settings that every model has, before they are read.
  init() {}

  /// Makes the default settings of a model.
  ///
  /// - Parameter times: T of the noise schedule, or nil for models that sample in one pass.
  init(times: Int?, forPoints: Bool) {
    self.times = times
    if let times { way.previewSteps = min(way.previewSteps, times) }
    if forPoints { (count, previewCount) = (2000, 2000) }
  }
}
