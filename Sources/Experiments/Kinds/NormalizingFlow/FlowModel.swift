import Domains
import Likelihood
import NormalizingFlow
import Support
import TensorCore

/// A normalizing flow.
package struct FlowModel: LatentModel {
  package static let kind = NormalizingFlowSettings.kind

  /// The flow.
  package let flow: CouplingFlow

  package func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage] {
    [experiment.stage(flow.loss(batch.examples), parameters)]
  }

  package func validation(
    _ weights: (Tensor) -> Tensor, _ data: TrainingData, _ experiment: Experiment,
    _ runtime: Runtime
  ) throws -> (any Validating)? {
    try DensityValidation(flow, weights, data, experiment, runtime)
  }

  package func sampler(
    _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor, _ experiment: Experiment
  ) throws -> (any SeededSampler)? {
    try FlowSampler(flow, runtime, batch: batch, weights: weights)
  }

  package func prior(_ count: Int, keys: Tensor) -> Tensor { flow.noise(count, keys: keys) }

  package func sample(
    truncatedTo share: Double, seeds: [UInt64], labels: [Int]?, _ run: Run
  ) throws -> [Float] {
    let sampler = try FlowSampler(
      flow, run.runtime, batch: Run.batch(for: run.domain.shape), weights: run.reading)
    return try sampler.decode(run.latentPoints(self, seeds: seeds).map { Float(share) * $0 })
  }

  package func pictureFiles(_ domain: Domain) -> [String] { Drawing.flowFiles }

  package func draw(
    _ drawing: Drawing, _ run: Run, _ data: TrainingData, report: @escaping (Int) throws -> Void
  ) throws {
    try drawing.drawFlow(run, flow, data)
  }

  package func estimators(of run: Run) -> (known: [Estimator], reason: String) { ([.exact], "") }

  package func scorers(
    _ chosen: [Estimator], draws: Int?, count: Int, _ run: Run,
    fittingExamples: () throws -> Examples?
  ) throws -> Scorers {
    Scorers(ready: [FlowScorer(density: try FlowDensity(flow, of: run))])
  }
}

extension FlowDensity {
  /// Makes the log density of a run, with the weights used for sampling.
  convenience init(_ flow: CouplingFlow, of run: Run) throws {
    try self.init(
      flow, run.runtime, batch: Run.batch(for: run.domain.shape), weights: run.reading)
  }
}

/// Exact log density of examples under a flow.
private struct FlowScorer: Estimating {
  let density: FlowDensity

  /// A single step.
  func steps(count: Int) -> Int { 1 }

  func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate] {
    let start = ContinuousClock.now
    let values = try density(examples.values).map { Double($0) }
    try report(1)
    return [Estimate(.exact, values: values, seconds: (ContinuousClock.now - start).seconds)]
  }
}

extension FlowSampler: UnlabelledSampler {}
