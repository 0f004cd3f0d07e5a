import DDPM
import Datasets
import Likelihood
import TensorCore
import VAE

/// The scoring of one run: checked and compiled, not yet computed.
public struct RunLikelihood {
  private let name: String
  private let data: ScoredData
  private let stages: [any Estimating]
  private let fit: Fit?
  /// Why an estimate is missing that the run would have, or nil.
  public let warning: String?

  /// Reverse variances that are fitted to other examples first.
  private struct Fit {
    let bound: VariationalBound
    let examples: Examples
    /// The bound with the variances that come of errors by time.
    let fitted: ([Double]) throws -> VariationalBound
    let steps: Int
  }

  /// Checks what is asked of a run and makes its estimators.
  ///
  /// - Parameter name: What tables call the run.
  /// - Throws: `PassedOver` where the run has no such estimator, `DataError` where there are no such data.
  public init(_ run: Run, _ scoring: Scoring, name: String) throws {
    let chosen = try run.chosenEstimators(scoring.estimators, name)
    self.name = name
    data = try run.scoredData(scoring, name)
    let weights = run.reading
    switch run.model {
    case .vae(let model, _):
      var stages: [any Estimating] = []
      if chosen.contains(.exact),
        let exact = try LinearGaussian(model, run.runtime, weights: weights)
      {
        stages.append(exact)
      }
      let sampled = chosen.filter { $0 != .exact }
      if !sampled.isEmpty {
        stages.append(
          try ImportanceSampling(
            model, run.runtime, draws: scoring.samples ?? 500, estimators: sampled,
            weights: weights))
      }
      (self.stages, fit, warning) = (stages, nil, nil)
    case .ddpm(let model):
      let isOfPoints = run.domain.shape.count == 1
      let draws = scoring.samples ?? (isOfPoints ? 200 : 20)
      let last: LastStep =
        isOfPoints ? .density : run.experiment.binarisation == .none ? .levels : .bits
      func bound(_ draws: Int, _ variances: [ReverseVariance]) throws -> VariationalBound {
        try VariationalBound(
          model, run.runtime, draws: draws, lastStep: last, variances: variances,
          clip: model.clipRange, weights: weights)
      }
      let known: [ReverseVariance] = [.beta(model.schedule), .posterior(model.schedule)]
      let examples: Examples
      switch run.fittingExamples(scoring, name) {
      case .success(let found?): (examples, warning) = (found, nil)
      case .success(nil):
        (stages, fit, warning) = ([try bound(draws, known)], nil, nil)
        return
      case .failure(let error):
        (stages, fit) = ([try bound(draws, known)], nil)
        warning = "no fitted bound, for want of validation data: \(error)"
        return
      }
      let fitting = try bound(isOfPoints ? 100 : 20, [])
      stages = []
      fit = Fit(
        bound: fitting, examples: examples,
        fitted: {
          try bound(draws, known + [.fitted(model.schedule, errors: $0)])
        }, steps: try bound(draws, []).steps(count: data.examples.keys.count))
    case .wgan, .classifier: throw PassedOver("\(printable(name)): has no likelihood")
    }
  }

  /// The steps that `score` reports.
  public var steps: Int {
    let count = data.examples.keys.count
    let fitting = fit.map { $0.bound.steps(count: $0.examples.keys.count) + $0.steps } ?? 0
    return fitting + stages.reduce(0) { $0 + $1.steps(count: count) }
  }

  /// The estimates of the run; first the exact density of the data where that is known.
  ///
  /// - Parameter report: Given the number of steps done; what it throws ends the work.
  public func score(report: (Int) throws -> Void) throws -> [ScoredRun] {
    var (stages, before, fitting) = (stages, 0, 0.0)
    if let fit {
      let start = ContinuousClock.now
      let errors = try fit.bound.errors(of: fit.examples, report: report)
      before = fit.bound.steps(count: fit.examples.keys.count)
      stages.append(try fit.fitted(errors))
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
        // The terms, too, then sum to -log p in data coordinates.
        if data.shift != 0, !estimate.terms.isEmpty {
          estimate = estimate.adding(term: "scale", -data.shift)
        }
        return ScoredRun(run: name, setting: data.setting, estimate: estimate)
      }
    }
    return rows
  }
}

extension Run {
  /// Examples of the validation part, on which reverse variances are fitted; none for a picture, which is of
  /// no part of the data.
  fileprivate func fittingExamples(
    _ scoring: Scoring, _ name: String
  ) -> Result<Examples?, any Error> {
    guard scoring.image == nil else { return .success(nil) }
    var other = scoring
    (other.split, other.examples) = (.validation, domain.shape.count == 1 ? 4096 : 500)
    return Result { try scoredData(other, name).examples }
  }
}
