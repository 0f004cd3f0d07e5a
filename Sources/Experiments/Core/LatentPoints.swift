import TensorCore

extension Run {
  /// The latent points that plain draws of seeds begin with, [seeds.count, width].
  package func latentPoints(_ model: some LatentModel, seeds: [UInt64]) throws -> [Float] {
    let batch = min(1000, max(1, seeds.count))
    let keys = Tensor.seeds("seeds", batch)
    let points = model.prior(batch, keys: keys) + 0
    // Draws are named by their program, and this is the one of the samplers.
    let program = try runtime.compile("sample", [points], sharesDraws: true)
    var values: [Float] = []
    for first in stride(from: 0, to: seeds.count, by: batch) {
      let rows = Array(seeds[first..<min(first + batch, seeds.count)])
      try program.fill(seeds: keys, with: rows)
      program.run(at: 0)
      values += try program.values(points).prefix(rows.count * points.shape[1])
    }
    return values
  }
}
