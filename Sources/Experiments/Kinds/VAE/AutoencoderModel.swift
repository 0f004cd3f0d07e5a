import Datasets
import Domains
import Likelihood
import Support
import TensorCore
import VAE

/// A variational autoencoder and its training.
package struct AutoencoderModel: LatentModel {
  package static let kind = VAESettings.kind

  /// The networks and the latent space.
  package let vae: VariationalAutoencoder
  let settings: VAESettings

  package var warmup: Int { settings.klWarmup }

  package func stages(
    _ batch: BatchInput, step: Tensor, _ parameters: Parameters, _ experiment: Experiment
  ) -> [Stage] {
    let weight =
      settings.klWarmup == 0 ? Tensor(1) : minimum(step / Double(settings.klWarmup), 1)
    let parts = vae.parts(batch.examples, settings.bound, draws: settings.draws, weight: weight)
    return [
      experiment.stage(
        -parts.bound.mean(), parameters,
        parts: [
          ("reconstruction", parts.reconstruction.mean()),
          ("divergence", parts.divergence.mean()),
        ])
    ]
  }

  package func validation(
    _ weights: (Tensor) -> Tensor, _ data: TrainingData, _ experiment: Experiment,
    _ runtime: Runtime
  ) throws -> (any Validating)? {
    try BoundValidation(vae, settings, weights, data, experiment, runtime)
  }

  package func sampler(
    _ runtime: Runtime, batch: Int, weights: (Tensor) -> Tensor, _ experiment: Experiment
  ) throws -> (any SeededSampler)? {
    try LatentSampler(
      vae, runtime, batch: batch, drawsObservations: vae.drawsObservations, weights: weights)
  }

  package func prior(_ count: Int, keys: Tensor) -> Tensor { vae.latent.prior(count, keys: keys) }

  package func sample(
    truncatedTo share: Double, seeds: [UInt64], labels: [Int]?, _ run: Run
  ) throws -> [Float] {
    if case .sphere = vae.latent {
      throw FigmentError(
        "--latent truncated:\(decimal(share)): needs a prior with a mean, and the latent variables of "
          + "\(run.experiment.name) are uniform on a sphere; use hubs instead")
    }
    return try LatentSampler(vae, of: run, truncation: share)
      .sample(seeds: seeds, SampleRequest(labels: labels), observe: nil)
  }

  package func pictureFiles(_ domain: Domain) -> [String] { Drawing.latentFiles(vae) }

  package func draw(
    _ drawing: Drawing, _ run: Run, _ data: TrainingData, report: @escaping (Int) throws -> Void
  ) throws {
    try drawing.drawLatent(run, vae, data)
  }

  package func estimators(of run: Run) -> (known: [Estimator], reason: String) {
    let (isOfBits, isBinarised) =
      (vae.likelihood == .bernoulli, run.experiment.binarisation != .none)
    if run.domain.shape.count == 3, isOfBits != isBinarised {
      let reason =
        isOfBits
        ? "its pixels are 0 or 1, but the data are not binarised"
        : "its pixels have a density, but the data are binarised"
      return ([], reason)
    }
    return ((vae.isLinear && vae.standardDeviation != nil ? [.exact] : []) + [.iwae, .elbo], "")
  }

  package func scorers(
    _ chosen: [Estimator], draws: Int?, count: Int, _ run: Run,
    fittingExamples: () throws -> Examples?
  ) throws -> Scorers {
    var scorers = Scorers()
    if chosen.contains(.exact),
      let exact = try LinearGaussian(vae, run.runtime, weights: run.reading)
    {
      scorers.ready.append(exact)
    }
    let sampled = chosen.filter { $0 != .exact }
    if !sampled.isEmpty {
      scorers.ready.append(
        try ImportanceSampling(
          vae, run.runtime, draws: draws ?? 500, estimators: sampled, weights: run.reading))
    }
    return scorers
  }
}

extension VariationalAutoencoder {
  /// True if samples include observation noise: images show the expected image, as is usual; points
  /// include the noise, because they are compared with the data.
  var drawsObservations: Bool { shape.count == 1 }

  /// Images along the path between the posterior centres of two images: [count] + shape.
  package func interpolate(
    from first: [Float], to last: [Float], count: Int, _ run: Run
  ) throws -> [Float] {
    let sampler = try LatentSampler(self, of: run)
    let ends = try sampler.encode(first + last)
    let width = latent.coordinates
    return try sampler.decode(
      latent.path(from: Array(ends[..<width]), to: Array(ends[width...]), count: count))
  }
}

extension LatentSampler {
  /// Makes the sampler of a run.
  convenience init(_ model: VariationalAutoencoder, of run: Run, truncation: Double = 1) throws {
    try self.init(
      model, run.runtime, batch: Run.batch(for: run.domain.shape),
      drawsObservations: model.drawsObservations, truncation: truncation, weights: run.reading)
  }
}

extension LatentSampler: UnlabelledSampler {}
