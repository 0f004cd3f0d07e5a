import Support
import TensorCore

/// A method of estimating log p(x) of a model.
///
/// A further method (annealed importance sampling, Parzen windows) needs
/// a case here and a type that conforms to `Estimating`.
package enum Estimator: String, CaseIterable, Sendable {
  /// The density itself, if it has a closed form.
  case exact
  /// The importance-weighted bound of K draws (Burda et al. 2016, eq. 8).
  case iwae
  /// The evidence lower bound, its KL in closed form (Kingma and Welling 2014, eq. 10).
  case elbo
  /// The variational bound of a diffusion model (Ho et al. 2020, eq. 5).
  case vlb
  /// The density of a denoiser's probability-flow ODE (Song et al. 2021, arXiv 2011.13456, eq. 39).
  case ode
}

/// Examples to score.
package struct Examples: Sendable {
  /// The examples as models see them, [count] + shape, row-major.
  package let values: [Float]
  /// A seed for each example, which alone determines all its draws.
  package let keys: [UInt64]
  /// The class of each example, from 0, or nil if they are unknown.
  package let labels: [Int]?

  /// Creates examples whose draws depend only on the evaluation's seed and on their own index.
  ///
  /// - Parameters:
  ///   - values: [count] + shape.
  ///   - count: Number of examples.
  ///   - seed: Seed of the evaluation.
  ///   - labels: The class of each example, [count], if known.
  package init(_ values: [Float], count: Int, seed: UInt64, labels: [Int]? = nil) {
    self.init(values, keys: (0..<count).map { Self.key(seed: seed, $0) }, labels: labels)
  }

  /// The examples at `rows`, each with its own key.
  package subscript(_ rows: [Int]) -> Examples {
    let width = values.count / max(1, keys.count)
    return Examples(
      rows.flatMap { values[$0 * width..<($0 + 1) * width] }, keys: rows.map { keys[$0] },
      labels: labels.map { labels in rows.map { labels[$0] } })
  }

  private init(_ values: [Float], keys: [UInt64], labels: [Int]?) {
    (self.values, self.keys, self.labels) = (values, keys, labels)
  }

  /// The key of an example; equal to its index if the evaluation's seed is 0.
  package static func key(seed: UInt64, _ index: Int) -> UInt64 {
    // An odd factor, so that different seeds give different keys for every index.
    UInt64(index) &+ seed &* 0x9E37_79B9_7F4A_7C15
  }

  /// Fills the inputs `x` and `keys` of a program with each batch of examples and calls `body` for it.
  func forEachBatch(
    of program: BatchedProgram, _ x: Tensor, _ keys: Tensor, _ body: (Range<Int>) throws -> Void
  ) throws {
    for rows in program.batches(of: self.keys.count) {
      try program.fill(.values(x, values), rows)
      try program.fill(.seeds(keys, self.keys), rows)
      try body(rows)
    }
  }
}

/// The result of an estimator for each example.
package struct Estimate: Sendable {
  /// The quantity that is estimated.
  package enum Quantity: Hashable, Sendable {
    /// log p(x).
    case marginal
    /// log p(x|y), y being the example's own class.
    case givenLabel
  }

  /// The estimator.
  package let estimator: Estimator
  /// Distinguishes estimates of the same estimator, for example by the reverse variance; may be
  /// empty.
  package let variant: String
  /// Number of draws per example; 0 if nothing is drawn.
  package let samples: Int
  /// The quantity of which the values are estimates.
  package let quantity: Quantity
  /// log p(x) or log p(x|y), or a bound of it, in nats for each example.
  package private(set) var values: [Double]
  /// The terms of the values, in nats, each averaged over the examples.
  package private(set) var terms: [(name: String, mean: Double)]
  /// The effective sample size of each example, (Σw)²/Σw², if weights are averaged.
  package let effectiveSamples: [Double]?
  /// The probabilities of the classes given each example, for a class-conditional model.
  package let classes: ClassProbabilities?
  /// Duration in seconds; estimates from the same draws have it in common.
  package private(set) var seconds: Double

  /// Creates the result of `estimator`.
  package init(
    _ estimator: Estimator, variant: String = "", samples: Int = 0,
    quantity: Quantity = .marginal, values: [Double],
    terms: [(name: String, mean: Double)] = [], effectiveSamples: [Double]? = nil,
    classes: ClassProbabilities? = nil, seconds: Double
  ) {
    (self.estimator, self.variant, self.samples) = (estimator, variant, samples)
    (self.values, self.terms, self.seconds) = (values, terms, seconds)
    (self.quantity, self.effectiveSamples, self.classes) = (quantity, effectiveSamples, classes)
  }

  /// Mean over the examples, with its standard error.
  package var figure: Statistic { Statistic(values) }

  /// The estimate with `nats` added to the values, but not to the terms.
  package func shifted(by nats: Double) -> Estimate {
    var result = self
    result.values = values.map { $0 + nats }
    return result
  }

  /// The estimate with another term.
  package func adding(term name: String, _ mean: Double) -> Estimate {
    var result = self
    result.terms.append((name, mean))
    return result
  }

  /// The estimate with the duration of preparatory work added.
  package func adding(seconds more: Double) -> Estimate {
    var result = self
    result.seconds += more
    return result
  }

  /// True if the effective sample size is so small that more draws would change the mean
  /// considerably.
  package var hasFewEffectiveSamples: Bool {
    guard let effectiveSamples, samples > 1 else { return false }
    return Statistic(effectiveSamples).mean < min(5, Double(samples) / 2)
  }
}

/// An estimator of log-likelihoods.
package protocol Estimating {
  /// Number of steps that `estimates` reports for `count` examples.
  func steps(count: Int) -> Int
  /// Scores `examples`; returns one or more estimates.
  ///
  /// - Parameter report: Called with the number of steps done, out of `steps(count:)`; an error it
  ///   throws ends the work.
  func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate]
}
