import DDPM
import Domains
import Likelihood
import TensorCore

/// A denoising diffusion model.
package struct DiffusionModel: Model {
  package static let kind = DDPMSettings.kind

  /// The noise schedule and the network.
  package let ddpm: GaussianDiffusion

  package func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage] {
    [experiment.stage(ddpm.loss(batch.examples, label: batch.labels), parameters)]
  }

  package func sampler(
    _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor, _ experiment: Experiment
  ) throws -> (any SeededSampler)? {
    try DiffusionSampler(ddpm, runtime, batch: batch, weights: weights, experiment)
  }

  /// Makes the sampler of a run.
  package func sampler(of run: Run) throws -> DiffusionSampler {
    try DiffusionSampler(
      ddpm, run.runtime, batch: Run.batch(for: run.domain.shape), weights: run.reading,
      run.experiment)
  }

  package func pictureFiles(_ domain: Domain) -> [String] { Drawing.diffusionFiles(domain) }

  package func drawingSteps(_ run: Run) -> Int { Drawing.diffusionSteps(run, ddpm) }

  package func draw(
    _ drawing: Drawing, _ run: Run, _ data: TrainingData, report: @escaping (Int) throws -> Void
  ) throws {
    try drawing.drawDiffusion(run, ddpm, report: report)
  }

  package func estimators(of run: Run) -> (known: [Estimator], reason: String) {
    ddpm.denoiser.classes == nil
      ? ([.vlb], "")
      : (
        [], "it is class-conditional: log p(x) without a class is not available"
      )
  }

  package func scorers(
    _ chosen: [Estimator], draws: Int?, count: Int, _ run: Run,
    fittingExamples: () throws -> Examples?
  ) throws -> Scorers {
    let isOfPoints = run.domain.shape.count == 1
    let draws = draws ?? (isOfPoints ? 200 : 20)
    let last: LastStep =
      isOfPoints ? .density : run.experiment.binarisation == .none ? .levels : .bits
    func bound(_ draws: Int, _ variances: [ReverseVariance]) throws -> VariationalBound {
      try VariationalBound(
        ddpm, run.runtime, draws: draws, lastStep: last, variances: variances,
        clip: ddpm.clipRange, weights: run.reading)
    }
    let known: [ReverseVariance] = [.beta(ddpm.schedule), .posterior(ddpm.schedule)]
    let examples: Examples?
    do { examples = try fittingExamples() } catch {
      return Scorers(
        ready: [try bound(draws, known)],
        warning: "no bound with fitted variances, because there are no validation data: \(error)")
    }
    guard let examples else { return Scorers(ready: [try bound(draws, known)]) }
    let fitting = try bound(isOfPoints ? 100 : 20, [])
    return Scorers(
      fitted: FittedScorer(
        fittingSteps: fitting.steps(count: examples.keys.count),
        scoringSteps: try bound(draws, []).steps(count: count)
      ) { report in
        let errors = try fitting.errors(of: examples, report: report)
        return try bound(draws, known + [.fitted(ddpm.schedule, errors: errors)])
      })
  }
}

extension GaussianDiffusion {
  /// Range of images and of estimates of x_0; nil for points, which have no such range.
  package var clipRange: ClosedRange<Double>? { denoiser.shape.count == 3 ? -1...1 : nil }
}

/// Sampler of a diffusion model, with the experiment's settings as defaults.
package struct DiffusionSampler: SeededSampler {
  /// The underlying sampler of the schedule.
  package let sampler: Sampler
  private let standard: SamplingSettings.Reverse
  private let times: Int

  init(
    _ ddpm: GaussianDiffusion, _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor,
    _ experiment: Experiment
  ) throws {
    standard = try experiment.reverse()
    times = ddpm.schedule.times
    sampler = try Sampler(
      ddpm, runtime, batch: batch, weights: weights, precision: experiment.precision,
      clip: ddpm.clipRange)
  }

  /// The request in terms of the underlying sampler.
  package func request(_ wanted: SampleRequest = SampleRequest()) -> Sampler.Request {
    var request = Sampler.Request(
      wanted.method ?? standard.samplingMethod, steps: wanted.steps ?? standard.steps ?? times)
    request.labels = wanted.labels
    return request
  }

  package func sample(
    seeds: [UInt64], _ wanted: SampleRequest, observe: ((Int, [Float]) throws -> Void)?
  ) throws -> [Float] {
    let request = request(wanted)
    var before = -request.steps
    return try sampler.sample(seeds: seeds, request) { done, samples in
      if done == 0 { before += request.steps }
      try observe?(before + done, samples)
    }
  }
}
