import CKernels

/// Elementwise functions that no composition of others gives to full precision: evaluated in Double, one
/// number at a time.
///
/// Closed under differentiation, as far as `Gradient` says.
package enum Special: Hashable, Sendable {
  /// log I_v(x), the modified Bessel function of the first kind.
  case logBessel(order: Double)
  /// A function of the concentration of a von Mises-Fisher distribution on the sphere of R^dimension.
  case concentration(ConcentrationFunction, dimension: Double)
  /// dθ/dκ of an angle θ drawn at κ, its place in the distribution held; of (κ, θ).
  case angleSlope(dimension: Int)
  /// The derivative of `angleSlope` in κ at a held θ.
  case angleSlopeRate(dimension: Int)
  /// log Φ(x), and its first and second derivative.
  case logNormal, logNormalSlope, logNormalCurvature

  /// Number of arguments.
  package var arity: Int {
    switch self {
    case .angleSlope, .angleSlopeRate: 2
    default: 1
    }
  }

  /// The function's value.
  package func callAsFunction(_ a: Double, _ b: Double = 0) -> Double {
    fk_special_value(kernel, parameter, a, b)
  }

  var kernel: fk_special_function {
    switch self {
    case .logBessel: FK_LOG_BESSEL
    case .concentration(let function, _):
      switch function {
      case .excess: FK_VMF_EXCESS
      case .ratio: FK_VMF_RATIO
      case .complement: FK_VMF_COMPLEMENT
      case .slope: FK_VMF_SLOPE
      case .curvature: FK_VMF_CURVATURE
      case .divergence: FK_VMF_DIVERGENCE
      }
    case .angleSlope: FK_VMF_ANGLE_SLOPE
    case .angleSlopeRate: FK_VMF_ANGLE_SLOPE_RATE
    case .logNormal: FK_LOG_NDTR
    case .logNormalSlope: FK_LOG_NDTR_SLOPE
    case .logNormalCurvature: FK_LOG_NDTR_CURVATURE
    }
  }

  var parameter: Double {
    switch self {
    case .logBessel(let order): order
    case .concentration(_, let dimension): dimension
    case .angleSlope(let dimension), .angleSlopeRate(let dimension): Double(dimension)
    case .logNormal, .logNormalSlope, .logNormalCurvature: 0
    }
  }

  package var label: String {
    switch self {
    case .logBessel(let order): "log I of order \(order)"
    case .concentration(let function, let dimension):
      "von Mises-Fisher \(function.rawValue) in \(dimension) dimensions"
    case .angleSlope(let dimension): "von Mises-Fisher angle slope in \(dimension) dimensions"
    case .angleSlopeRate(let dimension):
      "von Mises-Fisher angle slope rate in \(dimension) dimensions"
    case .logNormal: "log normal distribution"
    case .logNormalSlope: "log normal distribution slope"
    case .logNormalCurvature: "log normal distribution curvature"
    }
  }
}

/// Functions of the concentration κ of a von Mises-Fisher distribution on the unit sphere of
/// R^d, with K(κ) = log E exp(κ w), w being a coordinate of a uniform point (Mardia and Jupp 2000, §9.3).
public enum ConcentrationFunction: String, Hashable, Sendable, CaseIterable {
  /// K(κ) - κ: the log density relative to the uniform one is κ ⟨μ, z⟩ - K.
  case excess
  /// A(κ) = K' = I_{d/2}(κ) / I_{d/2-1}(κ), the length of the mean.
  case ratio
  /// 1 - A(κ), with all its digits.
  case complement
  /// A'(κ), the variance of ⟨μ, z⟩.
  case slope
  /// A''(κ).
  case curvature
  /// KL(vMF || uniform) = κ A - K, in nats.
  case divergence
}

/// A function of concentrations, element by element, for 0 <= κ <= 1e12; NaN for any other.
///
/// - Parameter dimension: d, the ambient dimension, at least 2.
public func vonMisesFisher(
  _ function: ConcentrationFunction, dimension: Int, _ concentration: Tensor
) -> Tensor { .special(.concentration(function, dimension: Double(dimension)), [concentration]) }

/// log I_v(x) of the modified Bessel function of the first kind, for 0 <= x <= 1e12.
public func logBessel(order: Double, _ x: Tensor) -> Tensor {
  order >= -0.5
    ? .special(.logBessel(order: order), [x])
    : .invalid("a Bessel function has an order of at least -1/2, not \(order)", [x])
}

