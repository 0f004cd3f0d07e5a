import Diffusion
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
    /// Heun's method, two evaluations a step.
    case heun
    /// DPM-Solver++(2M).
    case dpmSolver = "dpm-solver"
    /// Euler's method on the straight path.
    case euler
  }

  /// Number of samples in the final sample grid.
  package var count = 64
  /// Number of samples in sample grids during training.
  package var previewCount = 16
  /// Settings of the reverse process, for models that have one.
  package var reverse: Reverse? { samplers.isEmpty ? nil : way }

  var way = Reverse()
  /// T of the noise schedule, or nil for models without one.
  private(set) package var times: Int?
  /// Samplers that fit the model.
  private(set) var samplers: [Method] = []

  /// Settings of the reverse process of diffusion models.
  package struct Reverse: Equatable, Sendable {
    /// The sampler.
    package var method = Method.ddim
    /// Number of sampler steps; all times of a schedule unless chosen.
    package var steps: Int { chosenSteps ?? allSteps }
    /// Number of sampler steps in the experiment, or nil for all times of the schedule.
    package var chosenSteps: Int?
    /// Number of steps if none is chosen: T of a schedule, or 50.
    private(set) package var allSteps = 50
    /// Fraction of fresh noise in DDIM, 0 to 1.
    package var eta = 0.0
    /// Number of sampler steps for sample grids during training.
    package var previewSteps = 25
    /// Factor of classifier-free guidance, or nil for none.
    package var guidance: Double?

    /// Number of visits.
    package var visits: Int { samplingMethod.visits(inSteps: steps) }

    /// True if samples are guided; a factor of 1 is the model itself.
    package var isGuided: Bool { guidance.map { $0 != 1 } ?? false }

    /// Network evaluations of a visit: two with guidance, one without.
    package var evaluationsPerVisit: Int { isGuided ? 2 : 1 }

    /// Number of network evaluations per sample.
    package var evaluations: Int { visits * evaluationsPerVisit }

    /// The settings of `ddim` without fresh noise.
    func alongCurves(inSteps steps: Int) -> Reverse {
      var result = self
      (result.method, result.eta, result.chosenSteps) = (.ddim, 0, steps)
      return result
    }

    /// The settings of sample grids during training.
    package var preview: Reverse {
      var result = self
      result.chosenSteps = previewSteps
      return result
    }

    fileprivate mutating func limit(to times: Int) {
      (allSteps, previewSteps) = (times, min(previewSteps, times))
    }

    /// The method as a case of `SamplingMethod`.
    package var samplingMethod: SamplingMethod {
      switch method {
      case .ddim: .ddim(eta: eta)
      case .euler: .euler
      case .heun: .heun
      case .dpmSolver: .dpmSolver
      case .ancestral: .ancestral(.beta)
      case .ancestralPosterior: .ancestral(.posterior)
      }
    }
  }

  /// Makes the settings that every model has, before they are read.
  init() {}

  /// Makes the default settings of a model.
  ///
  /// - Parameters:
  ///   - times: T of the noise schedule, or nil for models without one.
  ///   - samplers: Samplers that fit the model, the default first.
  init(times: Int?, samplers: [Method], forPoints: Bool) {
    (self.times, self.samplers) = (times, samplers)
    if let times { way.limit(to: times) }
    if let first = samplers.first { way.method = first }
    if forPoints { (count, previewCount) = (2000, 2000) }
  }
}
