import TensorCore

/// A sampler of a generator with a fixed batch, so that a sample depends only on its own seed.
///
/// The draws are named by the program `sample`.
public final class GeneratorSampler {
  /// Samples drawn at once, a multiple of 4; requests are padded to it.
  public let batch: Int
  private let model: WGAN
  private let sampling, decoding: Program
  private let seeds, latents, label: Tensor
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
    _ model: WGAN, _ runtime: Runtime, batch: Int, precision: Precision = .fp32,
    weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    let batch = (batch + 3) / 4 * 4
    (self.batch, self.model) = (batch, model)
    seeds = .seeds("seeds", batch)
    latents = .input("latents", [batch, model.latent])
    label = .input("label", [batch])
    let known = model.classes == nil ? nil : label
    drawn = weights(model.generate(model.noise(batch, keys: seeds), label: known))
    decoded = weights(model.generate(latents, label: known))
    sampling = try runtime.compile(
      "sample", [drawn], precision: precision, sharesDraws: true)
    decoding = try runtime.compile(
      "decode", [decoded], precision: precision, sharesDraws: true)
  }

  /// Draws one sample per seed: [seeds.count] + shape.
  ///
  /// - Parameter labels: The class of each sample, from 0, if the model has classes; nil for seed
  ///   modulo classes.
  /// - Throws: `TensorError` unless the labels fit the classes.
  public func sample(seeds: [UInt64], labels: [Int]? = nil) throws -> [Float] {
    let labels = try classLabels(labels, seeds: seeds, classes: model.classes)
    var result: [Float] = []
    for first in stride(from: 0, to: seeds.count, by: batch) {
      let rows = seeds[first..<min(first + batch, seeds.count)]
      try sampling.fill(seeds: self.seeds, with: Array(rows))
      try fill(sampling, labels.dropFirst(first).prefix(rows.count))
      sampling.run(at: 0)
      result += try sampling.values(drawn).prefix(rows.count * model.shape.reduce(1, *))
    }
    return result
  }

  private func fill(_ program: Program, _ labels: ArraySlice<Int>) throws {
    guard model.classes != nil else { return }
    let padding = [Float](repeating: 0, count: batch - labels.count)
    try program.fill(label, with: labels.map { Float($0) } + padding)
  }

  /// Generates examples from noise, [count, latent]: [count] + shape.
  ///
  /// - Parameter labels: The class of each, from 0, if the model has classes; nil for its index
  ///   modulo classes.
  /// - Throws: `TensorError` unless the labels fit the classes.
  public func decode(_ noise: [Float], labels: [Int]? = nil) throws -> [Float] {
    var result: [Float] = []
    let width = model.latent
    guard noise.count % width == 0 else {
      throw TensorError("\(noise.count) numbers are not whole latent points of \(width)")
    }
    let places = (0..<noise.count / width).map { UInt64($0) }
    let labels = try classLabels(labels, seeds: places, classes: model.classes)
    for first in stride(from: 0, to: noise.count, by: batch * width) {
      let rows = noise[first..<min(first + batch * width, noise.count)]
      try decoding.fill(
        latents, with: rows + [Float](repeating: 0, count: batch * width - rows.count))
      try fill(decoding, labels.dropFirst(first / width).prefix(rows.count / width))
      decoding.run(at: 0)
      result += try decoding.values(decoded)
        .prefix(rows.count / width * model.shape.reduce(1, *))
    }
    return result
  }
}

/// The critic at given points: its score, and the norm of the score's gradient.
public final class CriticField {
  private let program: Program
  private let x, score, norm: Tensor

  /// Creates the field for `count` examples at a time.
  ///
  /// - Throws: `TensorError` if the model's expressions are invalid.
  public init(_ model: WGAN, _ runtime: Runtime, count: Int) throws {
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
