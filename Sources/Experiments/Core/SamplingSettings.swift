import DDPM
import TensorCore

/// How samples are drawn, unless the command says otherwise.
package struct SamplingSettings: Equatable, Sendable {
  /// The samplers by name.
  package enum Method: String, CaseIterable, Sendable {
    /// Song et al. 2021, with `eta`.
    case ddim
    /// Ho et al. 2020 with the variance beta².
    case ancestral
    /// Ho et al. 2020 with the variance of the posterior.
    case ancestralPosterior = "ancestral-posterior"
  }

  /// Samples of the final sheet.
  package var count = 64
  /// Samples of the sheets during training.
  package var previewCount = 16
  /// The way from noise to samples, for models that take one.
  package var reverse: Reverse? { times == nil ? nil : way }

  var way = Reverse()
  /// T of a schedule of noise, or nil for models that sample in one pass.
  private(set) var times: Int?

  /// How diffusion models sample.
  package struct Reverse: Equatable, Sendable {
    /// The sampler.
    package var method = Method.ddim
    /// Steps of the sampler, or nil for all times of the schedule.
    package var steps: Int?
    /// DDIM's share of fresh noise, 0 to 1.
    package var eta = 0.0
    /// Steps of the sheets during training.
    package var previewSteps = 25

    /// The sampler as the DDPM target knows it.
    package var samplingMethod: SamplingMethod {
      switch method {
      case .ddim: .ddim(eta: eta)
      case .ancestral: .ancestral(.beta)
      case .ancestralPosterior: .ancestral(.posterior)
      }
    }
  }

  /// Those that every model has, before they are read.
  init() {}

  /// The defaults for a model.
  ///
  /// - Parameter times: T of a schedule of noise, or nil for models that sample in one pass.
  init(times: Int?, forPoints: Bool) {
    self.times = times
    if let times { way.previewSteps = min(way.previewSteps, times) }
    if forPoints { (count, previewCount) = (2000, 2000) }
  }
}
