import Diffusion
import Domains
import Likelihood
import Support
import TensorCore

/// A model that denoises: a diffusion model, or one of flow matching.
package struct DenoisingModel: Model {
  package static let kind = "ddpm or flow-matching"

  /// The network as an estimate of x_0.
  package let denoiser: Denoiser
  /// The loss of a training step.
  package let objective: DenoisingLoss
  /// Fraction of training examples whose class the network does not see.
  package let labelDropout: Double
  /// Levels of the discrete chain whose bound estimates log p(x).
  package let schedule: NoiseSchedule

  package func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage] {
    var labels = batch.labels
    if let known = labels, let classes = denoiser.classes {
      labels = droppingLabels(known, fraction: labelDropout, unknown: classes)
    }
    return [
      experiment.stage(objective(denoiser, batch.examples, label: labels), parameters)
    ]
  }

  package func sampler(
    _ runtime: Runtime, batch: Int, weights: @escaping (Tensor) -> Tensor, _ experiment: Experiment
  ) throws -> (any SeededSampler)? {
    try DenoisingSampler(denoiser, runtime, batch: batch, weights: weights, experiment)
  }

  /// Makes the sampler of a run.
  package func sampler(of run: Run) throws -> DenoisingSampler {
    try DenoisingSampler(
      denoiser, run.runtime, batch: Run.batch(for: run.domain.shape), weights: run.reading,
      run.experiment)
  }

  package func pictureFiles(_ domain: Domain) -> [String] { Drawing.denoisingFiles(domain) }

  package func drawingSteps(_ run: Run) -> Int { Drawing.denoisingSteps(run, self) }

  package func draw(
    _ drawing: Drawing, _ run: Run, _ data: TrainingData, report: @escaping (Int) throws -> Void
  ) throws {
    try drawing.drawDenoising(run, self, report: report)
  }

  package func estimators(of run: Run) -> (known: [Estimator], reason: String) {
    (denoiser.shape.count == 1 && denoiser.classes == nil ? [.vlb, .ode] : [.vlb], "")
  }

  /// 10,000 divided by the number of classes, since each example is scored under every class.
  package var scoredExamples: Int? { denoiser.classes.map { max(100, 10_000 / $0) } }

  package func scorers(
    _ chosen: [Estimator], draws: Int?, count: Int, _ run: Run,
    fittingExamples: () throws -> Examples?
  ) throws -> Scorers {
    let isOfPoints = run.domain.shape.count == 1
    let draws = draws ?? (isOfPoints ? 200 : 20)
    let isConditional = denoiser.classes != nil
    guard !isConditional || draws >= 2 else {
      throw FigmentError(
        "--samples: expected at least 2 for a class-conditional model, found \(draws): its classes are weighted by other draws than those of the bound"
      )
    }
    let last: LastStep =
      isOfPoints ? .density : run.experiment.binarisation == .none ? .levels : .bits
    func bound(_ draws: Int, _ variances: [ReverseVariance]) throws -> VariationalBound {
      try VariationalBound(
        denoiser, schedule, run.runtime, draws: draws, lastStep: last, variances: variances,
        clip: denoiser.clipRange, weights: run.reading)
    }
    func scorer(_ variances: [ReverseVariance]) throws -> any Estimating {
      let bound = try bound(draws, variances)
      return isConditional ? try ClassBounds(bound) : bound
    }
    let flow: [any Estimating] =
      chosen.contains(.ode)
      ? [
        try ProbabilityFlow(
          denoiser, run.runtime, smallestNoise: denoiser.smallestNoise,
          batch: Run.batch(for: run.domain.shape), weights: run.reading)
      ] : []
    guard chosen.contains(.vlb) else { return Scorers(ready: flow) }
    let known: [ReverseVariance] = [.beta(schedule), .posterior(schedule)]
    let examples: Examples?
    do { examples = try fittingExamples() } catch {
      return Scorers(
        ready: flow + [try scorer(known)],
        warning: "no bound with fitted variances, because there are no validation data: \(error)")
    }
    guard let examples else { return Scorers(ready: flow + [try scorer(known)]) }
    guard !isConditional || examples.labels != nil else {
      return Scorers(
        ready: flow + [try scorer(known)],
        warning: "no bound with fitted variances, because the validation data have no classes")
    }
    let fitting = try bound(isOfPoints ? 100 : 20, [])
    return Scorers(
      ready: flow,
      fitted: FittedScorer(
        fittingSteps: fitting.steps(count: examples.keys.count),
        scoringSteps: try scorer([]).steps(count: count)
      ) { report in
        let errors = try fitting.errors(of: examples, report: report)
        return try scorer(known + [.fitted(schedule, errors: errors)])
      })
  }
}

extension Denoiser {
  /// Range of images and of estimates of x_0; nil for points, which have no such range.
  package var clipRange: ClosedRange<Double>? { shape.count == 3 ? -1...1 : nil }

  /// s of a sampler's last visit, if the method may choose it: small against the spread of points,
  /// and against the 256 levels of grey of images.
  package var smallestNoise: Double { shape.count == 3 ? 0.02 : 0.002 }
}
