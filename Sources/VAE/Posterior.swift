import TensorCore

/// The space of the latent variables, with its prior and its family of posteriors.
public enum Latent: Equatable, Sendable {
  /// R^dimension: a standard normal prior, and Gaussians with independent coordinates.
  case gaussian(dimension: Int)

  /// The dimension of the space as a manifold.
  public var dimension: Int {
    switch self {
    case .gaussian(let dimension): dimension
    }
  }

  /// How many numbers a point has.
  public var coordinates: Int {
    switch self {
    case .gaussian(let dimension): dimension
    }
  }

  /// `count` points of the prior, [count, coordinates].
  ///
  /// - Parameter keys: A seed for each point, see `Tensor.normal`.
  public func prior(_ count: Int, keys: Tensor? = nil) -> Tensor {
    switch self {
    case .gaussian(let dimension): .normal([count, dimension], "prior", keys: keys)
    }
  }
}

/// q(z|x) for a batch of examples, as expressions.
public struct Posterior: Sendable {
  /// Where it is centred, [batch, coordinates].
  public let mean: Tensor
  /// KL(q(z|x) || p(z)) in nats, [batch].
  public let divergence: Tensor
  private let body: @Sendable (_ count: Int, _ keys: Tensor?) -> Draws

  /// Points drawn from a posterior.
  public struct Draws: Sendable {
    /// [batch, count, coordinates].
    public let points: Tensor
    /// log p(z) - log q(z|x) in nats, [batch, count].
    public let logRatio: Tensor
  }

  init(
    mean: Tensor, divergence: Tensor,
    draws: @escaping @Sendable (_ count: Int, _ keys: Tensor?) -> Draws
  ) {
    (self.mean, self.divergence, body) = (mean, divergence, draws)
  }

  /// `count` draws for each example, which carry the gradient of the posterior's parameters.
  ///
  /// - Parameter keys: A seed for each example: its draws then depend on nothing else.
  public func draws(_ count: Int, keys: Tensor? = nil) -> Draws { body(count, keys) }
}

/// From features of the encoder, [batch, features], to a posterior.
struct Head: Sendable {
  private let body: @Sendable (Tensor) -> Posterior

  init(_ latent: Latent, features: Int, _ parameters: Parameters) {
    switch latent {
    case .gaussian(let dimension):
      let mean = dense(features, dimension, parameters["mean"])
      let logVariance = dense(features, dimension, parameters["logVariance"])
      body = { gaussianPosterior(mean: mean($0), logVariance: logVariance($0)) }
    }
  }

  func callAsFunction(_ features: Tensor) -> Posterior { body(features) }
}

/// Kingma and Welling 2014, appendix B: z = μ + σ ε, KL = ½ Σ (μ² + σ² - log σ² - 1).
private func gaussianPosterior(mean: Tensor, logVariance s: Tensor) -> Posterior {
  let divergence = 0.5 * (mean.squared() + exp(s) - s - 1).sum(over: 1...)
  return Posterior(mean: mean, divergence: divergence) { count, keys in
    let (batch, dimension) = (mean.shape[0], mean.shape[1])
    func each(_ x: Tensor) -> Tensor { x.reshape([batch, 1, dimension]) }
    let noise = Tensor.normal([batch, count, dimension], "posterior", keys: keys)
    let z = each(mean) + exp(0.5 * each(s)) * noise
    // The constants ½ log 2π cancel.
    let logRatio = 0.5 * (noise.squared() + each(s) - z.squared()).sum(2)
    return .init(points: z, logRatio: logRatio)
  }
}
