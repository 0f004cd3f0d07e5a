import TensorCore

/// The latent space with its prior and its family of posteriors.
public enum Latent: Equatable, Sendable {
  /// The space R^dimension with a standard normal prior, and Gaussian posteriors with independent
  /// coordinates.
  case gaussian(dimension: Int)
  /// The unit sphere of R^(dimension + 1) with a uniform prior, and von Mises-Fisher posteriors,
  /// whose concentration is learned if it is nil (Davidson et al. 2018, arXiv 1804.00891).
  case sphere(dimension: Int, concentration: Double?)

  /// The valid concentrations; learned ones are clamped to this range.
  public static let concentrations = 1e-3...1e6

  /// The dimension of the space as a manifold.
  public var dimension: Int {
    switch self {
    case .gaussian(let dimension), .sphere(let dimension, _): dimension
    }
  }

  /// Number of coordinates of a point.
  public var coordinates: Int {
    switch self {
    case .gaussian(let dimension): dimension
    case .sphere(let dimension, _): dimension + 1
    }
  }

  /// The reason why the space is invalid, or nil.
  public var failure: String? {
    if dimension < 1 { return "latent variables need at least 1 dimension, not \(dimension)" }
    if case .sphere(_, let concentration?) = self, !Self.concentrations.contains(concentration) {
      return
        "a concentration must be from \(Self.concentrations.lowerBound) to 1e6, not \(concentration)"
    }
    return nil
  }

  /// Draws `count` points from the prior: [count, coordinates].
  ///
  /// - Parameter keys: A seed for each point, see `Tensor.normal`.
  public func prior(_ count: Int, keys: Tensor? = nil) -> Tensor {
    switch self {
    case .gaussian(let dimension): .normal([count, dimension], "prior", keys: keys)
    case .sphere(let dimension, _):
      direction(.normal([count, dimension + 1], "prior", keys: keys))
    }
  }
}

/// q(z|x) for a batch of examples, as expressions.
public struct Posterior: Sendable {
  /// Centre of the posterior, [batch, coordinates].
  public let mean: Tensor
  /// KL(q(z|x) || p(z)) in nats, [batch].
  public let divergence: Tensor
  private let body: @Sendable (_ count: Int, _ keys: Tensor?) -> Draws

  /// Points drawn from a posterior.
  public struct Draws: Sendable {
    /// The drawn points, [batch, count, coordinates].
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

  /// Draws `count` points for each example; gradients with respect to the posterior's parameters
  /// flow through.
  ///
  /// - Parameter keys: A seed for each example, on which alone its draws then depend.
  public func draws(_ count: Int, keys: Tensor? = nil) -> Draws { body(count, keys) }
}

/// The last layer of the encoder: maps features, [batch, features], to a posterior.
struct Head: Sendable {
  private let body: @Sendable (Tensor) -> Posterior

  init(_ latent: Latent, features: Int, _ parameters: Parameters) {
    switch latent {
    case .gaussian(let dimension):
      let mean = dense(features, dimension, parameters["mean"])
      let logVariance = dense(features, dimension, parameters["logVariance"])
      body = { gaussianPosterior(mean: mean($0), logVariance: logVariance($0)) }
    case .sphere(let dimension, let concentration):
      let mean = dense(features, dimension + 1, parameters["mean"])
      let learned =
        concentration == nil ? dense(features, 1, parameters["concentration"]) : nil
      // Davidson et al. have κ = softplus + 1, which starts near 1.7. At that value a draw contains
      // almost no information about its centre, and κ is not learned: with d + 1 coordinates, the
      // mean cosine of the angle between the two is about κ/(d + 1). So κ starts at d + 1.
      let start = Double(dimension + 1)
      let shift = start + (1 - (-start).exponential).logarithm
      body = { features in
        let range = Latent.concentrations
        let raw = learned.map { softplus($0(features) + shift) + range.lowerBound }
        let k = raw.map { minimum($0, range.upperBound) } ?? Tensor(concentration ?? start)
        return spherePosterior(
          mean: direction(mean(features)),
          concentration: k.broadcast(to: [features.shape[0], 1]))
      }
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

/// A posterior on the sphere: z = cos θ μ + sin θ ν, ν being uniform among the directions orthogonal to μ.
///
/// This tangent-normal form (Mardia and Jupp 2000, eq. 9.1.2) and its gradient are well conditioned
/// at every μ; a reflection that maps an axis to μ is not.
private func spherePosterior(mean: Tensor, concentration: Tensor) -> Posterior {
  let (batch, coordinates) = (mean.shape[0], mean.shape[1])
  @Sendable func function(_ f: ConcentrationFunction, _ k: Tensor) -> Tensor {
    vonMisesFisher(f, dimension: coordinates, k)
  }
  let k = concentration.reshape([batch])
  return Posterior(mean: mean, divergence: function(.divergence, k)) { count, keys in
    let angle = Tensor.vonMisesFisherAngle(
      concentration.broadcast(to: [batch, count]), dimension: coordinates, "angle", keys: keys)
    let centre = mean.reshape([batch, 1, coordinates])
    var tangent = Tensor.normal([batch, count, coordinates], "tangent", keys: keys)
    // Twice: if the remainder is short, the component along μ left by rounding is large relative to
    // it.
    for _ in 0..<2 {
      tangent = direction(tangent - (tangent * centre).sum(2, keep: true) * centre)
    }
    let a = angle.reshape([batch, count, 1])
    // log q(z)/p(z) = κ cos θ - K = -2 κ sin²(θ/2) - (K - κ), which subtracts no large numbers.
    let half = sin(0.5 * angle)
    let logRatio =
      2 * concentration * half.squared() + function(.excess, k).reshape([batch, 1])
    return .init(points: cos(a) * centre + sin(a) * tangent, logRatio: logRatio)
  }
}

/// x divided by its length along the last axis; the unit vector of the first axis if x is zero, so
/// that the direction and its gradient are always finite.
func direction(_ x: Tensor) -> Tensor {
  let square = x.squared().sum(-1, keep: true)
  let isShort = square < Tensor(1e-20)
  let width = x.shape[x.rank - 1]
  let axis = Tensor.literal((0..<width).map { $0 == 0 ? 1 : 0 }, [width])
  return select(isShort, axis, x / sqrt(maximum(square, 1e-20)))
}
