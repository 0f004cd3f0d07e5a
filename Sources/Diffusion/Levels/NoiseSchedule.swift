import TensorCore

/// A noise schedule: the amounts of data and of noise at each time from 1 to T.
///
/// In the notation of Su (kexue.fm/archives/9119), where α² + β² = 1: x_t = α_t x_{t-1} + β_t ε and
/// x_t = ᾱ_t x_0 + β̄_t ε. Ho et al. 2020 write β_t, α_t and ᾱ_t for the squares of these. Each
/// column is computed in Double and indexed by t, from t = 0, where no noise has been added.
public struct NoiseSchedule: Equatable, Sendable {
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

  /// Creates a schedule from the variances β_t² for t from 1 to T, each from 0 to 1.
  ///
  /// - Throws: `TensorError` for fewer than 10 times or more than 100,000.
  public init(variances: [Double]) throws {
    try Self.check(times: variances.count)
    times = variances.count
    alpha = [1] + variances.map { (1 - $0).squareRoot() }
    beta = [0] + variances.map { $0.squareRoot() }
    var (signal, noise) = ([1.0], [0.0])
    for v in variances {
      // β̄² by its own recurrence: 1 - ᾱ² would cancel at small t.
      signal.append(signal[signal.count - 1] * (1 - v).squareRoot())
      noise.append(noise[noise.count - 1] * (1 - v) + v)
    }
    alphaBar = signal
    betaBar = noise.map { $0.squareRoot() }
  }

  /// Creates the schedule of T levels of a path, at its times from 1/T to 1 or to the last at which
  /// x_0 can be estimated.
  ///
  /// - Throws: `TensorError` for fewer than 10 times or more than 100,000.
  public init(along path: NoisePath, times: Int) throws {
    try Self.check(times: times)
    let last = path.usefulTimes().upperBound
    let levels =
      [NoiseLevel.clean]
      + (1...times).map { path.level(at: last * Double($0) / Double(times)) }
    self.times = times
    alphaBar = levels.map(\.signal)
    betaBar = levels.map(\.noise)
    alpha = [1] + zip(levels, levels.dropFirst()).map { $1.signal / $0.signal }
    // β_t² = β̄_t² (1 - (SNR_t/SNR_{t-1})), which does not cancel where the stride is short.
    beta =
      [0]
      + zip(levels, levels.dropFirst()).map { before, after in
        before.noise == 0
          ? after.noise
          : after.noise
            * (-(2 * (after.logRatio - before.logRatio)).exponentialMinusOne).squareRoot()
      }
  }

  /// - Throws: `TensorError` for fewer than 10 times or more than 100,000.
  package static func check(times: Int) throws {
    guard (10...100_000).contains(times) else {
      throw TensorError("a noise schedule needs 10 to 100000 times, not \(times)")
    }
  }

  /// The level at the whole time t, from 0 to T.
  public func level(_ t: Int) -> NoiseLevel {
    NoiseLevel(signal: alphaBar[t], noise: betaBar[t])
  }

  /// β̃_t = β̄_{t-1} β_t / β̄_t, for t from 1 to T: the standard deviation of x_{t-1} given x_t and
  /// x_0.
  ///
  /// Ho et al. 2020, eq. 7.
  public func posteriorStandardDeviation(_ t: Int) -> Double {
    betaBar[t - 1] * beta[t] / betaBar[t]
  }
}
