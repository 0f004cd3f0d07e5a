import TensorCore

/// A variational autoencoder (Kingma and Welling 2014, arXiv 1312.6114).
///
/// Examples x are [batch] + shape: zeros and ones, or numbers from 0 to 1, for a Bernoulli
/// likelihood; any numbers for a Gaussian one. All values are in nats per example, summed over its
/// dimensions.
public struct VariationalAutoencoder: Sendable {
  /// The shape of an example.
  public let shape: [Int]
  /// The latent space.
  public let latent: Latent
  /// The family of p(x|z).
  public let likelihood: ObservationModel
  /// True if encoder and decoder have no hidden layers.
  public let isLinear: Bool
  private let encoder: Layer
  private let head: Head
  private let decoder: Layer
  private let observation: Observation

  /// Creates a model and adds its parameters to `parameters`.
  ///
  /// - Throws: `TensorError` if the network does not fit examples of `shape`.
  public init(
    shape: [Int], network: Network, latent: Latent, likelihood: ObservationModel,
    _ parameters: Parameters
  ) throws {
    if let failure = network.failure(forExamplesOf: shape) { throw TensorError(failure) }
    if let failure = latent.failure { throw TensorError(failure) }
    (self.shape, self.latent, self.likelihood) = (shape, latent, likelihood)
    isLinear = network.channels.isEmpty && network.hidden.isEmpty
    let features: Int
    (encoder, features) = network.encoder(shape, parameters["encoder"])
    head = Head(latent, features: features, parameters["posterior"])
    decoder = network.decoder(latent.coordinates, shape, parameters["decoder"])
    observation = Observation(likelihood, parameters["likelihood"])
  }

  /// Standard deviation σ of p(x|z), a scalar, or nil if the likelihood is not Gaussian.
  public var standardDeviation: Tensor? { observation.standardDeviation }

  /// The posterior q(z|x).
  public func posterior(_ x: Tensor) -> Posterior {
    guard x.rank >= 1, Array(x.shape.dropFirst()) == shape else {
      let wrong = x.failing("a VAE of examples \(shape) given \(x.shape)")
      return Posterior(mean: wrong, divergence: wrong) { _, _ in
        .init(points: wrong, logRatio: wrong)
      }
    }
    return head(encoder(x))
  }

  /// The mean E[x|z] for points z, [n, coordinates]: [n] + shape.
  public func decode(_ z: Tensor) -> Tensor { observation.mean(decoder(z)) }

  /// Draws x for each of the points z, [n, coordinates]: [n] + shape.
  ///
  /// - Parameter keys: A seed for each point, see `Tensor.normal`.
  public func draw(_ z: Tensor, keys: Tensor? = nil) -> Tensor {
    observation.draw(decoder(z), keys: keys)
  }

  /// log p(x|z) of K points per example, [batch, K, coordinates]: [batch, K].
  public func logLikelihood(of x: Tensor, at z: Tensor) -> Tensor {
    guard z.rank == 3, x.rank == shape.count + 1, z.shape[0] == x.shape[0] else {
      return z.failing("latent points of shape \(z.shape) do not fit examples of \(x.shape)")
    }
    let (batch, count) = (z.shape[0], z.shape[1])
    let output = decoder(z.reshape([batch * count, latent.coordinates]))
      .reshape([batch, count] + shape)
    return observation.logLikelihood(
      of: x.reshape([batch, 1] + shape), output, over: Array(2..<shape.count + 2))
  }

  /// The logarithms of `draws` importance weights for each example, [batch, draws].
  ///
  /// Each is log p(x|z) + log p(z) - log q(z|x) for z drawn from q(z|x). Their log-mean-exp is, in
  /// expectation, a lower bound of log p(x) (Burda et al. 2016, eq. 8), and the ELBO for one draw.
  /// The example is encoded once.
  ///
  /// - Parameter keys: A seed for each example, on which alone its weights then depend, whatever
  ///   the batch.
  public func logWeights(_ x: Tensor, draws: Int, keys: Tensor? = nil) -> Tensor {
    let z = posterior(x).draws(draws, keys: keys)
    return logLikelihood(of: x, at: z.points) + z.logRatio
  }
}

extension VariationalAutoencoder {
  /// The bound that training maximises.
  public enum Bound: String, CaseIterable, Sendable {
    /// The evidence lower bound, its KL in closed form (Kingma and Welling 2014, eq. 10).
    case elbo
    /// The importance-weighted bound (Burda et al. 2016, eq. 8).
    case iwae
  }

  /// A bound for each example of a batch, with its parts.
  public struct Parts: Sendable {
    /// The lower bound of log p(x), with the KL weighted, [batch].
    public let bound: Tensor
    /// E_q[-log p(x|z)], [batch].
    public let reconstruction: Tensor
    /// KL(q(z|x) || p(z)), [batch].
    public let divergence: Tensor
    /// Centres of the posteriors, [batch, coordinates].
    public let means: Tensor

    /// The parts with `body` applied to each.
    public func map(_ body: (Tensor) -> Tensor) -> Parts {
      Parts(
        bound: body(bound), reconstruction: body(reconstruction), divergence: body(divergence),
        means: body(means))
    }
  }

  /// A lower bound of log p(x) in nats for each example of x, [batch] + shape.
  ///
  /// - Parameters:
  ///   - draws: K, the number of draws of z per example; the ELBO is averaged over them.
  ///   - weight: Factor of the KL, below 1 while it is warmed up (Bowman et al. 2016); in an
  ///     importance-weighted bound, of the log ratio of the densities.
  ///   - keys: See `logWeights`.
  public func parts(
    _ x: Tensor, _ bound: Bound, draws: Int, weight: Tensor = Tensor(1), keys: Tensor? = nil
  ) -> Parts {
    let q = posterior(x)
    let z = q.draws(draws, keys: keys)
    let logLikelihood = logLikelihood(of: x, at: z.points)
    let reconstruction = -logLikelihood.mean(1)
    let value =
      switch bound {
      case .elbo: -reconstruction - weight * q.divergence
      case .iwae: logMeanExp(logLikelihood + weight * z.logRatio)
      }
    return Parts(
      bound: value, reconstruction: reconstruction, divergence: q.divergence, means: q.mean)
  }

  /// The loss of a batch: the mean over its examples of the negative bound, in nats.
  public func loss(
    _ x: Tensor, _ bound: Bound = .elbo, draws: Int = 1, weight: Tensor = Tensor(1)
  ) -> Tensor { -parts(x, bound, draws: draws, weight: weight).bound.mean() }
}

/// log of the mean of exp x over the last axis, which is removed; does not overflow.
func logMeanExp(_ x: Tensor) -> Tensor {
  let count = x.shape.last ?? 1
  guard count > 1 else { return x.sum(-1) }
  return logSumExp(x) - Double(count).logarithm
}
