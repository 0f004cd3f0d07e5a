import TensorCore

extension NoisePath {
  /// The visits of a sampler, in the order they are made.
  ///
  /// - Parameters:
  ///   - steps: Number of steps; a step of Heun's method is two visits except the last.
  ///   - start: The time at which the sampler starts, or nil for the end of the path.
  ///   - smallestNoise: s of the last visit; a schedule's first time comes before it.
  /// - Throws: `TensorError` unless start is in the path, steps at least 1 and, for a schedule, at
  ///   most the number of times up to the start, and eta from 0 to 1.
  public func visits(
    _ method: SamplingMethod, steps: Int, from start: Double? = nil, smallestNoise: Double = 0.002
  ) throws -> [Visit] {
    if case .ddim(let eta) = method, !(eta >= 0 && eta <= 1) {
      throw TensorError("eta must be from 0 to 1, not \(eta)")
    }
    let times = try stepTimes(method, steps: steps, from: start, smallestNoise: smallestNoise)
    return visits(method, at: times)
  }

  /// The visits of a sampler at given times, from the first to the last, which may be 0.
  package func visits(_ method: SamplingMethod, at times: [Double]) -> [Visit] {
    let points = times.map { (time: $0, level: $0 == 0 ? .clean : level(at: $0)) }
    let strides = zip(points, points.dropFirst()).map { Stride(from: $0, to: $1) }
    switch method {
    case .ancestral(let variance): return strides.map { $0.ancestral(variance) }
    case .ddim(let eta): return strides.map { $0.ddim(eta) }
    case .heun: return strides.flatMap { $0.heun() }
    case .dpmSolver:
      return strides.indices.map { strides[$0].secondOrder(after: $0 == 0 ? nil : strides[$0 - 1]) }
    }
  }

  /// The times from the start to 0 between which steps are taken, `steps` + 1 in all.
  private func stepTimes(
    _ method: SamplingMethod, steps: Int, from start: Double?, smallestNoise: Double
  ) throws -> [Double] {
    let useful = usefulTimes(smallestNoise: smallestNoise)
    // Time 0 stands for no noise, also on a path that has some there.
    let least = max(useful.lowerBound, 1e-6)
    // Between less noise than the smallest and none there is nothing to divide by ratios.
    let isEvenInRatio = method == .dpmSolver && !((start ?? 1) <= least)
    if let schedule {
      let most = try schedule.wholeTime(start)
      guard (1...most).contains(steps) else {
        throw TensorError("a sampler takes 1 to \(most) steps, not \(steps)")
      }
      if !isEvenInRatio {
        // Whole times, as even as they can be.
        return (0...steps).reversed().map {
          Double(($0 * most * 2 + steps) / (2 * steps)) / Double(schedule.times)
        }
      }
    }
    guard steps >= 1 else { throw TensorError("a sampler takes at least 1 step, not \(steps)") }
    let start = start ?? 1
    guard start > 0, start <= 1 else {
      throw TensorError("a sampler must start at a time above 0 and at most 1, not \(start)")
    }
    if !isEvenInRatio { return (0...steps).reversed().map { start * Double($0) / Double(steps) } }
    let first = min(start, useful.upperBound)
    let last = min(first, least)
    let ends = (level(at: first).logRatio, level(at: last).logRatio)
    return [first]
      + (1..<max(1, steps)).map {
        let place = Double($0) / Double(steps - 1)
        return $0 == steps - 1 ? last : time(atLogRatio: ends.0 + place * (ends.1 - ends.0))
      } + [0]
  }
}

extension NoiseSchedule {
  /// The whole time of a path's time; T for nil.
  ///
  /// - Throws: `TensorError` unless it is 1 ... T.
  fileprivate func wholeTime(_ time: Double?) throws -> Int {
    guard let time else { return times }
    let whole = (time * Double(times)).rounded()
    guard whole >= 1, whole <= Double(times) else {
      throw TensorError("a sampler must start at a time from 1 to \(times), not \(whole)")
    }
    return Int(whole)
  }
}

