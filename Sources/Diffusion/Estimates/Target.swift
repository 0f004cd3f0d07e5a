import TensorCore

/// The quantity that a network estimates from x = a x_0 + s ε, where a² + s² = 1.
///
/// Each gives the others at fixed x.
public enum Target: String, CaseIterable, Sendable {
  /// ε (Ho et al. 2020, eq. 14).
  case noise
  /// x_0.
  case x0
  /// v = a ε - s x_0 (Salimans and Ho 2022, appendix D).
  case v
  /// u = ε - x_0, the velocity of the straight path (Liu et al. 2023, eq. 1) at the same ratio of
  /// data to noise.
  case velocity
  /// The log-odds of each number of x_0 being 1 and not -1, without the evidence of that number of
  /// x itself: x_0 = tanh(a x/s² + f), half of the log-odds being f.
  ///
  /// The posterior of a number that is -1 or 1, given its own noised value, is known exactly; the
  /// network adds what the others tell.
  case bits

  /// True if x_0 is an affine function of the output.
  public var isAffine: Bool { self != .bits }

  /// The target's value for x_0 and ε; for bits, x_0 itself.
  ///
  /// - Parameters:
  ///   - signal: a, of a shape that broadcasts to that of x_0.
  ///   - noise: s, of such a shape.
  package func value(_ x0: Tensor, _ epsilon: Tensor, _ signal: Tensor, _ noise: Tensor) -> Tensor {
    switch self {
    case .noise: epsilon
    case .x0, .bits: x0
    case .v: signal * epsilon - noise * x0
    case .velocity: epsilon - x0
    }
  }

  /// The estimate of the target that a network's output is; for bits, that of x_0.
  package func estimate(_ output: Tensor, _ x: Tensor, _ signal: Tensor, _ noise: Tensor) -> Tensor
  {
    self == .bits ? tanh(signal / noise.squared() * x + output) : output
  }

  /// x_0 from a network's output.
  ///
  /// From noise it exists only where a is not 0; see `NoisePath.smallestSignal`.
  package func clean(_ output: Tensor, _ x: Tensor, _ signal: Tensor, _ noise: Tensor) -> Tensor {
    switch self {
    case .noise: (x - noise * output) / signal
    case .x0: output
    case .v: signal * x - noise * output
    case .velocity: (x - noise * output) / (signal + noise)
    case .bits: estimate(output, x, signal, noise)
    }
  }

  /// ε from a network's output; s is not 0.
  package func epsilon(_ output: Tensor, _ x: Tensor, _ signal: Tensor, _ noise: Tensor) -> Tensor {
    switch self {
    case .noise: output
    case .x0, .bits: (x - signal * clean(output, x, signal, noise)) / noise
    case .v: noise * x + signal * output
    case .velocity: (x + signal * output) / (signal + noise)
    }
  }

  /// The factor k in |target - estimate|² = k |x_0 - x̂_0|² at fixed x.
  package func errorFactor(_ level: NoiseLevel) -> Double {
    let ratio = level.signalToNoise
    return switch self {
    case .noise: ratio
    case .x0, .bits: 1
    case .v: 1 + ratio
    case .velocity: (1 + ratio.squareRoot()) * (1 + ratio.squareRoot())
    }
  }
}
