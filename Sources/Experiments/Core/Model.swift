import Datasets
import Diffusion
import Domains
import Likelihood
import TensorCore

/// A model whose parameters belong to a run: the interface through which a run uses it.
///
/// Each kind of model has a folder in `Kinds`, with its settings and one conforming type.
package protocol Model: Sendable {
  /// Values of `model.kind` in an experiment file, for messages.
  static var kind: String { get }

  /// Stages of a training step, in order.
  ///
  /// - Parameter step: Number of the training step, from 1, in the program that runs once per step.
  func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage]

  /// The subset of the model's parameters used for sampling.
  func sampled(of parameters: Parameters) -> [Variable]

  /// Number of first steps in which validation metrics do not count.
  var warmup: Int { get }

  /// Evaluation on validation data, or nil if the model has none.
  ///
  /// - Parameter weights: Maps an expression of the raw weights to the weights to read.
  func validation(
    _ weights: (Tensor) -> Tensor, _ data: TrainingData, _ experiment: Experiment,
    _ runtime: Runtime
  ) throws -> (any Validating)?

  /// Sampler of the model, or nil if it draws no samples.
  ///
  /// - Parameters:
  ///   - batch: Number of samples per batch.
  ///   - weights: Maps an expression of the raw weights to the weights to read.
  func sampler(
    _ runtime: Runtime, batch: Int, weights: @escaping (Tensor) -> Tensor, _ experiment: Experiment
  ) throws -> (any SeededSampler)?

  /// File names of the pictures of a finished run, apart from the curves.
  func pictureFiles(_ domain: Domain) -> [String]

  /// Number of sampling steps that `draw` reports.
  func drawingSteps(_ run: Run) -> Int

  /// Draws the pictures of a finished run, the sample grid last.
  ///
  /// - Parameters:
  ///   - data: Validation data, or training data if there are none.
  ///   - report: Receives the number of steps done; an error it throws ends the drawing.
  func draw(
    _ drawing: Drawing, _ run: Run, _ data: TrainingData, report: @escaping (Int) throws -> Void
  ) throws

  /// Available estimators of log p(x) for a run, and the reason if there are none.
  func estimators(of run: Run) -> (known: [Estimator], reason: String)

  /// Scorers for the given estimators.
  ///
  /// - Parameters:
  ///   - chosen: Nonempty subset of `estimators`.
  ///   - draws: K, or nil for the model's default.
  ///   - count: Number of examples to score.
  ///   - fittingExamples: Other examples, to fit what must be fitted first; nil if unavailable.
  func scorers(
    _ chosen: [Estimator], draws: Int?, count: Int, _ run: Run,
    fittingExamples: () throws -> Examples?
  ) throws -> Scorers

  /// Number of examples that are scored unless told, or nil for all.
  var scoredExamples: Int? { get }
}

extension Model {
  package func sampled(of parameters: Parameters) -> [Variable] { parameters.variables }
  package var warmup: Int { 0 }
  package var scoredExamples: Int? { nil }
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

/// A model that generates samples from latent variables in one pass, so that these can be chosen.
package protocol LatentModel: Model {
  /// Latent points from the prior, [count, width].
  ///
  /// - Parameter keys: Seed of each point.
  func prior(_ count: Int, keys: Tensor) -> Tensor

  /// Draws one sample per seed from latent points scaled towards the mean of the prior by `share`.
  ///
  /// - Throws: `FigmentError` if the prior has no mean.
  func sample(truncatedTo share: Double, seeds: [UInt64], labels: [Int]?, _ run: Run) throws
    -> [Float]
}

/// A sampler that draws each sample from its own seed.
package protocol SeededSampler {
  /// Draws one sample per seed, [seeds.count] + shape.
  ///
  /// - Parameter observe: Receives the number of steps done over all batches and the samples of the
  ///   current batch; a sampler of several steps calls it before the first step and after each. An
  ///   error it throws ends the sampling.
  func sample(
    seeds: [UInt64], _ request: SampleRequest, observe: ((Int, [Float]) throws -> Void)?
  ) throws -> [Float]
}

/// A one-pass sampler of a model without classes.
package protocol UnlabelledSampler: SeededSampler {
  /// Number of samples per batch.
  var batch: Int { get }
  /// Draws one sample per seed, [seeds.count] + shape.
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

/// Options of a sampler, apart from the seeds.
package struct SampleRequest: Sendable {
  /// Method of a sampler of several steps, or nil for the experiment's.
  package var method: SamplingMethod?
  /// Number of sampler steps, or nil for the experiment's.
  package var steps: Int?
  /// Factor of guidance, or nil for the experiment's.
  package var guidance: Double?
  /// Class of each sample, from 0; nil for seed modulo number of classes.
  package var labels: [Int]?

  package init(
    method: SamplingMethod? = nil, steps: Int? = nil, guidance: Double? = nil,
    labels: [Int]? = nil
  ) {
    (self.method, self.steps, self.guidance, self.labels) = (method, steps, guidance, labels)
  }
}

/// Scorers of the examples of a run.
package struct Scorers {
  /// Estimators that need no fitting.
  package var ready: [any Estimating] = []
  /// Estimator that is fitted to other examples first, or nil.
  package var fitted: FittedScorer?
  /// Reason why one of the model's estimators is left out, or nil.
  package var warning: String?
}

/// An estimator that must be fitted to other examples before scoring.
package struct FittedScorer {
  /// Number of steps of the fitting.
  package let fittingSteps: Int
  /// Number of steps of the scoring.
  package let scoringSteps: Int
  /// Fits the estimator; `report` receives the number of steps done.
  package let fit: (_ report: (Int) throws -> Void) throws -> any Estimating
}