/// A step of a sampler from one level to the next, with less noise.
private struct Stride {
  let from, to: (time: Double, level: NoiseLevel)

  /// λ of the next level over that of this one.
  private var rise: Double { to.level.logRatio - from.level.logRatio }

  private func visit(base: Double, estimate: Double) -> Visit {
    Visit(from.time, from.level, next: to, base: base, estimate: estimate)
  }

  /// β² of the stride in x_t = α x_s + β ε, over s_t²: 1 - SNR_t/SNR_s, which does not cancel where
  /// the stride is short.
  private var variance: Double {
    rise == .infinity ? 1 : -(-2 * rise).exponentialMinusOne
  }

  /// The mean of x_s given x_t and x̂_0, and noise of either variance.
  ///
  /// Ho et al. 2020, eq. 7.
  func ancestral(_ variance: SamplingMethod.Variance) -> Visit {
    let (a, s) = (to.level.signal, to.level.noise)
    // α s_s²/s_t² with α = a_t/a_s.
    let keep = a == 0 ? 0 : from.level.signal / a * (s / from.level.noise) * (s / from.level.noise)
    var visit = visit(base: keep, estimate: a * self.variance)
    let beta = from.level.noise * self.variance.squareRoot()
    visit.fresh =
      switch variance {
      case .beta: s == 0 ? 0 : beta
      case .posterior: beta * s / from.level.noise
      }
    return visit
  }

  /// The step x_s = a_s x̂_0 + √(s_s² - σ²) ε̂ + σ z with σ = η β̃ and ε̂ = (x_t - a_t x̂_0)/s_t.
  ///
  /// Song et al. 2021, eq. 12 and 16.
  func ddim(_ eta: Double) -> Visit {
    let sigma = eta * to.level.noise * variance.squareRoot()
    let rest = max(0, to.level.noise * to.level.noise - sigma * sigma).squareRoot()
    let keep = rest / from.level.noise
    var visit = visit(base: keep, estimate: to.level.signal - keep * from.level.signal)
    visit.fresh = sigma
    return visit
  }

  /// A trial step of Euler's method, and one with the mean of the velocities at both ends.
  ///
  /// In straight coordinates y = x/(a + s), whose time is r = s/(a + s), the velocity is
  /// ε̂ - x̂_0 = (y - x̂_0)/r.
  func heun() -> [Visit] {
    var trial = ddim(0)
    guard to.level.noise > 0 else { return [trial] }
    trial.isTrial = true
    let (r, q) = (from.level.straightTime, to.level.straightTime)
    let h = q - r
    // y' = y + h (y - x̂_0)/r is the trial's; then y + h/2 ((y - x̂_0)/r + (y' - x̂_0')/q).
    let keep = 1 + h / (2 * r) + h / (2 * q) * (1 + h / r)
    let old = -h / (2 * r) - h * h / (2 * q * r)
    let scale = to.level.signal + to.level.noise
    var corrected = Visit(
      to.time, to.level, next: to,
      base: scale * keep / (from.level.signal + from.level.noise),
      estimate: -scale * h / (2 * q))
    corrected.previous = scale * old
    return [trial, corrected]
  }

  /// x_i = s_i/s_{i-1} x_{i-1} - a_i expm1(-h_i) D with D = (1 + 1/2r) x̂_0 - 1/2r x̂_0' and
  /// r = h_{i-1}/h_i; of first order, D = x̂_0, in the first step and in the last, which ends without
  /// noise.
  func secondOrder(after before: Stride?) -> Visit {
    let factor = to.level.signal * (rise == .infinity ? 1 : -(-rise).exponentialMinusOne)
    var extrapolation = 0.0
    // A stride of many may round to none.
    if let before, before.rise > 0, rise < .infinity {
      extrapolation = rise / (2 * before.rise)
    }
    var visit = visit(
      base: to.level.noise / from.level.noise, estimate: factor * (1 + extrapolation))
    visit.previous = -factor * extrapolation
    return visit
  }
}
