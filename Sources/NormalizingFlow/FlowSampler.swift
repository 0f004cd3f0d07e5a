import TensorCore

/// A sampler of a flow with a fixed batch.
///
/// A sample depends on its own seed, but for rounding on processors without AVX-512: see
/// `BatchedProgram`. The draws are named by the program `sample`.
public final class FlowSampler {
  /// Number of samples drawn at once, a multiple of 4; requests are padded to it.
  public var batch: Int { sampling.batch }
  private let sampling, decoding: BatchedProgram
  private let seeds, latents: Tensor
  private let drawn, decoded: Tensor

  /// Creates a sampler of a model.
  ///
  /// - Parameters:
  ///   - batch: Samples computed at once, at least 1; rounded up to a multiple of 4, see
  ///     `BatchedProgram`.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(
    _ model: CouplingFlow, _ runtime: Runtime, batch: Int, precision: Precision = .fp32,
    weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    let batch = BatchedProgram.batch(atLeast: batch)
    seeds = .seeds("seeds", batch)
    latents = .input("latents", [batch, model.dimensions])
    drawn = weights(model.inverse(model.noise(batch, keys: seeds)))
    decoded = weights(model.inverse(latents))
    func compiled(_ name: String, _ output: Tensor) throws -> BatchedProgram {
      let program = try runtime.compile(name, [output], precision: precision, sharesDraws: true)
      return BatchedProgram(program, batch: batch)
    }
    sampling = try compiled("sample", drawn)
    decoding = try compiled("decode", decoded)
  }

  /// Draws one sample per seed: [seeds.count] + shape.
  public func sample(seeds: [UInt64]) throws -> [Float] {
    try sampling.values(drawn, for: [.seeds(self.seeds, seeds)])
  }

  /// Maps latent points, [count, dimensions], to examples: [count] + shape.
  ///
  /// - Throws: `TensorError` unless the count of numbers is a multiple of `dimensions`.
  public func decode(_ points: [Float]) throws -> [Float] {
    try decoding.values(decoded, for: [.values(latents, points)])
  }
}
