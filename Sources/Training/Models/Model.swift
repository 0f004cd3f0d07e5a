import DDPM
import Datasets
import TensorCore
import VAE

/// A model whose parameters belong to a run: all that differs between kinds of models is asked of it.
public enum Model: Sendable {
  /// A denoising diffusion model.
  case ddpm(DDPM)
  /// A variational autoencoder and how it is trained.
  case vae(VAE, VAESettings)

  /// What training minimises, and the figures that it reports beside it.
  struct Objective {
    /// A single number.
    let loss: Tensor
    /// Single numbers that are part of the loss.
    let parts: [(name: String, value: Tensor)]
  }

  /// The loss of a batch at `step`, from one.
  func objective(_ batch: BatchInput, step: Tensor) -> Objective {
    switch self {
    case .ddpm(let model):
      return Objective(loss: model.loss(batch.examples, label: batch.labels), parts: [])
    case .vae(let model, let settings):
      let weight =
        settings.klWarmup == 0 ? Tensor(1) : minimum(step / Double(settings.klWarmup), 1)
      let parts = model.parts(
        batch.examples, settings.bound, draws: settings.draws, weight: weight)
      return Objective(
        loss: -parts.bound.mean(),
        parts: [
          ("reconstruction", parts.reconstruction.mean()), ("divergence", parts.divergence.mean()),
        ])
    }
  }

  /// Steps before which a bound on validation data does not count.
  var warmup: Int {
    switch self {
    case .ddpm: 0
    case .vae(_, let settings): settings.klWarmup
    }
  }
}

extension Experiment {
  /// Which weights samples are drawn with, and figures are of.
  var weights: Weights {
    patience != nil ? .best : optimizer.weights
  }
}
