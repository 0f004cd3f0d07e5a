import TensorCore

/// A generator and a critic that are trained in turn, with a constraint on the gradient of the
/// critic.
///
/// After Arjovsky et al. 2017, arXiv 1701.07875, with the critic of Wu et al. 2021, arXiv 2109.02235.
/// Examples x are [n] + shape: points standardised, images in [-1, 1].
public struct WassersteinGAN: Sendable {
  /// The shape of an example.
  public let shape: [Int]
  /// Number of dimensions of the generator's noise.
  public let latent: Int
  /// Number of classes both networks are conditioned on, or nil for unconditional networks.
  ///
  /// The class as a one-hot vector is concatenated to the generator's noise and, at each pixel, to
  /// the critic's input (Mirza and Osindero 2014, arXiv 1411.1784).
  public let classes: Int?
  /// The constraint on the critic's gradient.
  public let constraint: Constraint
  /// The losses as functions of the critic's scores.
  public let loss: AdversarialLoss
  /// The penalty on jumps of the score between neighbours, if any.
  public let consistency: Consistency?
  private let generator: Layer
  private let critic: Layer
  private let spectra: [Spectrum]

  /// Creates a model and adds its parameters to `parameters["generator"]` and
  /// `parameters["critic"]`.
  ///
  /// - Throws: `TensorError` if the networks do not fit examples of `shape`, or a setting is out of
  ///   range.
  public init(
    shape: [Int], networks: AdversarialNetworks, constraint: Constraint, loss: AdversarialLoss,
    consistency: Consistency? = nil, _ parameters: Parameters
  ) throws {
    if let failure = networks.failure(forExamplesOf: shape) { throw TensorError(failure) }
    self = try WassersteinGAN(
      shape: shape, latent: networks.latent, classes: networks.classes,
      generator: networks.generator(shape, parameters["generator"]),
      critic: networks.critic(shape, parameters["critic"]), constraint: constraint, loss: loss,
      consistency: consistency, parameters)
  }

  /// Creates a model from any two networks.
  ///
  /// The generator maps [n, latent] to [n] + shape, the critic [n] + shape to [n]. With
  /// classes, the last axis of both inputs is longer by their number.
  ///
  /// - Throws: `TensorError` if a setting is out of range.
  public init(
    shape: [Int], latent: Int, classes: Int? = nil, generator: Layer, critic: Layer,
    constraint: Constraint,
    loss: AdversarialLoss, consistency: Consistency? = nil, _ parameters: Parameters
  ) throws {
    if let failure = constraint.failure ?? consistency?.failure { throw TensorError(failure) }
    (self.shape, self.latent, self.classes) = (shape, latent, classes)
    (self.generator, self.critic) = (generator, critic)
    (self.constraint, self.loss, self.consistency) = (constraint, loss, consistency)
    spectra =
      constraint == .spectral
      ? parameters["critic"].part.variables.filter { $0.shape.count > 1 }.map(Spectrum.init) : []
  }

  /// State of the critic other than parameters and optimizer state; constant during steps of the
  /// generator.
  public var criticState: [Variable] { spectra.map(\.vector) }

  /// Draws noise for `count` samples: [count, latent].
  ///
  /// - Parameter keys: A seed for each sample, see `Tensor.normal`.
  public func noise(_ count: Int, keys: Tensor? = nil) -> Tensor {
    .normal([count, latent], "latent", keys: keys)
  }

  /// Concatenates the one-hot class of each example to x, [n, ..., c]: [n, ..., c + classes].
  private func conditioned(_ x: Tensor, on label: Tensor?) -> Tensor {
    guard (label == nil) == (classes == nil), label.map({ $0.shape == [x.shape[0]] }) ?? true else {
      return x.failing(
        "a WGAN of \(classes.map { "\($0)" } ?? "no") classes given "
          + (label.map { "classes of shape \($0.shape)" } ?? "none"))
    }
    guard let label, let classes else { return x }
    let ones = (0..<classes * classes).map { $0 % (classes + 1) == 0 ? 1.0 : 0.0 }
    let row = Tensor.literal(ones, [classes, classes]).gather(label)
    let inner = x.shape.dropFirst().dropLast()
    return concatenate(
      [
        x,
        row.reshape([x.shape[0]] + inner.map { _ in 1 } + [classes])
          .broadcast(to: [x.shape[0]] + inner + [classes]),
      ], axis: x.rank - 1)
  }

  /// Generates samples from noise z, [n, latent]: [n] + shape.
  ///
  /// - Parameter label: The class of each, [n], from 0; required exactly if there are classes.
  public func generate(_ z: Tensor, label: Tensor? = nil) -> Tensor {
    generator(conditioned(z, on: label))
  }