/// log Φ(x) of the standard normal distribution function, accurate in both tails.
public func logNormalDistribution(_ x: Tensor) -> Tensor { .special(.logNormal, [x]) }

extension Tensor {
  package static func special(_ function: Special, _ x: [Tensor]) -> Tensor {
    Tensor(.special(function), x, x.first?.shape ?? [])
  }

  /// Draws of the angle θ in [0, π] between a von Mises-Fisher draw and its mean direction, new at each
  /// run: of the concentrations' shape.
  ///
  /// By Wood's rejection (1994); the gradient in the concentration is the exact pathwise one, the draw's
  /// place in the distribution being held, and not that through the proposal.
  ///
  /// - Parameters:
  ///   - concentration: κ, from 0 to 1e12.
  ///   - dimension: d, the ambient dimension, at least 2.
  ///   - name: See `normal`; so is `keys`.
  public static func vonMisesFisherAngle(
    _ concentration: Tensor, dimension: Int, _ name: String, keys: Tensor? = nil
  ) -> Tensor {
    guard (2...1_000_000_000).contains(dimension) else {
      return .invalid("a sphere lies in at least 2 dimensions, not \(dimension)", [concentration])
    }
    let shape = concentration.shape
    if let keys, shape.isEmpty || keys.shape != [shape[0], 4] {
      return .invalid(
        "draw \(name) of shape \(shape) has keys of shape \(keys.shape), not [rows, 4]", [keys])
    }
    return Tensor(
      .angle(dimension: dimension, name: name), [concentration] + (keys.map { [$0] } ?? []), shape)
  }
}

/// The cotangents of the inputs of `y`, a special function of `x`, given that of `y`.
func specialPullback(_ function: Special, _ x: [Tensor], _ y: Tensor, _ g: Tensor) -> [Tensor?] {
  func special(_ other: Special) -> Tensor { .special(other, x) }
  switch function {
  case .logBessel(let order):
    let ratio = special(.concentration(.ratio, dimension: 2 * order + 2))
    return [g * (order == 0 ? ratio : ratio + order / x[0])]
  case .concentration(let moment, let d):
    func other(_ moment: ConcentrationFunction) -> Tensor {
      special(.concentration(moment, dimension: d))
    }
    switch moment {
    case .excess: return [-g * other(.complement)]
    case .ratio: return [g * other(.slope)]
    case .complement: return [-g * other(.slope)]
    case .slope: return [g * other(.curvature)]
    case .divergence: return [g * x[0] * other(.slope)]
    case .curvature:
      // From A' = 1 - A² - (d - 1) A/κ, twice; it loses digits where κ is small.
      let (a, slope, k) = (other(.ratio), other(.slope), x[0])
      let rest = (y - 2 * slope / k + 2 * a / k.squared()) / k
      return [g * (-2 * slope.squared() - 2 * a * y - (d - 1) * rest)]
    }
  case .angleSlope(let d):
    // From P f = ∫ (A - s) f ds with P = dw/dκ = -sin θ dθ/dκ.
    let (k, theta) = (x[0], x[1])
    let a = Tensor.special(.concentration(.ratio, dimension: Double(d)), [k])
    return [
      g * special(.angleSlopeRate(dimension: d)),
      g * (a - cos(theta) + y * angleFactor(k, theta, d)),
    ]
  case .angleSlopeRate(let d):
    let (k, theta) = (x[0], x[1])
    let slope = Tensor.special(.concentration(.slope, dimension: Double(d)), [k])
    let first = special(.angleSlope(dimension: d))
    return [
      .invalid("a von Mises-Fisher draw has no third derivative in its concentration here"),
      g * (slope + first * sin(theta) + y * angleFactor(k, theta, d)),
    ]
  case .logNormal: return [g * special(.logNormalSlope)]
  case .logNormalSlope: return [g * special(.logNormalCurvature)]
  case .logNormalCurvature:
    // y = -m (m + x), with m the derivative.
    let m = special(.logNormalSlope)
    return [-g * (y * (m + x[0]) + m * (y + 1))]
  }
}

/// κ sin θ - (d - 2) cot θ.
private func angleFactor(_ k: Tensor, _ theta: Tensor, _ d: Int) -> Tensor {
  let pull = k * sin(theta)
  return d == 2 ? pull : pull - Double(d - 2) * cos(theta) / sin(theta)
}
