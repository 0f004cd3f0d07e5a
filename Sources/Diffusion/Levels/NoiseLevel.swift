import TensorCore

/// The amounts of data and of noise in x = a x_0 + s ε, with a² + s² = 1.
///
/// Any pair (a, s) has such a form, with the same ratio: x divided by √(a² + s²). Networks and
/// samplers see it only, so that one network serves the straight path of flow matching, too.
public struct NoiseLevel: Equatable, Sendable {
  /// a, the factor of the data.
  public let signal: Double
  /// s, the factor of the noise.
  public let noise: Double

  /// No noise.
  public static let clean = NoiseLevel(signal: 1, noise: 0)

  /// Creates the level of two factors, dividing them by √(a² + s²).
  ///
  /// - Parameters:
  ///   - signal: a, at least 0.
  ///   - noise: s, at least 0; not both are 0.
  public init(signal: Double, noise: Double) {
    let size = (signal * signal + noise * noise).squareRoot()
    // Exact for factors that have this form already.
    let isNormal = abs(size - 1) < 1e-12
    (self.signal, self.noise) = isNormal ? (signal, noise) : (signal / size, noise / size)
  }

  /// Creates the level with the given log a/s.
  public init(logRatio: Double) {
    // Neither factor cancels: a² = 1/(1 + e^-2λ), s² = 1/(1 + e^2λ).
    signal = (1 / (1 + (-2 * logRatio).exponential)).squareRoot()
    noise = (1 / (1 + (2 * logRatio).exponential)).squareRoot()
  }

  /// λ = log a/s, half of the logarithm of the signal-to-noise ratio a²/s².
  public var logRatio: Double {
    signal == 0 ? -.infinity : noise == 0 ? .infinity : (signal / noise).logarithm
  }

  /// The signal-to-noise ratio a²/s².
  public var signalToNoise: Double { signal * signal / (noise * noise) }

  /// s/(a + s), the time of the straight path of flow matching at the same ratio: 0 without noise,
  /// 1 without data.
  public var straightTime: Double { noise / (signal + noise) }
}
