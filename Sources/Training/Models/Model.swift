import Classifier
import DDPM
import Datasets
import TensorCore
import VAE
import WGAN

/// A model whose parameters belong to a run: all that differs between kinds of models is asked of it.
public enum Model: Sendable {
  /// A denoising diffusion model.
  case ddpm(DDPM)
  /// A variational autoencoder and how it is trained.
  case vae(VAE, VAESettings)
  /// A generator and its critic, and how they are trained.
  case wgan(WGAN, WGANSettings)
  /// A classifier.
  case classifier(Classifier)

  /// Steps before which a bound on validation data does not count.
  var warmup: Int {
    switch self {
    case .ddpm, .wgan, .classifier: 0
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
