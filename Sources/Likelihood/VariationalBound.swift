import Diffusion
import Distributions
import Glibc
import Support
import TensorCore

/// The distribution p(x_0|x_1) of a diffusion model, which decides for which quantity its bound
/// holds.
package enum LastStep: String, Equatable, Sendable {
  /// A density: N(μ(x_1), σ_1²).
  case density
  /// The probability of zeros and ones, which models see as -1 and 1: P(1|x_1) = Φ(μ/σ_1).
  case bits
  /// The probability of 256 levels from -1 to 1 (Ho et al. 2020, eq. 13): that of an interval
  /// around each; the outermost intervals are unbounded.
  case levels
}

/// The variational bound of a diffusion model's log p(x_0), with its terms.
///
/// After Ho et al. 2020, eq. 5: -log p(x_0) <= L_T + Σ_{t=2}^T L_t + L_0. L_T and all terms that do
/// not depend on the network are summed exactly. K squared errors are drawn per example, stratified
/// in t (`TimeStrata`), each weighted by the inverse of the probability of its t. L_0 has ⌈K/8⌉
/// draws of its own. Computed in fp32 with sums in double precision.
package final class VariationalBound: Estimating {
  /// K, the number of draws of (t, ε) per example.
  package let draws: Int
  private let schedule: NoiseSchedule
  private let lastStep: LastStep
  private let variances: [ReverseVariance]
  private let times: TimeStrata
  private let width: Int
  private let program: BatchedProgram
  private let x, index, keys: Tensor
  private let gap, error: Tensor

  /// - Parameters:
  ///   - schedule: The levels of the chain.
  ///   - draws: K, at least 1.
  ///   - variances: Reverse variances; each gives an estimate, from the same draws.
  ///   - batch: Examples computed at once; rounded up to a multiple of 4, see `BatchedProgram`.
  ///   - clip: The range to which the estimate of x_0 is clipped; clipping is then part of the
  ///     model.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` for fewer than one draw, for a class-conditional model, or if the
  ///   model's expressions are invalid.
  package init(
    _ denoiser: Denoiser, _ schedule: NoiseSchedule, _ runtime: Runtime, draws: Int,
    lastStep: LastStep,
    variances: [ReverseVariance], batch: Int? = nil, clip: ClosedRange<Double>? = nil,
    weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    guard draws >= 1 else { throw TensorError("K must be at least 1, not \(draws)") }
    guard denoiser.classes == nil else {
      throw TensorError("a class-conditional model has no bound of log p(x)")
    }
    (self.draws, self.schedule, self.lastStep, self.variances) = (
      draws, schedule, lastStep, variances
    )
    times = TimeStrata(schedule)
    width = denoiser.shape.reduce(1, *)
    let batch = BatchedProgram.batch(
      atLeast: batch ?? (denoiser.shape.count == 1 ? 1024 : 64))
    let x = Tensor.input("x", [batch] + denoiser.shape)
    let index = Tensor.input("index", [batch])
    let keys = Tensor.seeds("keys", batch)
    (self.x, self.index, self.keys) = (x, index, keys)
    let noise = Tensor.normal(x.shape, "noise", keys: keys)
    func gather(_ value: (Int) -> Double) -> Tensor {
      let column = [schedule.times] + [Int](repeating: 1, count: x.rank - 1)
      return Tensor.literal((1...schedule.times).map(value), column).gather(index)
    }
    let (signal, deviation) = (gather { schedule.alphaBar[$0] }, gather { schedule.betaBar[$0] })
    let estimate = denoiser.estimate(
      signal * x + deviation * noise, signal: signal, noise: deviation,
      time: gather { denoiser.networkTime($0, of: schedule) }.reshape([batch]))
    var difference = noise - estimate.noise
    if let clip {
      let clipped = minimum(maximum(estimate.clean, clip.lowerBound), clip.upperBound)
      difference = gather { schedule.alphaBar[$0] / schedule.betaBar[$0] } * (clipped - x)
    }
    gap = weights(difference)
    error = weights(difference.squared().sum(over: 1...))
    program = BatchedProgram(
      try runtime.compile("likelihood", [gap, error], sharesDraws: true), batch: batch)
  }

  private var lastDraws: Int { (draws + 7) / 8 }

  /// Number of passes, each over one batch.
  package func steps(count: Int) -> Int {
    program.batches(of: count).count * (draws + lastDraws)
  }

  /// One estimate for each of the variances, in their order.
  package func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate] {
    let start = ContinuousClock.now
    let count = examples.keys.count
    let zeros = [Double](repeating: 0, count: count)
    let prior = (0..<count).map { row in
      let square = examples.values[row * width..<(row + 1) * width]
        .reduce(0) { $0 + Double($1) * Double($1) }
      return schedule.priorTerm(dimensions: width, square: square)
    }
    var middle = [[Double]](repeating: zeros, count: variances.count)
    var last = middle
    let factors = variances.map { variance in
      (0...schedule.times).map {
        $0 < 2 ? 0 : schedule.boundFactor($0, standardDeviation: variance.standardDeviation($0))
      }
    }
    try sweep(examples, report) { row, t, frequency, error in
      for v in variances.indices { middle[v][row] += factors[v][t] * error / frequency }
    } last: { row, error, gap in
      for (v, variance) in variances.enumerated() {
        last[v][row] +=
          lastTerm(error, gap, examples.values, row * width, variance.standardDeviation(1))
          / Double(lastDraws)
      }
    }
    let time = (ContinuousClock.now - start).seconds
    return variances.enumerated().map { v, variance in
      let constant =
        Double(width)
        * (2...schedule.times).reduce(0) {
          $0 + schedule.boundConstant($1, standardDeviation: variance.standardDeviation($1))
        }
      let values = (0..<count).map { -prior[$0] - middle[v][$0] - constant - last[v][$0] }
      return Estimate(
        .vlb, variant: variance.name, samples: draws, values: values,
        terms: [
          ("L_T", Statistic(prior).mean), ("sum L_t", Statistic(middle[v]).mean + constant),
          ("L_0", Statistic(last[v]).mean),
        ], seconds: time)
    }
  }

  /// E|ε - ε̂|²/D by t, from index 0 for t = 1, over all examples.
  ///
  /// Times that were not drawn are interpolated between their neighbours.
  package func errors(of examples: Examples, report: (Int) throws -> Void) throws -> [Double] {
    var sums = [Double](repeating: 0, count: schedule.times)
    var counts = sums
    func add(_ t: Int, _ error: Double) {
      sums[t - 1] += error / Double(width)
      counts[t - 1] += 1
    }
    try sweep(examples, report) { _, t, _, error in
      add(t, error)
    } last: { _, error, _ in
      add(1, error)
    }
    var known = sums.indices.filter { counts[$0] > 0 }.makeIterator()
    var (before, after) = (0, known.next() ?? 0)
    return sums.indices.map { i in
      while after < i, let next = known.next() { (before, after) = (after, next) }
      if after < i { before = after }
      func mean(_ place: Int) -> Double { sums[place] / max(1, counts[place]) }
      guard before < i, i < after else { return mean(i >= after ? after : before) }
      let share = Double(i - before) / Double(after - before)
      return mean(before) + share * (mean(after) - mean(before))
    }
  }

  /// Draws squared errors: K per example at times from 2 to T, then those at t = 1.
  ///
  /// `middle` is called with K times the probability of t, `last` with the error of each number.
  private func sweep(
    _ examples: Examples, _ report: (Int) throws -> Void,
    middle: (_ row: Int, _ t: Int, _ frequency: Double, _ error: Double) -> Void,
    last: (_ row: Int, _ error: Double, _ gap: [Float]) -> Void
  ) throws {
    var done = 0
    let batches = program
    let program = batches.program
    try examples.forEachBatch(of: batches, x, keys) { batch in
      let (first, rows) = (batch.lowerBound, batch.count)
      for draw in 0..<draws {
        let drawn = examples.keys[batch].map { times.time(draw, of: draws, key: $0) }
        try batches.fill(.values(index, drawn.map { Float($0 - 1) }), 0..<rows)
        program.run(at: UInt64(draw))
        try program.read(error) { span in
          for row in 0..<rows {
            let frequency = Double(draws) * times.probability(drawn[row])
            middle(first + row, drawn[row], frequency, Double(span[row]))
          }
        }
        done += 1
        try report(done)
      }
      try program.fill(index, with: [Float](repeating: 0, count: batches.batch))
      for draw in 0..<lastDraws {
        program.run(at: UInt64(draws + draw))
        let gaps = try program.values(gap)
        try program.read(error) { span in
          for row in 0..<rows {
            last(first + row, Double(span[row]), Array(gaps[row * width..<(row + 1) * width]))
          }
        }
        done += 1
        try report(done)
      }
    }
  }

  /// -log p(x_0|x_1) in nats, where μ(x_1) = x_0 + β_1/α_1 (ε - ε̂).
  private func lastTerm(
    _ error: Double, _ gap: [Float], _ values: [Float], _ first: Int, _ deviation: Double
  ) -> Double {
    let scale = schedule.errorScale(1)
    func mean(_ i: Int) -> Double { Double(values[first + i]) + scale * Double(gap[i]) }
    switch lastStep {
    case .density:
      let variance = deviation * deviation
      return Double(width) / 2 * log(2 * .pi * variance)
        + scale * scale * error / (2 * variance)
    case .bits:
      return -gap.indices.reduce(0) { sum, i in
        let sign: Double = values[first + i] > 0 ? 1 : -1
        return sum + logNormalDistribution(sign * mean(i) / deviation)
      }
    case .levels:
      return -gap.indices.reduce(0) { sum, i in
        let value = Double(values[first + i])
        let upper = value > 0.999 ? .infinity : (value + 1.0 / 255 - mean(i)) / deviation
        let lower = value < -0.999 ? -.infinity : (value - 1.0 / 255 - mean(i)) / deviation
        return sum + logProbability(from: lower, to: upper)
      }
    }
  }
}

/// log(Φ(upper) - Φ(lower)), computed in the tail that loses no digits.
private func logProbability(from lower: Double, to upper: Double) -> Double {
  if lower > 0 { return logProbability(from: -upper, to: -lower) }
  let larger = upper == .infinity ? 0 : logNormalDistribution(upper)
  guard lower > -.infinity else { return larger }
  return larger + log1p(-exp(logNormalDistribution(lower) - larger))
}

extension Denoiser {
  /// The network's time at the level of a schedule's whole time t.
  fileprivate func networkTime(_ t: Int, of schedule: NoiseSchedule) -> Double {
    path.schedule == schedule
      ? Double(t - 1) : path.networkTime(at: path.time(atLogRatio: schedule.level(t).logRatio))
  }
}
