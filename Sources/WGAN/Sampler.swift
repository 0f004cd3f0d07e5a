import TensorCore

/// A sampler of a generator with a fixed batch.
///
/// A sample depends on its own seed, but for rounding on processors without AVX-512: see
/// `BatchedProgram`. The draws are named by the program `sample`.
public final class GeneratorSampler {
  /// Number of samples drawn at once, a multiple of 4; requests are padded to it.
  public var batch: Int { sampling.batch }
  private let model: WassersteinGAN
  private let sampling, decoding: BatchedProgram
  private let seeds, latents, label: Tensor
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
    _ model: WassersteinGAN, _ runtime: Runtime, batch: Int, precision: Precision = .fp32,
    weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    let batch = BatchedProgram.batch(atLeast: batch)
    self.model = model
    seeds = .seeds("seeds", batch)
    latents = .input("latents", [batch, model.latent])
    label = .input("label", [batch])
    let known = model.classes == nil ? nil : label
    drawn = weights(model.generate(model.noise(batch, keys: seeds), label: known))
    decoded = weights(model.generate(latents, label: known))
    func compiled(_ name: String, _ output: Tensor) throws -> BatchedProgram {
      let program = try runtime.compile(name, [output], precision: precision, sharesDraws: true)
      return BatchedProgram(program, batch: batch)
    }
    sampling = try compiled("sample", drawn)
    decoding = try compiled("decode", decoded)
  }

  /// Draws one sample per seed: [seeds.count] + shape.
  ///
  /// - Parameter labels: The class of each sample, from 0, if the model has classes; nil for seed
  ///   modulo classes.
  /// - Throws: `TensorError` unless the labels fit the classes.
  public func sample(seeds: [UInt64], labels: [Int]? = nil) throws -> [Float] {
    let labels = try classLabels(labels, seeds: seeds, classes: model.classes)
    return try sampling.values(drawn, for: [.seeds(self.seeds, seeds)] + rows(labels))
  }

  /// Generates examples from noise, [count, latent]: [count] + shape.
  ///
  /// - Parameter labels: The class of each, from 0, if the model has classes; nil for its index
  ///   modulo classes.
  /// - Throws: `TensorError` unless the labels fit the classes.
  public func decode(_ noise: [Float], labels: [Int]? = nil) throws -> [Float] {
    let places = (0..<noise.count / model.latent).map { UInt64($0) }
    let labels = try classLabels(labels, seeds: places, classes: model.classes)
    return try decoding.values(decoded, for: [.values(latents, noise)] + rows(labels))
  }

  private func rows(_ labels: [Int]) -> [BatchedProgram.Rows] {
    model.classes == nil ? [] : [.values(label, labels.map { Float($0) })]
  }
}

/// The critic at given points: its score, and the norm of the score's gradient.
public final class CriticField {
  private let program: Program
  private let x, score, norm: Tensor

  /// Creates the field for `count` examples at a time.
  ///
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(_ model: WassersteinGAN, _ runtime: Runtime, count: Int) throws {
    x = .input("x", [count] + model.shape)
    score = model.score(x).value
    norm = gradientNorm(of: score, at: x)
    program = try runtime.compile("critic-field", [score, norm], sharesDraws: true)
  }

  /// The score and its gradient norm at `points`, [count] + shape: [count] each.
  public func callAsFunction(_ points: [Float]) throws -> (score: [Float], gradientNorm: [Float]) {
    try program.fill(x, with: points)
    program.run(at: 0)
    return (try program.values(score), try program.values(norm))
  }
}
