import CKernels
import Support

/// The von Mises-Fisher distribution on the unit sphere of R^d.
///
/// Its density with respect to the sphere's area is C_d(κ) exp(κ ⟨μ, z⟩), with C_d(κ) =
/// κ^{d/2-1} / ((2π)^{d/2} I_{d/2-1}(κ)) (Mardia and Jupp 2000, §9.3.2). At κ = 0 it is the uniform
/// distribution. All logarithms are natural: entropies and divergences are in nats.
public struct VonMisesFisher: Equatable, Sendable {
  /// The valid concentrations κ.
  public static let concentrations = 0.0...1e9

  /// Mean direction μ: d numbers of length 1.
  public let mean: [Double]
  /// Concentration κ.
  public let concentration: Double
  private let moments: Moments

  /// Creates the distribution around a mean direction.
  ///
  /// - Parameters:
  ///   - mean: μ, as many numbers as the ambient dimension d, of length 1 within 1e-4; it is
  ///     normalized.
  ///   - concentration: κ, in `concentrations`.
  /// - Throws: `FigmentError` for a dimension not in `UniformSphere.dimensions`, a mean of
  ///   another length, or a concentration out of range.
  public init(mean: [Double], concentration: Double) throws {
    moments = try Moments(dimension: mean.count, concentration: concentration)
    try check(mean, count: mean.count, name: "a mean direction")
    let length = norm(mean)
    guard abs(length - 1) <= 1e-4 else {
      throw FigmentError("a mean direction has length \(length); expected 1")
    }
    self.mean = mean.map { $0 / length }
    self.concentration = concentration
  }

  /// Ambient dimension d.
  public var dimension: Int { mean.count }
  /// Mean resultant length A_d(κ) = I_{d/2}(κ) / I_{d/2-1}(κ), in [0, 1); E[z] = A μ.
  public var meanResultantLength: Double { moments.length }
  /// Differential entropy -∫ p log p over the sphere, in nats.
  public var entropy: Double { moments.logArea - moments.divergenceToUniform }
  /// KL(self || uniform) = κ A_d(κ) + log C_d(κ) + log area, in nats; independent of μ.
  public var divergenceToUniform: Double { moments.divergenceToUniform }

  /// Logarithm of the density at a point of the sphere: d numbers of length 1.
  ///
  /// - Throws: `FigmentError` unless `point` has d finite numbers.
  public func logDensity(_ point: [Double]) throws -> Double {
    try check(point, count: dimension, name: "a point")
    // κ ⟨μ, z⟩ - K, with 1 - ⟨μ, z⟩ = |z - μ|² / 2: no large numbers are subtracted.
    return -concentration * versine(point) - moments.excess - moments.logArea
  }

  /// KL(self || other) in nats, for distributions on the same sphere.
  ///
  /// It is κ A + log C_d(κ) - λ A ⟨μ, ν⟩ - log C_d(λ), for (μ, κ) of self and (ν, λ) of other.
  ///
  /// - Throws: `FigmentError` if the spheres differ.
  public func divergence(to other: VonMisesFisher) throws -> Double {
    guard other.dimension == dimension else {
      throw FigmentError(
        "a divergence between spheres of R^\(dimension) and R^\(other.dimension); "
          + "expected the same")
    }
    let spread = moments.complement + moments.length * versine(other.mean)
    let result =
      other.moments.excess - moments.excess - concentration * moments.complement
      + other.concentration * spread
    return max(result, 0)
  }

  /// Draws a point: d numbers of length 1.
  ///
  /// Uses the tangent-normal form z = w μ + √(1 - w²) ν (Mardia and Jupp 2000, eq. 9.1.2), with ν
  /// uniform among the directions orthogonal to μ. It needs no rotation of the sphere and works for
  /// every μ.
  public func draw(using generator: inout some RandomNumberGenerator) -> [Double] {
    let cosine = drawCosine(using: &generator)
    let tangent = drawTangent(using: &generator)
    return zip(mean, tangent).map { cosine.value * $0 + cosine.sine * $1 }
  }

