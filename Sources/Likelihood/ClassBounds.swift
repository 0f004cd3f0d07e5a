import Support
import TensorCore

/// Probabilities of the classes given each example, by Bayes' rule from bounds of log p(x|y).
package struct ClassProbabilities: Sendable {
  /// p(y|x), [examples, classes].
  package let values: [[Double]]
  /// The class of each example, if known.
  package let labels: [Int]?

  /// The most probable class of an example.
  package func guess(_ row: Int) -> Int {
    let probabilities = values[row]
    return probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
  }

  /// Fraction of examples whose most probable class is their own; nil if the classes are unknown.
  package var accuracy: Statistic? {
    labels.map { labels in
      Statistic(labels.indices.map { guess($0) == labels[$0] ? 1 : 0 })
    }
  }
}

/// The variational bound of log p(x) of a class-conditional diffusion model whose classes are equally
/// probable, and of log p(x|y) for the class y of each example.
///
/// Every example is scored under every class, with the same times and noise, so that the noise of a
/// difference between classes is far smaller than that of a bound. The draws are divided into four
/// sets (fewer for K below 4); see `MixtureBound`.
package final class ClassBounds: Estimating {
  private let bound: VariationalBound
  private let sets: [DrawSet]
  private let classes: Int

  /// Creates the estimator.
  ///
  /// - Parameter bound: The bound of one class, with K draws, at least 2.
  /// - Throws: `TensorError` for fewer draws, or a model without classes.
  package init(_ bound: VariationalBound) throws {
    guard let classes = bound.classes else {
      throw TensorError("the bound over classes needs a class-conditional model")
    }
    guard bound.draws >= 2 else {
      throw TensorError("K must be at least 2 for a class-conditional model, not \(bound.draws)")
    }
    (self.bound, self.classes) = (bound, classes)
    sets = DrawSet.division(of: bound.draws, into: min(4, bound.draws))
  }

  /// Number of passes, each over one batch for one class.
  package func steps(count: Int) -> Int {
    bound.steps(count: count, sets, conditions: classes)
  }

  /// Estimates of log p(x) by variance, with the probabilities of the classes; then, if the classes
  /// are known, estimates of log p(x|y) by variance.
  package func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate] {
    if let label = examples.labels?.first(where: { !(0..<classes).contains($0) }) {
      throw TensorError("class \(label) is not one of the model's \(classes)")
    }
    let start = ContinuousClock.now
    let terms = try bound.terms(
      of: examples, sets, (0..<classes).map { .oneClass($0) }, report)
    let time = (ContinuousClock.now - start).seconds
    let all = bound.variances.indices.map { marginal(terms, $0, examples.labels, seconds: time) }
    guard let labels = examples.labels else { return all }
    return all + bound.variances.indices.map { given(labels, terms, $0, seconds: time) }
  }

  /// The weight of each set in means.
  private var shares: [Double] { sets.map { Double($0.count) / Double(bound.draws) } }

  private func marginal(
    _ terms: BoundTerms, _ v: Int, _ labels: [Int]?, seconds: Double
  ) -> Estimate {
    let mixtures = terms.prior.indices.map { row in
      MixtureBound(
        sets.indices.map { s in (0..<classes).map { terms.value(s, $0, v, row) } },
        shares: shares)
    }
    return estimate(
      terms, v, .marginal, values: mixtures.map(\.value),
      more: [("class", Statistic(mixtures.map(\.divergence)).mean)],
      classes: ClassProbabilities(values: mixtures.map(\.probabilities), labels: labels),
      seconds: seconds
    ) { mixtures[$2].weights[$0][$1] }
  }

  private func given(
    _ labels: [Int], _ terms: BoundTerms, _ v: Int, seconds: Double
  ) -> Estimate {
    let values = labels.indices.map { row in
      zip(sets.indices, shares).reduce(0) { $0 + $1.1 * terms.value($1.0, labels[row], v, row) }
    }
    return estimate(terms, v, .givenLabel, values: values, seconds: seconds) {
      $1 == labels[$2] ? 1 : 0
    }
  }

  /// An estimate whose terms are means over sets and classes.
  ///
  /// - Parameter weight: The weight of a class, by set, class and example.
  private func estimate(
    _ terms: BoundTerms, _ v: Int, _ quantity: Estimate.Quantity, values: [Double],
    more: [(name: String, mean: Double)] = [], classes probabilities: ClassProbabilities? = nil,
    seconds: Double, weight: (_ set: Int, _ class: Int, _ row: Int) -> Double
  ) -> Estimate {
    func mean(_ parts: [[[[Double]]]]) -> Double {
      Statistic(
        terms.prior.indices.map { row in
          var sum = 0.0
          for (s, share) in shares.enumerated() {
            for y in 0..<classes { sum += share * weight(s, y, row) * parts[s][y][v][row] }
          }
          return sum
        }
      ).mean
    }
    return Estimate(
      .vlb, variant: bound.variances[v].name, samples: bound.draws, quantity: quantity,
      values: values,
      terms: [
        ("L_T", Statistic(terms.prior).mean), ("sum L_t", mean(terms.middle) + terms.constants[v]),
        ("L_0", mean(terms.last)),
      ] + more, classes: probabilities, seconds: seconds)
  }
}
