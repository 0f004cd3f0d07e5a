import DDPM
import Datasets
import Domains
import Likelihood
import TensorCore

/// A model whose parameters belong to a run: all that a run asks of it.
///
/// Each kind of model has a folder beside this file, with its settings and one type that conforms.
package protocol Model: Sendable {
  /// The word of an experiment file.
  static var kind: String { get }

  /// The stages of a training step, in their order.
  ///
  /// - Parameter step: Of training, from one, in the program that runs once a step.
  func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage]

  /// The parameters that samples are drawn with, of all of the model's.
  func sampled(of parameters: Parameters) -> [Variable]

  /// Steps before which a figure on validation data does not count.
  var warmup: Int { get }

  /// What looks at validation data, for models that have something to look at.
  ///
  /// - Parameter weights: Which of the weights are read, given an expression of the raw ones.
  func validation(
    _ weights: (Tensor) -> Tensor, _ data: TrainingData, _ experiment: Experiment,
    _ runtime: Runtime
  ) throws -> (any Validating)?

  /// What draws samples, for models that draw any.
  ///
  /// - Parameters:
  ///   - batch: Samples at once.
  ///   - weights: Which of the weights are read, given an expression of the raw ones.
  func sampler(
    _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor, _ experiment: Experiment
  ) throws -> (any SeededSampler)?

  /// The names of the pictures of a finished run, beside the curves.
  func pictureFiles(_ domain: Domain) -> [String]

  /// The sampling steps that `draw` reports.
  func drawingSteps(_ run: Run) -> Int

  /// Draws the pictures of a finished run, the sheet of samples last.
  ///
  /// - Parameters:
  ///   - data: Of validation, or where there are none of training.
  ///   - report: Given the number of steps done; what it throws ends the drawing.
  func draw(
    _ drawing: Drawing, _ run: Run, _ data: TrainingData, report: @escaping (Int) throws -> Void
  ) throws

  /// The estimators of log p(x) that a run of the model has, and why it has none.
  func estimators(of run: Run) -> (known: [Estimator], reason: String)

  /// What computes these estimates.
  ///
  /// - Parameters:
  ///   - chosen: Some of `estimators`, at least one.
  ///   - draws: K, or nil for what suits the model.
  ///   - count: How many examples are scored.
  ///   - fittingExamples: Others, for what has to be fitted first; nil where there are none to be had.
  func scorers(
    _ chosen: [Estimator], draws: Int?, count: Int, _ run: Run,
    fittingExamples: () throws -> Examples?
  ) throws -> Scorers
}

extension Model {
  package func sampled(of parameters: Parameters) -> [Variable] { parameters.variables }
  package var warmup: Int { 0 }
  package func validation(
    _ weights: (Tensor) -> Tensor, _ data: TrainingData, _ experiment: Experiment,
    _ runtime: Runtime
  ) throws -> (any Validating)? { nil }
  package func drawingSteps(_ run: Run) -> Int { 0 }
  package func scorers(
    _ chosen: [Estimator], draws: Int?, count: Int, _ run: Run,
    fittingExamples: () throws -> Examples?
  ) throws -> Scorers { Scorers() }
}

/// A model that makes samples of latent variables at once, so that these can be chosen.
package protocol LatentModel: Model {
  /// Latent points from the prior, [count, width].
  ///
  /// - Parameter keys: A seed for each.
  func prior(_ count: Int, keys: Tensor) -> Tensor

  /// One sample per seed, of latent points moved towards the mean of the prior: multiplied by `share`.
  ///
  /// - Throws: `FigmentError` where the prior has no mean.
  func sample(truncatedTo share: Double, seeds: [UInt64], labels: [Int]?, _ run: Run) throws
    -> [Float]
}

/// Draws samples of a model, each from a seed of its own.
package protocol SeededSampler {
  /// One sample per seed, [seeds.count] + shape.
  ///
  /// - Parameter observe: Given the number of steps done, over all batches, and the samples of the current
  ///   batch; of a sampler of several steps before the first step and after each. What it throws ends the
  ///   sampling.
  func sample(
    seeds: [UInt64], _ request: SampleRequest, observe: ((Int, [Float]) throws -> Void)?
  ) throws -> [Float]
}

/// A sampler in one pass, of a model that is told no classes.
package protocol UnlabelledSampler: SeededSampler {
  /// Samples at once.
  var batch: Int { get }
  /// One sample per seed, [seeds.count] + shape.
  func sample(seeds: [UInt64]) throws -> [Float]
}

extension UnlabelledSampler {
  package func sample(
    seeds: [UInt64], _ request: SampleRequest, observe: ((Int, [Float]) throws -> Void)?
  ) throws -> [Float] {
    guard request.labels == nil else {
      throw TensorError("the model is not class-conditional: expected no classes")
    }
    let samples = try sample(seeds: seeds)
    try observe?((seeds.count + batch - 1) / batch, samples)
    return samples
  }
}

/// What is asked of a sampler, beside the seeds.
package struct SampleRequest: Sendable {
  /// The method of a sampler of several steps, or nil for the experiment's.
  package var method: SamplingMethod?
  /// Its steps, or nil for the experiment's.
  package var steps: Int?
  /// The class of each sample, from 0; seed modulo classes unless told.
  package var labels: [Int]?

  package init(method: SamplingMethod? = nil, steps: Int? = nil, labels: [Int]? = nil) {
    (self.method, self.steps, self.labels) = (method, steps, labels)
  }
}

/// What scores the examples of a run.
package struct Scorers {
  /// What can begin at once.
  package var ready: [any Estimating] = []
  /// What is fitted to other examples first.
  package var fitted: FittedScorer?
  /// Why an estimate is missing that the model would have, or nil.
  package var warning: String?
}

/// Something that scores examples and is fitted to others first.
package struct FittedScorer {
  /// Steps of the fitting.
  package let fittingSteps: Int
  /// Steps of the scoring.
  package let scoringSteps: Int
  /// Fits; `report` is given the number of steps done.
  package let fit: (_ report: (Int) throws -> Void) throws -> any Estimating
}