  /// Draws w = ⟨μ, z⟩ by Wood's rejection sampler (1994, algorithm VM*).
  public func drawCosine(using generator: inout some RandomNumberGenerator) -> Cosine {
    let seed = generator.next()
    let draw = fk_vmf_cosine(concentration, Int64(dimension), seed, 0, 0, 0)
    return Cosine(value: draw.cosine, versine: draw.versine, sine: draw.sine)
  }

  /// Draws a unit vector ν uniformly among those orthogonal to μ.
  func drawTangent(using generator: inout some RandomNumberGenerator) -> [Double] {
    while true {
      var tangent = mean.map { _ in generator.normal() }
      // Twice: if the remainder is short, the component along μ left by rounding is large relative
      // to it.
      for _ in 0..<2 {
        let along = dot(tangent, mean)
        for i in tangent.indices { tangent[i] -= along * mean[i] }
        let length = norm(tangent)
        if length > 0 { for i in tangent.indices { tangent[i] /= length } }
      }
      if abs(norm(tangent) - 1) < 1e-8 { return tangent }
    }
  }

  /// Derivatives of a drawn cosine with respect to κ at a fixed quantile.
  public func derivatives(of cosine: Cosine) -> Derivatives {
    let derivatives = fk_vmf_pathwise(concentration, Int64(dimension), cosine.versine)
    return Derivatives(
      cosine: derivatives.cosine, angle: derivatives.angle, byCosine: derivatives.by_cosine,
      byConcentration: derivatives.by_concentration)
  }

  private func versine(_ point: [Double]) -> Double {
    zip(point, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 2
  }
}

extension VonMisesFisher {
  /// w = cos θ of a draw, together with values that would be inaccurate near the poles if computed
  /// from w.
  public struct Cosine: Equatable, Sendable {
    /// w, in [-1, 1].
    public let value: Double
    /// 1 - w, to full relative precision.
    public let versine: Double
    /// √(1 - w²), to full relative precision and never 0.
    public let sine: Double
  }

  /// The pathwise derivative P = dw/dκ = ∫_{-1}^w (A - s) f(s) ds / f(w) of a drawn cosine w of
  /// density f, and its own derivatives.
  public struct Derivatives: Equatable, Sendable {
    /// dw/dκ, at least 0.
    public let cosine: Double
    /// dθ/dκ = -P / sin θ, so that dz/dκ = (cos θ ν - sin θ μ) dθ/dκ; finite at both poles.
    public let angle: Double
    /// ∂P/∂w.
    public let byCosine: Double
    /// ∂P/∂κ at fixed w: d²w/dκ² = ∂P/∂κ + P ∂P/∂w.
    public let byConcentration: Double
  }

  /// Quantities that depend only on d and κ.
  public struct Moments: Equatable, Sendable {
    /// Mean resultant length A_d(κ), in [0, 1).
    public let length: Double
    /// 1 - A_d(κ), to full relative precision.
    public let complement: Double
    /// First derivative A' = dA/dκ, the variance of w.
    public let derivative: Double
    /// Second derivative A'' = d²A/dκ², the third central moment of w.
    public let secondDerivative: Double
    /// KL(vMF || uniform) in nats, whose derivative in κ is κ A'.
    public let divergenceToUniform: Double
    /// log E exp(κ w) - κ under the uniform distribution, which is -log C_d(κ) - κ - log area.
    let excess: Double
    let logArea: Double

    /// Creates the moments for an ambient dimension d and a concentration κ.
    ///
    /// - Throws: `FigmentError` for a dimension not in `UniformSphere.dimensions` or a
    ///   concentration not in `concentrations`.
    public init(dimension: Int, concentration: Double) throws {
      logArea = try UniformSphere(dimension: dimension).logArea
      guard VonMisesFisher.concentrations.contains(concentration) else {
        throw FigmentError(
          "a von Mises-Fisher concentration is \(concentration); expected 0 to 1e9")
      }
      let moments = fk_vmf(Double(dimension), concentration)
      length = moments.ratio
      complement = moments.complement
      derivative = moments.slope
      secondDerivative = moments.curvature
      divergenceToUniform = moments.divergence
      excess = moments.excess
    }
  }
}
