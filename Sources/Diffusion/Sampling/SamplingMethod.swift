/// A method of drawing samples.
public enum SamplingMethod: Equatable, Sendable {
  /// The reverse chain of Ho et al. 2020 (algorithm 2), with either of the variances of its §3.2.
  case ancestral(Variance)
  /// The implicit model of Song et al. 2021 (eq. 12 and 16): eta 0 adds no noise along the way, eta
  /// 1 is the ancestral chain with the posterior variance.
  ///
  /// With eta 0 it is Euler's method for the velocity of the straight path.
  case ddim(eta: Double)
  /// Heun's method of second order for the velocity of the straight path, two evaluations a step and
  /// one in the last (the steps of Karras et al. 2022, algorithm 1, in other coordinates).
  case heun
  /// DPM-Solver++(2M) of second order, one evaluation a step (Lu et al. 2022, arXiv 2211.01095,
  /// algorithm 2).
  case dpmSolver

  /// Euler's method for the velocity of the straight path.
  public static let euler = SamplingMethod.ddim(eta: 0)

  /// Number of visits in `steps` steps.
  public func visits(inSteps steps: Int) -> Int { self == .heun ? 2 * steps - 1 : steps }

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
