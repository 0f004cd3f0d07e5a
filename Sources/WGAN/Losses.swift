import TensorCore

/// The losses of critic and generator as functions of scores: r of data, s of samples, each [n].
public enum AdversarialLoss: String, CaseIterable, Sendable {
  /// mean s - mean r; the generator's is -mean s (Arjovsky et al. 2017, eq. 2).
  case wasserstein
  /// mean max(0, 1 - r) + mean max(0, 1 + s); the generator's is -mean s (Miyato et al. 2018, eq. 16 and
  /// 17).
  case hinge
  /// Cross-entropy of classifying data and samples by the logit; the generator has the
  /// non-saturating loss (Goodfellow et al. 2014, §3).
  case logistic

  /// The loss of the critic, a scalar.
  public func critic(data r: Tensor, samples s: Tensor) -> Tensor {
    switch self {
    case .wasserstein: s.mean() - r.mean()
    case .hinge: relu(1 - r).mean() + relu(1 + s).mean()
    case .logistic: softplus(-r).mean() + softplus(s).mean()
    }
  }

  /// The loss of the generator, a scalar.
  public func generator(samples s: Tensor) -> Tensor {
    switch self {
    case .wasserstein, .hinge: -s.mean()
    case .logistic: softplus(-s).mean()
    }
  }
}