  /// f(x), [n]; invalid if the critic's output for one example depends on another.
  private func evaluate(_ x: Tensor, _ label: Tensor?) -> Tensor {
    guard x.rank >= 1, Array(x.shape.dropFirst()) == shape else {
      return x.failing("a critic of examples \(shape) given \(x.shape)")
    }
    let inputs = conditioned(x, on: label)
    guard inputs.failure == nil else { return inputs }
    let f = critic(inputs)
    if f.failure == nil, f.shape != [x.shape[0]] {
      return f.failing("a critic gives shape \(f.shape) for \(x.shape), not [\(x.shape[0])]")
    }
    if f.failure == nil, let operation = f.operationThatMixesRows(of: x) {
      return f.failing(
        "the critic mixes the examples of a batch (\(operation)), so that its gradient is not that of "
          + "one example; expected no batch statistics: group normalization or none")
    }
    return f.substituting(
      Dictionary(uniqueKeysWithValues: spectra.map { ($0.weight, $0.normalized.weight) }))
  }

  /// The critic's output for examples x, [n] + shape.
  ///
  /// - Parameter label: The class of each, [n], from 0; required exactly if there are classes.
  public func score(_ x: Tensor, label: Tensor? = nil) -> Score {
    constraint.score(evaluate(x, label), at: x)
  }

  /// The objective of a critic's step, with the metrics it reports.
  public struct CriticObjective: Sendable {
    /// The loss, a scalar.
    public let loss: Tensor
    /// Scalar metrics: the mean scores of data and of samples; if the constraint uses |∇f|, its
    /// mean as `slope`; and the other terms of the loss.
    public let parts: [(name: String, value: Tensor)]
    /// Updates of other variables in a critic's step.
    public let updates: [Update]
  }

  /// The critic's loss on data x, [n] + shape, and as many fresh samples of the same classes.
  public func criticObjective(_ x: Tensor, label: Tensor? = nil) -> CriticObjective {
    guard let count = x.shape.first, Array(x.shape.dropFirst()) == shape else {
      let wrong = x.failing("a critic of examples \(shape) given \(x.shape)")
      return CriticObjective(loss: wrong, parts: [], updates: [])
    }
    let samples = generate(noise(count), label: label).stopped
    // One pass over all examples: none depends on another.
    let both = concatenate([x, samples], axis: 0)
    let near = consistency.map {
      both + $0.standardDeviation * Tensor.normal(both.shape, "neighbour")
    }
    let all = near.map { concatenate([both, $0], axis: 0) } ?? both
    let labels = label.map { label in
      concatenate(Array(repeating: label, count: all.shape[0] / count), axis: 0)
    }
    let judged = score(all, label: labels)
    let score = judged.value
    let (r, s) = (
      score.slice(axis: 0, from: 0, count: count), score.slice(axis: 0, from: count, count: count)
    )
    var objective = loss.critic(data: r, samples: s)
    var parts = [("scoreOfData", r.mean()), ("scoreOfSamples", s.mean())]
    if let norm = judged.gradientNorm {
      parts.append(("slope", norm.slice(axis: 0, from: 0, count: 2 * count).mean()))
    }
    if let consistency {
      let change =
        score.slice(axis: 0, from: 2 * count, count: 2 * count)
        - score.slice(axis: 0, from: 0, count: 2 * count)
      let penalty = consistency.weight * change.squared().mean()
      objective = objective + penalty
      parts.append(("inconsistency", penalty))
    }
    if case .gradientPenalty(let weight, let isOneSided) = constraint {
      let fraction = Tensor.uniform([count] + shape.map { _ in 1 }, "interpolation")
      let between = (fraction * x + (1 - fraction) * samples).stopped
      let norm = gradientNorm(of: evaluate(between, label), at: between)
      let excess = norm - 1
      let penalty = weight * (isOneSided ? relu(excess) : excess).squared().mean()
      objective = objective + penalty
      parts += [("slope", norm.mean()), ("penalty", penalty)]
    }
    return CriticObjective(
      loss: objective, parts: parts,
      updates: spectra.map { Update($0.vector, $0.normalized.vector) })
  }

  /// The generator's loss on `count` fresh samples, a scalar.
  ///
  /// - Parameter label: The class of each, [count], from 0; required exactly if there are classes.
  public func generatorLoss(count: Int, label: Tensor? = nil) -> Tensor {
    loss.generator(samples: score(generate(noise(count), label: label), label: label).value)
  }
}
