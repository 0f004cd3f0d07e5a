import TensorCore

/// A sampler of a flow with a fixed batch, so that a sample depends only on its own seed.
///
/// The draws are named by the program `sample`.
public final class FlowSampler {
  /// Samples drawn at once, a multiple of 4; requests are padded to it.
  public let batch: Int
  private let model: NormalizingFlow
  private let sampling, decoding: Program
  private let seeds, latents: Tensor
  private let drawn, decoded: Tensor

  /// Creates a sampler of a model.
  ///
  /// - Parameters:
  ///   - batch: Samples at once, at least 1; made a multiple of 4, as contractions are cut into up to four
  ///     equal slices.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: NormalizingFlow, _ runtime: Runtime, batch: Int, precision: Precision = .fp32,
    weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    let batch = (batch + 3) / 4 * 4
    (self.batch, self.model) = (batch, model)
    seeds = .seeds("seeds", batch)
    latents = .input("latents", [batch, model.dimensions])
    drawn = weights(model.inverse(model.noise(batch, keys: seeds)))
    decoded = weights(model.inverse(latents))
    sampling = try runtime.compile("sample", [drawn], precision: precision, sharesDraws: true)
    decoding = try runtime.compile("decode", [decoded], precision: precision, sharesDraws: true)
  }

  /// Draws one sample per seed: [seeds.count] + shape.
  public func sample(seeds: [UInt64]) throws -> [Float] {
    try sampling.values(drawn, inBatchesOf: self.seeds, seeds)
  }

  /// Maps latent points, [count, dimensions], to examples: [count] + shape.
  ///
  /// - Throws: `TensorError` unless the count of numbers is a multiple of `dimensions`.
  public func decode(_ points: [Float]) throws -> [Float] {
    try decoding.values(decoded, inBatchesOf: latents, points)
  }
}
