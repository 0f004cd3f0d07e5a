import Support

/// How log p(x) of a model is found.
///
/// Another one (annealed importance sampling, the probability-flow ODE, Parzen windows) is a case here
/// and a type that conforms to `Estimating`.
package enum Estimator: String, CaseIterable, Sendable {
  /// The density itself, where it has a closed form.
  case exact
  /// The importance-weighted bound of K draws (Burda et al. 2016, eq. 8).
  case iwae
  /// The evidence lower bound, its KL in closed form (Kingma and Welling 2014, eq. 10).
  case elbo
  /// The variational bound of a diffusion model (Ho et al. 2020, eq. 5).
  case vlb
}

/// What is to be scored.
package struct Examples: Sendable {
  /// As the model sees them, [count] + shape, row-major.
  package let values: [Float]
  /// A seed for each example: all its draws depend on it and on nothing else.
  package let keys: [UInt64]

  /// Examples whose draws depend on the evaluation's seed and on their own number alone.
  ///
  /// - Parameters:
  ///   - values: [count] + shape.
  ///   - count: How many there are.
  ///   - seed: Of the evaluation.
  package init(_ values: [Float], count: Int, seed: UInt64) {
    self.values = values
    keys = (0..<count).map { Self.key(seed: seed, $0) }
  }

  /// Some of the examples, each with its own key.
  package subscript(_ rows: [Int]) -> Examples {
    let width = values.count / max(1, keys.count)
    return Examples(
      rows.flatMap { values[$0 * width..<($0 + 1) * width] }, keys: rows.map { keys[$0] })
  }

  private init(_ values: [Float], keys: [UInt64]) { (self.values, self.keys) = (values, keys) }

  /// The key of an example: its number where the evaluation's seed is 0.
  package static func key(seed: UInt64, _ index: Int) -> UInt64 {
    // An odd factor, so that different seeds give different keys for every number.
    UInt64(index) &+ seed &* 0x9E37_79B9_7F4A_7C15
  }

  /// Runs `body` for each batch of rows, of which the last is padded with its last example.
  func forEachBatch(
    _ batch: Int,
    _ body: (_ first: Int, _ rows: Int, _ values: [Float], _ keys: [UInt64]) throws -> Void
  ) rethrows {
    let width = values.count / max(1, keys.count)
    for first in stride(from: 0, to: keys.count, by: batch) {
      let places = (first..<first + batch).map { min($0, keys.count - 1) }
      try body(
        first, min(batch, keys.count - first),
        places.flatMap { values[$0 * width..<($0 + 1) * width] }, places.map { keys[$0] })
    }
  }
}

/// What an estimator found, example by example.
package struct Estimate: Sendable {
  /// By which estimator.
  package let estimator: Estimator
  /// What distinguishes it from others of the same estimator, such as the reverse variance; may be
  /// empty.
  package let variant: String
  /// Draws an example, 0 where nothing is drawn.
  package let samples: Int
  /// log p(x), or a bound of it, in nats for each example.
  package let values: [Double]
  /// Means over the examples of what the values consist of, in nats.
  package let terms: [(name: String, mean: Double)]
  /// The effective number of draws of each example, (Σw)²/Σw², where weights are averaged.
  package let effectiveSamples: [Double]?
  /// Seconds that it took; estimates of the same draws share them.
  package let seconds: Double

  /// What `estimator` found.
  package init(
    _ estimator: Estimator, variant: String = "", samples: Int = 0, values: [Double],
    terms: [(name: String, mean: Double)] = [], effectiveSamples: [Double]? = nil,
    seconds: Double
  ) {
    (self.estimator, self.variant, self.samples) = (estimator, variant, samples)
    (self.values, self.terms, self.seconds) = (values, terms, seconds)
    self.effectiveSamples = effectiveSamples
  }

  /// Mean and standard error over the examples.
  package var figure: Statistic { Statistic(values) }

  /// The same with the values, and no term, shifted by `nats`.
  package func shifted(by nats: Double) -> Estimate {
    Estimate(
      estimator, variant: variant, samples: samples, values: values.map { $0 + nats },
      terms: terms, effectiveSamples: effectiveSamples, seconds: seconds)
  }

  /// The same with a term more.
  package func adding(term name: String, _ mean: Double) -> Estimate {
    Estimate(
      estimator, variant: variant, samples: samples, values: values,
      terms: terms + [(name, mean)], effectiveSamples: effectiveSamples, seconds: seconds)
  }

  /// The same, with the time of what had to be found first.
  package func adding(seconds more: Double) -> Estimate {
    Estimate(
      estimator, variant: variant, samples: samples, values: values, terms: terms,
      effectiveSamples: effectiveSamples, seconds: seconds + more)
  }

  /// Whether so few draws count that more of them would change the figure by much.
  package var hasFewEffectiveSamples: Bool {
    guard let effectiveSamples, samples > 1 else { return false }
    return Statistic(effectiveSamples).mean < min(5, Double(samples) / 2)
  }
}

/// Something that scores examples.
package protocol Estimating {
  /// Steps that `estimates` reports for so many examples.
  func steps(count: Int) -> Int
  /// What is found of `examples`, of one or more estimators.
  ///
  /// - Parameter report: Given the number of steps done, of all of `steps`; what it throws ends the
  ///   work.
  func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate]
}
