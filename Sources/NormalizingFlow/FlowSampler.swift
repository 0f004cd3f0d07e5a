import TensorCore

/// Draws samples of a flow at one fixed batch, so that a sample depends on its own seed alone.
///
/// The draws are named by the program `sample`.
public final class FlowSampler {
  /// Samples drawn at once, a multiple of 4; requests are padded to it.
  public let batch: Int
  private let model: CouplingFlow
  private let sampling, decoding: Program
  private let seeds, latents: Tensor
  private let drawn, decoded: Tensor

  /// A sampler of a model.
  ///
  /// - Parameters:
  ///   - batch: Samples at once, at least 1; made a multiple of 4, as contractions are cut into up to four
  ///     equal slices.
  ///   - weights: Which of the weights are read, given an expression of the raw ones.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: CouplingFlow, _ runtime: Runtime, batch: Int, precision: Precision = .fp32,
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

  /// One sample per seed, [seeds.count] + shape.
  public func sample(seeds: [UInt64]) throws -> [Float] {
    try sampling.values(drawn, inBatchesOf: self.seeds, seeds)
  }

  /// The examples of latent points, [count, dimensions]: [count] + shape.
  ///
  /// - Throws: `TensorError` unless they are whole points.
  public func decode(_ points: [Float]) throws -> [Float] {
    try decoding.values(decoded, inBatchesOf: latents, points)
  }
}
