/// How log p(x) of a model is found.
///
/// Another one (annealed importance sampling, the probability-flow ODE, Parzen windows) is a case here
/// and a type that conforms to `Estimating`.
public enum Estimator: String, CaseIterable, Sendable {
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
public struct Examples: Sendable {
  /// As the model sees them, [count] + shape, row-major.
  public let values: [Float]
  /// A seed for each example: all its draws depend on it and on nothing else.
  public let keys: [UInt64]

  /// Examples whose draws depend on the evaluation's seed and on their own number alone.
  ///
  /// - Parameters:
  ///   - values: [count] + shape.
  ///   - count: How many there are.
  ///   - seed: Of the evaluation.
  public init(_ values: [Float], count: Int, seed: UInt64) {
    self.values = values
    keys = (0..<count).map { Self.key(seed: seed, $0) }
  }

  /// Some of the examples, each with its own key.
  public subscript(_ rows: [Int]) -> Examples {
    let width = values.count / max(1, keys.count)
    return Examples(
      rows.flatMap { values[$0 * width..<($0 + 1) * width] }, keys: rows.map { keys[$0] })
  }

  private init(_ values: [Float], keys: [UInt64]) { (self.values, self.keys) = (values, keys) }

  /// The key of an example: its number where the evaluation's seed is 0.
  public static func key(seed: UInt64, _ index: Int) -> UInt64 {
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
public struct Estimate: Sendable {
  /// By which estimator.
  public let estimator: Estimator
  /// What distinguishes it from others of the same estimator, such as the reverse variance; may be
  /// empty.
  public let variant: String
  /// Draws an example, 0 where nothing is drawn.
  public let samples: Int
  /// log p(x), or a bound of it, in nats for each example.
  public let values: [Double]
  /// Means over the examples of what the values consist of, in nats.
  public let terms: [(name: String, mean: Double)]
  /// The effective number of draws of each example, (Σw)²/Σw², where weights are averaged.
  public let effectiveSamples: [Double]?
  /// Seconds that it took; estimates of the same draws share them.
  public let seconds: Double

  /// What `estimator` found.
  public init(
    _ estimator: Estimator, variant: String = "", samples: Int = 0, values: [Double],
    terms: [(name: String, mean: Double)] = [], effectiveSamples: [Double]? = nil,
    seconds: Double
  ) {
    (self.estimator, self.variant, self.samples) = (estimator, variant, samples)
    (self.values, self.terms, self.seconds) = (values, terms, seconds)
    self.effectiveSamples = effectiveSamples
  }

  /// Mean and standard error over the examples.
  public var figure: Figure { Figure(values) }

  /// The same with the values, and no term, shifted by `nats`.
  public func shifted(by nats: Double) -> Estimate {
    Estimate(
      estimator, variant: variant, samples: samples, values: values.map { $0 + nats },
      terms: terms, effectiveSamples: effectiveSamples, seconds: seconds)
  }

  /// The same with a term more.
  public func adding(term name: String, _ mean: Double) -> Estimate {
    Estimate(
      estimator, variant: variant, samples: samples, values: values,
      terms: terms + [(name, mean)], effectiveSamples: effectiveSamples, seconds: seconds)
  }

  /// The same, with the time of what had to be found first.
  public func adding(seconds more: Double) -> Estimate {
    Estimate(
      estimator, variant: variant, samples: samples, values: values, terms: terms,
      effectiveSamples: effectiveSamples, seconds: seconds + more)
  }

  /// Whether so few draws count that more of them would change the figure by much.
  public var hasFewEffectiveSamples: Bool {
    guard let effectiveSamples, samples > 1 else { return false }
    return Figure(effectiveSamples).mean < min(5, Double(samples) / 2)
  }
}

/// A mean over examples.
public struct Figure: Equatable, Sendable {
  /// The mean; NaN of nothing.
  public let mean: Double
  /// Its standard error; NaN of fewer than two examples.
  public let standardError: Double
  /// How many there were.
  public let count: Int

  /// The mean of `values`, in double precision.
  public init(_ values: [Double]) {
    count = values.count
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    self.mean = mean
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    standardError = values.count > 1 ? (squares / (n - 1) / n).squareRoot() : .nan
  }

  /// A statistic of `count` examples, with the standard error of the delete-a-block jackknife (Efron and
  /// Stein 1981).
  ///
  /// - Parameter parts: The statistic without each of equal blocks of the examples. The error is itself
  ///   known to one part in √(2 (blocks - 1)).
  public init(jackknife whole: Double, leavingOut parts: [Double], count: Int) {
    (mean, self.count) = (whole, count)
    let blocks = Double(parts.count)
    let middle = parts.reduce(0, +) / blocks
    let squares = parts.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
    standardError =
      parts.count > 1 ? (squares * (blocks - 1) / blocks).squareRoot() : .nan
  }

  /// The mean of `a - b` over examples that both scored, which a difference of means does not know
  /// as well: what makes an example hard for both cancels.
  public static func paired(_ a: [Double], _ b: [Double]) -> Figure {
    Figure(zip(a, b).map { $0 - $1 })
  }

  /// Where the truth is with a probability of 95 %, by the normal approximation.
  public var interval: (lower: Double, upper: Double) {
    (mean - 1.96 * standardError, mean + 1.96 * standardError)
  }
}

/// Something that scores examples.
public protocol Estimating {
  /// Steps that `estimates` reports for so many examples.
  func steps(count: Int) -> Int
  /// What is found of `examples`, of one or more estimators.
  ///
  /// - Parameter report: Given the number of steps done, of all of `steps`; what it throws ends the
  ///   work.
  func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate]
}

/// Seconds since a moment.
func seconds(since start: ContinuousClock.Instant) -> Double {
  let (whole, rest) = (ContinuousClock.now - start).components
  return Double(whole) + Double(rest) * 1e-18
}
