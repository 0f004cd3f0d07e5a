import TensorCore

/// A trained model evaluated with a fixed batch, so that a result depends only on its own seed or
/// input.
///
/// The draws are named by the program `sample`.
public final class LatentSampler {
  /// Rows at once, a multiple of 4; requests are padded to it.
  public let batch: Int
  private let model: VAE
  private let sampling, decoding, encoding: Program
  private let seeds, latents, examples: Tensor
  private let drawn, decoded, means: Tensor

  /// Creates a sampler of a model.
  ///
  /// - Parameters:
  ///   - batch: Rows at once, at least 1; made a multiple of 4, as contractions are cut into up to
  ///     four equal slices.
  ///   - drawsObservations: True to draw samples from p(x|z), false to return its mean.
  ///   - truncation: Factor by which the latent variables of samples are multiplied.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: VAE, _ runtime: Runtime, batch: Int, drawsObservations: Bool,
    truncation: Double = 1, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    let batch = (batch + 3) / 4 * 4
    (self.batch, self.model) = (batch, model)
    seeds = .seeds("seeds", batch)
    latents = .input("latents", [batch, model.latent.coordinates])
    examples = .input("examples", [batch] + model.shape)
    let prior = model.latent.prior(batch, keys: seeds)
    let z = truncation == 1 ? prior : truncation * prior
    drawn = weights(drawsObservations ? model.draw(z, keys: seeds) : model.decode(z))
    decoded = weights(model.decode(latents))
    means = weights(model.posterior(examples).mean)
    sampling = try runtime.compile("sample", [drawn], sharesDraws: true)
    decoding = try runtime.compile("decode", [decoded], sharesDraws: true)
    encoding = try runtime.compile("encode", [means], sharesDraws: true)
  }

  /// Draws one sample per seed: [seeds.count] + shape.
  public func sample(seeds: [UInt64]) throws -> [Float] {
    try sampling.values(drawn, inBatchesOf: self.seeds, seeds)
  }

  /// E[x|z] for points z, [count, coordinates]: [count] + shape.
  public func decode(_ points: [Float]) throws -> [Float] {
    try decoding.values(decoded, inBatchesOf: latents, points)
  }

  /// The centres of q(z|x) for examples, [count] + shape: [count, coordinates].
  public func encode(_ x: [Float]) throws -> [Float] {
    try encoding.values(means, inBatchesOf: examples, x)
  }
}
