import TensorCore

/// A trained model evaluated with a fixed batch: it samples, decodes and encodes.
///
/// A result depends on its own seed or input, but for rounding on processors without AVX-512: see
/// `BatchedProgram`. The draws are named by the program `sample`.
public final class LatentSampler {
  /// Number of rows computed at once, a multiple of 4; requests are padded to it.
  public var batch: Int { sampling.batch }
  private let sampling, decoding, encoding: BatchedProgram
  private let seeds, latents, examples: Tensor
  private let drawn, decoded, means: Tensor

  /// Creates a sampler of a model.
  ///
  /// - Parameters:
  ///   - batch: Rows computed at once, at least 1; rounded up to a multiple of 4, see
  ///     `BatchedProgram`.
  ///   - drawsObservations: True to draw samples from p(x|z), false to return its mean.
  ///   - truncation: Factor by which the latent variables of samples are multiplied.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: VariationalAutoencoder, _ runtime: Runtime, batch: Int, drawsObservations: Bool,
    truncation: Double = 1, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    let batch = BatchedProgram.batch(atLeast: batch)
    seeds = .seeds("seeds", batch)
    latents = .input("latents", [batch, model.latent.coordinates])
    examples = .input("examples", [batch] + model.shape)
    let prior = model.latent.prior(batch, keys: seeds)
    let z = truncation == 1 ? prior : truncation * prior
    drawn = weights(drawsObservations ? model.draw(z, keys: seeds) : model.decode(z))
    decoded = weights(model.decode(latents))
    means = weights(model.posterior(examples).mean)
    func compiled(_ name: String, _ output: Tensor) throws -> BatchedProgram {
      BatchedProgram(try runtime.compile(name, [output], sharesDraws: true), batch: batch)
    }
    sampling = try compiled("sample", drawn)
    decoding = try compiled("decode", decoded)
    encoding = try compiled("encode", means)
  }

  /// Draws one sample per seed: [seeds.count] + shape.
  public func sample(seeds: [UInt64]) throws -> [Float] {
    try sampling.values(drawn, for: [.seeds(self.seeds, seeds)])
  }

  /// E[x|z] for points z, [count, coordinates]: [count] + shape.
  public func decode(_ points: [Float]) throws -> [Float] {
    try decoding.values(decoded, for: [.values(latents, points)])
  }

  /// The centres of q(z|x) for examples, [count] + shape: [count, coordinates].
  public func encode(_ x: [Float]) throws -> [Float] {
    try encoding.values(means, for: [.values(examples, x)])
  }
}
