import Configuration
import Diffusion
import FlowMatching
import TensorCore

/// Settings of flow matching and its network, as in an experiment file.
package struct FlowMatchingSettings: DenoisingModelSettings {
  package static let kind = "flow-matching"
  package static let help = "Flow matching: a velocity that carries noise to data."

  /// Paths from data to noise.
  package enum Path: String, CaseIterable, Sendable {
    case straight, cosine, edm

    var path: NoisePath {
      switch self {
      case .straight: .straight
      case .cosine: .cosine
      case .edm: .edm()
      }
    }
  }

  /// The path from data to noise.
  package var path = Path.straight
  package var denoising = Self.standard

  /// The velocity at stratified times.
  private static let standard: DenoisingSettings = {
    var settings = DenoisingSettings()
    (settings.target, settings.times) = (.velocity, .stratified)
    return settings
  }()

  package static let schema = Schema<Self>(
    [
      .word(
        "path", \.path,
        "Path from data to noise: straight lines, a quarter of a circle, or the noise levels of EDM."
      )
    ] + Schema.networkKeys + Schema.objectiveKeys(standard))

  package init() {}

  package var endsWithoutSignal: Bool { path != .edm }
  package var samplers: [SamplingSettings.Method] { [.euler, .heun, .dpmSolver] }

  /// T of the chain whose bound estimates log p(x).
  private static let boundTimes = 1000

  package func model(
    forExamplesOf shape: [Int], _ parameters: Parameters
  ) throws -> any Model {
    let model = FlowMatchingModel(
      network: try denoising.network(forExamplesOf: shape, parameters), path: path.path,
      target: denoising.target, objective: denoising.objective)
    return DenoisingModel(
      denoiser: model.denoiser, objective: model.objective,
      labelDropout: denoising.labelDropout,
      schedule: try NoiseSchedule(along: path.path, times: Self.boundTimes))
  }
}
