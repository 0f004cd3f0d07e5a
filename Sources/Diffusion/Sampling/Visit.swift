import TensorCore

/// One evaluation of a network by a sampler, and the state that follows from it.
///
/// x' = a x_base + b x̂_0 + c x̂_0' + σ z, where x̂_0 is the estimate at the current state, x̂_0' the
/// one before it, and z fresh noise. The base is the state at the start of a step: that of the
/// visit before if that was a trial, and the current one otherwise.
public struct Visit: Equatable, Sendable {
  /// The path's time of the evaluation, from 1 down.
  public let time: Double
  /// The noise level there.
  public let level: NoiseLevel
  /// The time and level that the new state is for.
  public let next: (time: Double, level: NoiseLevel)
  /// a, the factor of the base.
  public let base: Double
  /// b, the factor of the estimate of x_0.
  public let estimate: Double
  /// c, the factor of the estimate before it.
  public var previous = 0.0
  /// σ, the factor of fresh noise, which is the standard deviation of the new state.
  public var fresh = 0.0
  /// True if the new state is only for the next evaluation, and the base stays.
  public var isTrial = false

  /// Creates a visit.
  init(
    _ time: Double, _ level: NoiseLevel, next: (time: Double, level: NoiseLevel), base: Double,
    estimate: Double
  ) {
    (self.time, self.level, self.next) = (time, level, next)
    (self.base, self.estimate) = (base, estimate)
  }

  /// True if times, levels and factors are equal.
  public static func == (a: Visit, b: Visit) -> Bool {
    a.time == b.time && a.level == b.level && a.next == b.next && a.base == b.base
      && a.estimate == b.estimate && a.previous == b.previous && a.fresh == b.fresh
      && a.isTrial == b.isTrial
  }
}

extension [Visit] {
  /// Carries a state along the visits, in any arithmetic.
  ///
  /// - Parameters:
  ///   - start: x at the first visit's level.
  ///   - step: Gives the new state of a visit and the estimate of x_0, from the current state, the
  ///     base and the estimate of the visit before.
  package func run<State>(
    from start: State,
    _ step: (_ visit: Visit, _ state: State, _ base: State, _ previous: State) throws
      -> (state: State, estimate: State)
  ) rethrows -> State {
    var (state, base, previous) = (start, start, start)
    for visit in self {
      let result = try step(visit, state, base, previous)
      (state, previous) = (result.state, result.estimate)
      if !visit.isTrial { base = state }
    }
    return state
  }
}
