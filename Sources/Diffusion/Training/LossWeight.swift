import TensorCore

/// The weights of squared errors at the noise levels.
public enum LossWeight: Equatable, Sendable {
  /// 1 for each error of the target itself (Ho et al. 2020, eq. 14).
  case simple
  /// min(SNR, gamma) for errors of x_0 (Hang et al. 2023, arXiv 2303.09556, eq. 8), expressed for
  /// the target.
  case minSNR(gamma: Double)
  /// The terms of the variational bound in continuous time, in nats: ½ d(-log SNR) for errors of ε
  /// (Kingma et al. 2021, eq. 17).
  case bound

  /// The factor of |target - estimate|² at a level.
  ///
  /// - Parameter density: The density of drawn times in -log SNR, which the bound divides by.
  package func factor(_ level: NoiseLevel, _ target: Target, density: Double) -> Double {
    switch self {
    case .simple: 1
    case .minSNR(let gamma):
      min(level.signalToNoise, gamma) / target.errorFactor(level)
    case .bound: level.signalToNoise / (2 * density * target.errorFactor(level))
    }
  }
}
