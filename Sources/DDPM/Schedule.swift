import TensorCore

/// A noise schedule: the amounts of data and of noise at each time from 1 to T.
///
/// In the notation of Su (kexue.fm/archives/9119), where α² + β² = 1: x_t = α_t x_{t-1} + β_t ε and
/// x_t = ᾱ_t x_0 + β̄_t ε. Ho et al. 2020 write β_t, α_t and ᾱ_t for the squares of these. Each
/// column is computed in Double and indexed by t, from t = 0, where no noise has been added.
public struct NoiseSchedule: Equatable, Sendable {
  /// The families of schedules.
  public enum Kind: String, CaseIterable, Sendable {
    /// β_t² = 0.02 t / T (Su).
    case su
    /// β_t² from 1e-4 to 0.02 in equal steps (Ho et al. 2020, §4).
    case linear
    /// ᾱ_t² = cos²((t/T + s)/(1 + s) π/2) over its value at t = 0, s = 0.008 (Nichol and Dhariwal
    /// 2021, eq. 17).
    case cosine
  }

  /// The family of the schedule.
  public let kind: Kind
  /// T, the number of times.
  public let times: Int
  /// α_t, from α_0 = 1.
  public let alpha: [Double]
  /// β_t, from β_0 = 0.
  public let beta: [Double]
  /// ᾱ_t, the product of α_1 to α_t, from ᾱ_0 = 1.
  public let alphaBar: [Double]
  /// β̄_t, the square root of 1 - ᾱ_t², from β̄_0 = 0.
  public let betaBar: [Double]

  /// Creates the schedule of a family with `times` times.
  ///
  /// The formulas of `su` and `linear` are for T = 1000; for another T, the variances β_t² are
  /// scaled by 1000 / T, so that x_T retains about as little of the data. No variance
  /// exceeds 0.999.
  ///
  /// - Throws: `TensorError` for fewer than 10 times or more than 100,000.
  public init(_ kind: Kind, times: Int) throws {
    guard (10...100_000).contains(times) else {
      throw TensorError("a noise schedule needs 10 to 100000 times, not \(times)")
    }
    let scale = 1000 / Double(times)
    func angle(_ t: Int) -> Double { (Double(t) / Double(times) + 0.008) / 1.008 * .pi / 2 }
    let variances: [Double] = (0...times).map { t in
      guard t > 0 else { return 0 }
      let variance =
        switch kind {
        case .su: 0.02 * scale * Double(t) / Double(times)
        case .linear: scale * (1e-4 + (0.02 - 1e-4) * Double(t - 1) / Double(times - 1))
        case .cosine:
          // 1 - cos²b/cos²a = sin(b - a) sin(b + a)/cos²a, which does not cancel.
          (angle(t) - angle(t - 1)).sine * (angle(t) + angle(t - 1)).sine
            / (angle(t - 1).cosine * angle(t - 1).cosine)
        }
      return min(variance, 0.999)
    }

    self.kind = kind
    self.times = times
    alpha = variances.map { (1 - $0).squareRoot() }
    beta = variances.map { $0.squareRoot() }
    var (signal, noise) = ([1.0], [0.0])
    for v in variances.dropFirst() {
      // β̄² by its own recurrence: 1 - ᾱ² would cancel at small t.
      signal.append(signal[signal.count - 1] * (1 - v).squareRoot())
      noise.append(noise[noise.count - 1] * (1 - v) + v)
    }
    alphaBar = signal
    betaBar = noise.map { $0.squareRoot() }
  }

  /// β̃_t = β̄_{t-1} β_t / β̄_t, for t from 1 to T: the standard deviation of x_{t-1} given x_t and
  /// x_0.
  ///
  /// Ho et al. 2020, eq. 7.
  public func posteriorStandardDeviation(_ t: Int) -> Double {
    betaBar[t - 1] * beta[t] / betaBar[t]
  }
}
