import TensorCore

extension Run {
  /// Latent points of the plain draws of `seeds`, [seeds.count, width].
  package func latentPoints(_ model: some LatentModel, seeds: [UInt64]) throws -> [Float] {
    let batch = BatchedProgram.batch(atLeast: min(1000, max(1, seeds.count)))
    let keys = Tensor.seeds("seeds", batch)
    let points = model.prior(batch, keys: keys) + 0
    // Draws are keyed by program name; "sample" is that of the samplers.
    let program = try runtime.compile("sample", [points], sharesDraws: true)
    return try BatchedProgram(program, batch: batch).values(points, for: [.seeds(keys, seeds)])
  }
}
