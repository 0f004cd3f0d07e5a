import TensorCore

/// Noise levels as a function of a real time t, from 0 without noise to 1.
///
/// The logarithm of the signal-to-noise ratio falls as t grows.
public struct NoisePath: Equatable, Sendable {
  /// The kinds of paths.
  enum Form: Equatable, Sendable {
    case cosine, straight
    case edm(smallest: Double, largest: Double)
    case schedule(InterpolatedSchedule)
  }

  let form: Form

  /// The quarter of a circle, a = cos πt/2 and s = sin πt/2.
  ///
  /// Nichol and Dhariwal 2021, eq. 17, without their offset.
  public static let cosine = NoisePath(form: .cosine)

  /// The straight path of flow matching, x = (1 - t) x_0 + t ε.
  ///
  /// Lipman et al. 2023, eq. 22; Liu et al. 2023, eq. 1.
  public static let straight = NoisePath(form: .straight)

  /// The levels of EDM, s/a from `smallest` to `largest` and its seventh root linear in t.
  ///
  /// Karras et al. 2022, eq. 5.
  ///
  /// - Parameters:
  ///   - smallest: s/a at t = 0, above 0.
  ///   - largest: s/a at t = 1, above the smallest.
  public static func edm(smallest: Double = 0.002, largest: Double = 80) -> NoisePath {
    NoisePath(form: .edm(smallest: smallest, largest: largest))
  }

  /// Creates the path through the levels of a discrete schedule, at t from 1/T to 1, with a monotone
  /// interpolation of log a/s between them.
  public init(_ schedule: NoiseSchedule) { form = .schedule(InterpolatedSchedule(schedule)) }

  private init(form: Form) { self.form = form }

  /// The discrete schedule that is interpolated, or nil.
  public var schedule: NoiseSchedule? {
    if case .schedule(let interpolated) = form { interpolated.schedule } else { nil }
  }

  /// The level at time t, from 0 to 1.
  public func level(at t: Double) -> NoiseLevel {
    switch form {
    case .cosine:
      // The cosine of the float nearest to π/2 is 6e-17, not 0.
      t >= 1
        ? NoiseLevel(signal: 0, noise: 1)
        : NoiseLevel(signal: (t * .pi / 2).cosine, noise: (t * .pi / 2).sine)
    case .straight: NoiseLevel(signal: 1 - t, noise: t)
    case .edm(let smallest, let largest):
      NoiseLevel(signal: 1, noise: Self.ratio(t, smallest, largest))
    case .schedule(let interpolated): interpolated.level(at: t)
    }
  }

  private static func ratio(_ t: Double, _ smallest: Double, _ largest: Double) -> Double {
    let (low, high) = ((smallest.logarithm / 7).exponential, (largest.logarithm / 7).exponential)
    let root = low + t * (high - low)
    return root * root * root * root * root * root * root
  }

  /// The time at which log a/s has the given value, found by bisection; the nearest end if none has.
  public func time(atLogRatio value: Double) -> Double {
    var (low, high) = (schedule.map { 1 / Double($0.times) } ?? 0.0, 1.0)
    if level(at: high).logRatio >= value { return high }
    if level(at: low).logRatio <= value { return low }
    for _ in 0..<200 {
      let middle = (low + high) / 2
      guard low < middle, middle < high else { break }
      if level(at: middle).logRatio >= value { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// The time that networks receive: t - 1 of a schedule's whole times, and 1000 t otherwise.
  public func networkTime(at t: Double) -> Double {
    schedule.map { t * Double($0.times) - 1 } ?? 1000 * t
  }

  /// The times at which a network is useful: from the least noise that matters to the least data
  /// from which x_0 can be estimated.
  ///
  /// - Parameter smallestNoise: The smallest s; a schedule begins at its first time regardless.
  public func usefulTimes(smallestNoise: Double = 0.002) -> ClosedRange<Double> {
    let (first, last) = (smallestNoise, Self.smallestSignal)
    let lower = max(
      schedule.map { 1 / Double($0.times) } ?? 0,
      time(atLogRatio: ((1 - first * first).squareRoot() / first).logarithm))
    return
      lower...max(
        lower, time(atLogRatio: (last / (1 - last * last).squareRoot()).logarithm))
  }

  /// The smallest a at which an estimate of the noise still gives one of x_0 in single precision.
  public static let smallestSignal = 0.005
}
