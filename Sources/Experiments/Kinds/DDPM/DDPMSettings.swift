import Configuration
import DDPM
import Diffusion
import TensorCore

/// Settings of a DDPM and its network, as in an experiment file.
package struct DDPMSettings: DenoisingModelSettings {
  package static let kind = "ddpm"
  package static let help = "A denoising diffusion model."

  /// Family of the noise schedule.
  package var schedule = NoiseSchedule.Kind.linear
  /// T, the number of times of the schedule.
  package var times = 1000
  package var denoising = DenoisingSettings()

  package static let schema = Schema<Self>(
    [
      .word(
        "schedule", \.schedule,
        "Noise schedule: variance linear from 0.0001 to 0.02, or from 0 (su), or along a cosine, or that of EDM."
      ).known(as: "betaSchedule", "noiseSchedule"),
      .int("times", \.times, in: 10...100_000, "T, the number of steps from data to noise.")
        .known(
          as: "timesteps", "numTimesteps", "nTimesteps", "diffTimesteps", "diffusionSteps",
          "numTrainTimesteps", "t"),
    ] + Schema.networkKeys + Schema.objectiveKeys(DenoisingSettings()))

  package init() {}

  package var scheduleTimes: Int? { times }
  package var samplers: [SamplingSettings.Method] {
    [.ddim, .ancestral, .ancestralPosterior, .heun, .dpmSolver]
  }

  package func model(
    forExamplesOf shape: [Int], _ parameters: Parameters
  ) throws -> any Model {
    let model = GaussianDiffusion(
      schedule: try NoiseSchedule(schedule, times: times),
      network: try denoising.network(forExamplesOf: shape, parameters), target: denoising.target,
      objective: denoising.objective)
    return DenoisingModel(
      denoiser: model.denoiser, objective: model.objective,
      labelDropout: denoising.labelDropout, schedule: model.schedule)
  }
}
