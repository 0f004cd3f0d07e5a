import Domains
import Likelihood
import TensorCore
import WGAN

/// A generator and its critic, and their training.
package struct AdversarialModel: LatentModel {
  package static let kind = WGANSettings.kind

  /// Both networks.
  package let wgan: WassersteinGAN
  let settings: WGANSettings

  package func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage] {
    let (generator, critic) = (parameters["generator"].part, parameters["critic"].part)
    let optimizer = experiment.optimizer
    let runs = settings.criticSteps
    let objective = wgan.criticObjective(batch.examples, label: batch.labels)
    let rate = optimizer.rate(steps: experiment.steps, runs: runs, times: settings.criticRate)
    var limit: Double?
    if case .clipping(let given) = wgan.constraint { limit = given }
    return [
      Stage(
        name: "critic", runs: runs, loss: objective.loss, parts: objective.parts,
        parameters: critic, held: generator.variables + wgan.criticState,
        updates: objective.updates,
        // Samples are drawn by the generator only, so only its weights are averaged.
        optimizer: optimizer.chain(rate, clamp: limit), rate: rate),
      Stage(
        loss: wgan.generatorLoss(count: experiment.batch, label: batch.labels), parts: [],
        parameters: generator,
        held: critic.variables + wgan.criticState,
        optimizer: optimizer.chain(steps: experiment.steps),
        rate: optimizer.rate(steps: experiment.steps)),
    ]
  }

  package func sampled(of parameters: Parameters) -> [Variable] {
    parameters["generator"].part.variables
  }

  package func sampler(
    _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor, _ experiment: Experiment
  ) throws -> (any SeededSampler)? {
    try GeneratorSampler(wgan, runtime, batch: batch, weights: weights)
  }

  package func prior(_ count: Int, keys: Tensor) -> Tensor { wgan.noise(count, keys: keys) }

  package func sample(
    truncatedTo share: Double, seeds: [UInt64], labels: [Int]?, _ run: Run
  ) throws -> [Float] {
    try GeneratorSampler(wgan, of: run).decode(
      run.latentPoints(self, seeds: seeds).map { Float(share) * $0 }, labels: labels)
  }

  package func pictureFiles(_ domain: Domain) -> [String] { Drawing.adversaryFiles(domain) }

  package func draw(
    _ drawing: Drawing, _ run: Run, _ data: TrainingData, report: @escaping (Int) throws -> Void
  ) throws {
    try drawing.drawAdversary(run, wgan)
  }

  package func estimators(of run: Run) -> (known: [Estimator], reason: String) {
    ([], "a generator has no density")
  }
}

extension GeneratorSampler {
  /// Makes the sampler of a run.
  convenience init(_ model: WassersteinGAN, of run: Run) throws {
    try self.init(
      model, run.runtime, batch: Run.batch(for: run.domain.shape), weights: run.reading)
  }
}

extension GeneratorSampler: SeededSampler {
  package func sample(
    seeds: [UInt64], _ request: SampleRequest, observe: ((Int, [Float]) throws -> Void)?
  ) throws -> [Float] {
    let samples = try sample(seeds: seeds, labels: request.labels)
    try observe?((seeds.count + batch - 1) / batch, samples)
    return samples
  }
}
