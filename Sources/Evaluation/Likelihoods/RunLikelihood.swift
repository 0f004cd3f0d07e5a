import Datasets
import Experiments
import Likelihood
import Runs
import Support
import TensorCore

/// Scoring of one run: checked and compiled, not yet computed.
package struct RunLikelihood {
  private let name: String
  private let classNames: [String]
  private let data: ScoredData
  private let scorers: Scorers

  /// Checks the request against the run and makes its estimators.
  ///
  /// - Parameter name: Name of the run in tables.
  /// - Throws: `SkippedPath` if the run has no such estimator, `FigmentError` if the data are
  ///   missing.
  package init(_ run: Run, _ scoring: Scoring, name: String) throws {
    let chosen = try run.chosenEstimators(scoring.estimators, name)
    (self.name, classNames) = (name, run.classes)
    var chosenScoring = scoring
    if scoring.image == nil, scoring.examples == nil {
      chosenScoring.examples = run.model.scoredExamples
    }
    let data = try run.scoredData(chosenScoring, name)
    self.data = data
    let count = data.examples.keys.count
    note =
      scoring.examples == nil && count < data.available
      ? "\(printable(name)): scoring the first \(count) of \(data.available) examples, each under every class; "
        + "--examples \(data.available) scores all, in \(decimal(Double(data.available) / Double(count))) times as long"
      : nil
    scorers = try run.model.scorers(
      chosen, draws: scoring.samples, count: data.examples.keys.count, run
    ) { try run.fittingExamples(scoring, name) }
  }

  /// Remark on examples that are left out, or nil.
  package let note: String?

  /// Reason why one of the run's estimators is left out, or nil.
  package var warning: String? { scorers.warning }

  /// Total number of steps reported by `score`.
  package var steps: Int {
    let count = data.examples.keys.count
    let fitting = scorers.fitted.map { $0.fittingSteps + $0.scoringSteps } ?? 0
    return fitting + scorers.ready.reduce(0) { $0 + $1.steps(count: count) }
  }

  /// Estimates for the run, preceded by the exact density of the data if it is known.
  ///
  /// - Parameter report: Receives the number of steps done; an error it throws ends the work.
  package func score(report: (Int) throws -> Void) throws -> [ScoredRun] {
    var (stages, before, fitting) = (scorers.ready, 0, 0.0)
    if let fitted = scorers.fitted {
      let start = ContinuousClock.now
      stages.append(try fitted.fit(report))
      before = fitted.fittingSteps
      fitting = (ContinuousClock.now - start).seconds
    }
    var rows: [ScoredRun] = []
    if let exact = data.exact {
      rows.append(ScoredRun(run: "data", setting: data.setting, estimate: exact))
    }
    for stage in stages {
      let estimates = try stage.estimates(of: data.examples) { try report(before + $0) }
      before += stage.steps(count: data.examples.keys.count)
      rows += estimates.map { estimate in
        var estimate = estimate.shifted(by: data.shift)
        if estimate.variant == "fitted" { estimate = estimate.adding(seconds: fitting) }
        // After this shift the terms, too, sum to -log p in data coordinates.
        if data.shift != 0, !estimate.terms.isEmpty {
          estimate = estimate.adding(term: "scale", -data.shift)
        }
        return ScoredRun(
          run: name, setting: data.setting, estimate: estimate, classNames: classNames)
      }
    }
    return rows
  }
}

extension Run {
  /// Examples of the validation split, used to fit reverse variances; nil for a picture, which
  /// belongs to no split.
  fileprivate func fittingExamples(
    _ scoring: Scoring, _ name: String
  ) throws -> Examples? {
    guard scoring.image == nil else { return nil }
    var other = scoring
    (other.split, other.examples) = (.validation, domain.shape.count == 1 ? 4096 : 500)
    return try scoredData(other, name).examples
  }
}
