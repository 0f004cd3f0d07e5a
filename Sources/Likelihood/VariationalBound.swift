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

/// The variational bound of a diffusion model's log p(x_0), with its terms; of log p(x_0|y), y being
/// the example's own class, for a class-conditional model.
///
/// After Ho et al. 2020, eq. 5: -log p(x_0) <= L_T + Σ_{t=2}^T L_t + L_0. L_T and all terms that do
/// not depend on the network are summed exactly. K squared errors are drawn per example, stratified
/// in t (`TimeStrata`), each weighted by the inverse of the probability of its t. L_0 has ⌈K/8⌉
/// draws of its own. Computed in fp32 with sums in double precision.
package final class VariationalBound: Estimating {
  /// K, the number of draws of (t, ε) per example.
  package let draws: Int
  /// Number of classes the model is conditioned on, or nil.
  package let classes: Int?
  let variances: [ReverseVariance]
  let program: BatchedProgram
  private let schedule: NoiseSchedule
  private let lastStep: LastStep
  private let times: TimeStrata
  private let width: Int
  private let x, index, keys, label: Tensor
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
  /// - Throws: `TensorError` for fewer than one draw, or if the model's expressions are invalid.
  package init(
    _ denoiser: Denoiser, _ schedule: NoiseSchedule, _ runtime: Runtime, draws: Int,
    lastStep: LastStep,
    variances: [ReverseVariance], batch: Int? = nil, clip: ClosedRange<Double>? = nil,
    weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    guard draws >= 1 else { throw TensorError("K must be at least 1, not \(draws)") }
    (self.draws, self.schedule, self.lastStep, self.variances) = (
      draws, schedule, lastStep, variances
    )
    classes = denoiser.classes
    times = TimeStrata(schedule)
    width = denoiser.shape.reduce(1, *)
    let batch = BatchedProgram.batch(
      atLeast: batch ?? (denoiser.shape.count == 1 ? 1024 : 64))
    let x = Tensor.input("x", [batch] + denoiser.shape)
    let index = Tensor.input("index", [batch])
    let keys = Tensor.seeds("keys", batch)
    let label = Tensor.input("label", [batch])
    (self.x, self.index, self.keys, self.label) = (x, index, keys, label)
    let noise = Tensor.normal(x.shape, "noise", keys: keys)
    func gather(_ value: (Int) -> Double) -> Tensor {
      let column = [schedule.times] + [Int](repeating: 1, count: x.rank - 1)
      return Tensor.literal((1...schedule.times).map(value), column).gather(index)
    }
    let (signal, deviation) = (gather { schedule.alphaBar[$0] }, gather { schedule.betaBar[$0] })
    let estimate = denoiser.estimate(
      signal * x + deviation * noise, signal: signal, noise: deviation,
      time: gather { denoiser.networkTime($0, of: schedule) }.reshape([batch]),
      label: classes == nil ? nil : label)
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

  /// Number of passes, each over one batch.
  package func steps(count: Int) -> Int { steps(count: count, [DrawSet(draws)], conditions: 1) }

  /// Number of passes for sets of draws and a number of conditions.
  func steps(count: Int, _ sets: [DrawSet], conditions: Int) -> Int {
    program.batches(of: count).count * conditions * sets.reduce(0) { $0 + $1.passes }
  }

  /// One estimate for each of the variances, in their order.
  ///
  /// - Throws: `TensorError` if the model is class-conditional and the classes are unknown.
  package func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate] {
    let start = ContinuousClock.now
    let terms = try terms(
      of: examples, [DrawSet(draws)], [try ownCondition(examples)], report)
    let time = (ContinuousClock.now - start).seconds
    return variances.indices.map { v in
      let (middle, last) = (terms.middle[0][0][v], terms.last[0][0][v])
      return Estimate(
        .vlb, variant: variances[v].name, samples: draws,
        quantity: classes == nil ? .marginal : .givenLabel,
        values: examples.keys.indices.map { terms.value(0, 0, v, $0) },
        terms: [
          ("L_T", Statistic(terms.prior).mean),
          ("sum L_t", Statistic(middle).mean + terms.constants[v]),
          ("L_0", Statistic(last).mean),
        ], seconds: time)
    }
  }

  /// The condition under which examples are scored by their own classes.
  private func ownCondition(_ examples: Examples) throws -> Condition {
    guard classes != nil else { return .none }
    guard let labels = examples.labels else {
      throw TensorError("the examples have no classes, which a class-conditional model needs")
    }
    return .classes(labels.map { Float($0) })
  }

  /// Terms of the bound of each example, by set of draws, condition and variance.
  ///
  /// Times and noise of a draw are the same under all conditions.
  func terms(
    of examples: Examples, _ sets: [DrawSet], _ conditions: [Condition],
    _ report: (Int) throws -> Void
  ) throws -> BoundTerms {
    let count = examples.keys.count
    let zeros = [[[Double]]](
      repeating: .init(repeating: .init(repeating: 0, count: count), count: variances.count),
      count: conditions.count)
    var middle = sets.map { _ in zeros }
    var last = middle
    let factors = variances.map { variance in
      (0...schedule.times).map {
        $0 < 2 ? 0 : schedule.boundFactor($0, standardDeviation: variance.standardDeviation($0))
      }
    }
    try sweep(examples, sets, conditions, report) { at, t, frequency, error in
      for v in variances.indices {
        middle[at.set][at.condition][v][at.row] += factors[v][t] * error / frequency
      }
    } last: { at, error, gap in
      for (v, variance) in variances.enumerated() {
        last[at.set][at.condition][v][at.row] +=
          lastTerm(error, gap, examples.values, at.row * width, variance.standardDeviation(1))
          / Double(sets[at.set].lastCount)
      }
    }
    return BoundTerms(
      prior: (0..<count).map { row in
        let square = examples.values[row * width..<(row + 1) * width]
          .reduce(0) { $0 + Double($1) * Double($1) }
        return schedule.priorTerm(dimensions: width, square: square)
      },
      constants: variances.map { variance in
        Double(width)
          * (2...schedule.times).reduce(0) {
            $0 + schedule.boundConstant($1, standardDeviation: variance.standardDeviation($1))
          }
      }, middle: middle, last: last)
  }

  /// E|ε - ε̂|²/D by t, from index 0 for t = 1, over all examples.
  ///
  /// Times that were not drawn are interpolated between their neighbours.
  ///
  /// - Throws: `TensorError` if the model is class-conditional and the classes are unknown.
  package func errors(of examples: Examples, report: (Int) throws -> Void) throws -> [Double] {
    var sums = [Double](repeating: 0, count: schedule.times)
    var counts = sums
    func add(_ t: Int, _ error: Double) {
      sums[t - 1] += error / Double(width)
      counts[t - 1] += 1
    }
    try sweep(examples, [DrawSet(draws)], [try ownCondition(examples)], report) { _, t, _, error in
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

  /// Draws squared errors: those of each set at times from 2 to T, then those at t = 1.
  ///
  /// `middle` is called with the number of draws of a set times the probability of t, `last` with
  /// the error of each number.
  private func sweep(
    _ examples: Examples, _ sets: [DrawSet], _ conditions: [Condition],
    _ report: (Int) throws -> Void,
    middle: (_ at: Place, _ t: Int, _ frequency: Double, _ error: Double) -> Void,
    last: (_ at: Place, _ error: Double, _ gap: [Float]) -> Void
  ) throws {
    var done = 0
    func run(_ draw: Int, _ batch: Range<Int>, _ body: (_ condition: Int) throws -> Void) throws {
      for (place, condition) in conditions.enumerated() {
        try fill(condition, batch)
        program.program.run(at: UInt64(draw))
        try body(place)
        done += 1
        try report(done)
      }
    }
    try examples.forEachBatch(of: program, x, keys) { batch in
      let rows = batch.count
      for (place, set) in sets.enumerated() {
        func at(_ condition: Int, _ row: Int) -> Place {
          Place(set: place, condition: condition, row: batch.lowerBound + row)
        }
        for draw in 0..<set.count {
          let drawn = examples.keys[batch].map {
            times.time(draw, of: set.count, key: $0, number: set.first + draw)
          }
          try program.fill(.values(index, drawn.map { Float($0 - 1) }), 0..<rows)
          try run(set.first + draw, batch) { condition in
            try program.program.read(error) { span in
              for row in 0..<rows {
                let frequency = Double(set.count) * times.probability(drawn[row])
                middle(at(condition, row), drawn[row], frequency, Double(span[row]))
              }
            }
          }
        }
        try program.program.fill(index, with: [Float](repeating: 0, count: program.batch))
        for draw in 0..<set.lastCount {
          try run(set.first + set.count + draw, batch) { condition in
            let gaps = try program.program.values(gap)
            try program.program.read(error) { span in
              for row in 0..<rows {
                let gap = Array(gaps[row * width..<(row + 1) * width])
                last(at(condition, row), Double(span[row]), gap)
              }
            }
          }
        }
      }
    }
  }

  private func fill(_ condition: Condition, _ batch: Range<Int>) throws {
    // A network need not depend on the class.
    guard program.program.reads(label) else { return }
    switch condition {
    case .none: break
    case .classes(let labels): try program.fill(.values(label, labels), batch)
    case .oneClass(let number):
      try program.program.fill(
        label, with: [Float](repeating: Float(number), count: program.batch))
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
