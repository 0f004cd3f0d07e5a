import TensorCore

/// A method of drawing samples.
public enum SamplingMethod: Equatable, Sendable {
  /// The reverse chain of Ho et al. 2020 (algorithm 2), with either of the variances of its §3.2.
  case ancestral(Variance)
  /// The implicit model of Song et al. 2021 (eq. 12 and 16): eta 0 adds no noise along the way, eta
  /// 1 is the ancestral chain with the posterior variance.
  case ddim(eta: Double)

  /// The standard deviation of x_{t-1} given x_t; it is 0 in the last step.
  ///
  /// If times are skipped, β_t and β̃_t are those of the whole stride.
  public enum Variance: String, CaseIterable, Sendable {
    /// σ_t = β_t, which is exact for data of unit variance.
    case beta
    /// σ_t = β̃_t, which is exact for data that are a single point.
    case posterior
  }
}

/// One reverse step: x_s = a x_t + b ε̂ + c z, where ε̂ is the estimated noise and z is fresh
/// noise.
public struct ReverseStep: Equatable, Sendable {
  /// t, from T down to 1.
  public let time: Int
  /// s, the next step's t, or 0 at the end.
  public let next: Int
  /// The factor of x_t.
  public let a: Double
  /// The factor of the estimated noise.
  public let b: Double
  /// The factor of fresh noise, which is the standard deviation of x_s given x_t.
  public let c: Double
}

extension NoiseSchedule {
  /// The times that a sampler of `steps` steps visits, `steps` + 1 in all.
  ///
  /// The first time is `start` (T by default), the last is 0; the spacing is as even as whole
  /// numbers allow.
  ///
  /// - Throws: `TensorError` unless start is 1 ... T, and steps 1 ... start.
  public func visitedTimes(steps: Int, from start: Int? = nil) throws -> [Int] {
    guard (1...times).contains(start ?? times) else {
      throw TensorError("a sampler must start at a time from 1 to \(times), not \(start ?? times)")
    }
    let times = start ?? times
    guard (1...times).contains(steps) else {
      throw TensorError("a sampler takes 1 to \(times) steps, not \(steps)")
    }
    return (0...steps).reversed().map { ($0 * times * 2 + steps) / (2 * steps) }
  }

  /// The steps of a sampler, in the order they are taken.
  ///
  /// - Throws: `TensorError` unless start is 1 ... T, steps 1 ... start, and eta 0 ... 1.
  public func reverseSteps(
    _ method: SamplingMethod, steps: Int, from start: Int? = nil
  ) throws -> [ReverseStep] {
    if case .ddim(let eta) = method, !(eta >= 0 && eta <= 1) {
      throw TensorError("eta must be from 0 to 1, not \(eta)")
    }
    let visited = try visitedTimes(steps: steps, from: start)
    return zip(visited, visited.dropFirst()).map { t, s in
      switch method {
      case .ancestral(let variance): ancestral(t, s, variance)
      case .ddim(let eta): ddim(t, s, eta)
      }
    }
  }

  // x_s = (x_t - β²/β̄_t ε̂)/α + σ z (Ho et al. 2020, algorithm 2), α and β of the stride.
  private func ancestral(_ t: Int, _ s: Int, _ variance: SamplingMethod.Variance) -> ReverseStep {
    let (alpha, beta) = stride(from: s, to: t)
    let sigma =
      switch variance {
      case .beta: s == 0 ? 0 : beta
      case .posterior: beta * betaBar[s] / betaBar[t]
      }
    return ReverseStep(
      time: t, next: s, a: 1 / alpha, b: -beta * beta / (betaBar[t] * alpha), c: sigma)
  }

  // x_s = ᾱ_s x̂_0 + sqrt(β̄_s² - σ²) ε̂ + σ z with x̂_0 = (x_t - β̄_t ε̂)/ᾱ_t (Song et al. 2021,
  // eq. 12), and σ = η β̃ (eq. 16).
  private func ddim(_ t: Int, _ s: Int, _ eta: Double) -> ReverseStep {
    let (alpha, beta) = stride(from: s, to: t)
    let sigma = eta * beta * betaBar[s] / betaBar[t]
    let rest = max(0, betaBar[s] * betaBar[s] - sigma * sigma).squareRoot()
    return ReverseStep(time: t, next: s, a: 1 / alpha, b: rest - betaBar[t] / alpha, c: sigma)
  }

  // α and β in x_t = α x_s + β ε. β² by recurrence: 1 - α² would cancel where the stride is short.
  private func stride(from s: Int, to t: Int) -> (alpha: Double, beta: Double) {
    var (signal, noise) = (1.0, 0.0)
    for i in s + 1...t {
      signal *= alpha[i]
      noise = noise * alpha[i] * alpha[i] + beta[i] * beta[i]
    }
    return (signal, noise.squareRoot())
  }
}
