import TensorCore

/// Samples of a generator, drawn at one fixed batch.
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

  /// A sampler of a model.
  ///
  /// - Parameters:
  ///   - batch: Samples drawn at once, at least 1; rounded up to a multiple of 4, see
  ///     `BatchedProgram`.
  ///   - weights: Which of the weights are read, given an expression of the raw ones.
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

  /// One sample per seed, [seeds.count] + shape.
  ///
  /// - Parameter labels: The class of each sample, from 0, where the model has classes; nil for seed modulo
  ///   classes.
  /// - Throws: `TensorError` unless labels and classes agree.
  public func sample(seeds: [UInt64], labels: [Int]? = nil) throws -> [Float] {
    let labels = try classLabels(labels, seeds: seeds, classes: model.classes)
    return try sampling.values(drawn, for: [.seeds(self.seeds, seeds)] + rows(labels))
  }

  /// The generator's examples for noise, [count, latent]: [count] + shape.
  ///
  /// - Parameter labels: The class of each, from 0, where the model has classes; nil for its place modulo
  ///   classes.
  /// - Throws: `TensorError` unless labels and classes agree.
  public func decode(_ noise: [Float], labels: [Int]? = nil) throws -> [Float] {
    let places = (0..<noise.count / model.latent).map { UInt64($0) }
    let labels = try classLabels(labels, seeds: places, classes: model.classes)
    return try decoding.values(decoded, for: [.values(latents, noise)] + rows(labels))
  }

  private func rows(_ labels: [Int]) -> [BatchedProgram.Rows] {
    model.classes == nil ? [] : [.values(label, labels.map { Float($0) })]
  }
}

/// The critic at given points: its score, and the length of the score's gradient.
public final class CriticField {
  private let program: Program
  private let x, score, slope: Tensor

  /// The field at `count` examples at once.
  ///
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(_ model: WassersteinGAN, _ runtime: Runtime, count: Int) throws {
    x = .input("x", [count] + model.shape)
    score = model.score(x).value
    slope = gradientNorm(of: score, at: x)
    program = try runtime.compile("critic-field", [score, slope], sharesDraws: true)
  }

  /// The score and the length of its gradient at `points`, [count] + shape: [count] each.
  public func callAsFunction(_ points: [Float]) throws -> (score: [Float], slope: [Float]) {
    try program.fill(x, with: points)
    program.run(at: 0)
    return (try program.values(score), try program.values(slope))
  }
}
