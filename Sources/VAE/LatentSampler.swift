import TensorCore

/// Runs a trained model at one fixed batch, so that a result depends on its own seed or input alone.
///
/// The draws are named by the program `sample`.
package final class LatentSampler {
  /// Rows at once, a multiple of 4; requests are padded to it.
  package let batch: Int
  private let model: VAE
  private let sampling, decoding, encoding: Program
  private let seeds, latents, examples: Tensor
  private let drawn, decoded, means: Tensor

  /// A sampler of a model.
  ///
  /// - Parameters:
  ///   - batch: Rows at once, at least 1; made a multiple of 4, as contractions are cut into up to
  ///     four equal slices.
  ///   - drawsObservations: Whether a sample is a draw of p(x|z), not its mean.
  ///   - truncation: What the latent variables of samples are multiplied by.
  ///   - weights: Which of the weights are read, given an expression of the raw ones.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  package init(
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

  /// One sample per seed, [seeds.count] + shape.
  package func sample(seeds: [UInt64]) throws -> [Float] {
    var result: [Float] = []
    for first in stride(from: 0, to: seeds.count, by: batch) {
      let rows = seeds[first..<min(first + batch, seeds.count)]
      try sampling.fill(seeds: self.seeds, with: Array(rows))
      sampling.run(at: 0)
      result += try sampling.values(drawn).prefix(rows.count * model.shape.product)
    }
    return result
  }

  /// E[x|z] for points z, [count, coordinates]: [count] + shape.
  package func decode(_ points: [Float]) throws -> [Float] {
    try run(decoding, latents, points, decoded)
  }

  /// The centres of q(z|x) for examples, [count] + shape: [count, coordinates].
  package func encode(_ x: [Float]) throws -> [Float] { try run(encoding, examples, x, means) }

  private func run(
    _ program: Program, _ input: Tensor, _ values: [Float], _ output: Tensor
  ) throws -> [Float] {
    let (from, to) = (input.count / batch, output.count / batch)
    guard values.count % from == 0 else {
      throw TensorError("\(values.count) numbers are not whole rows of \(from)")
    }
    var result: [Float] = []
    for first in stride(from: 0, to: values.count, by: batch * from) {
      let rows = values[first..<min(first + batch * from, values.count)]
      let padding = [Float](repeating: 0, count: batch * from - rows.count)
      try program.fill(input, with: rows + padding)
      program.run(at: 0)
      result += try program.values(output).prefix(rows.count / from * to)
    }
    return result
  }
}
