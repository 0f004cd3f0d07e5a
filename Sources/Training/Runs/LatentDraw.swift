import Datasets
import Quality
import TensorCore
import VAE

/// How the latent variables of samples are chosen.
public enum LatentDraw: Equatable, Sendable, CustomStringConvertible {
  /// From the prior.
  case plain
  /// From the prior, and then the given part of the way from its mean: what is rare becomes rarer.
  ///
  /// See Karras et al. 2019, appendix B.
  case truncated(Double)
  /// Hubs of the prior, see `HubSelection`.
  case hubs(quantile: Double)

  /// Reads "plain", "truncated:0.7" or "hubs:0.9".
  ///
  /// - Throws: `TensorError` for anything else, for numbers out of range, and for hubs where none would be
  ///   kept.
  public init(_ text: String) throws {
    let words = text.split(separator: ":", omittingEmptySubsequences: false)
    let number = words.count == 2 ? Double(words[1]) : nil
    switch (words[0], number) {
    case ("plain", nil) where words.count == 1: self = .plain
    case ("truncated", let share?):
      guard share > 0, share <= 1 else {
        throw TensorError("truncated: takes a number above 0 and at most 1, not \(words[1])")
      }
      self = .truncated(share)
    case ("hubs", let quantile?):
      _ = try HubSelection(quantile: quantile)
      self = .hubs(quantile: quantile)
    default:
      throw TensorError(
        "expected plain, truncated: with a number from 0 to 1, or hubs: with a quantile, such as "
          + "hubs:0.9, not \(printable(text))")
    }
  }

  /// As `init` reads it.
  public var description: String {
    switch self {
    case .plain: "plain"
    case .truncated(let share): "truncated:\(decimal(share))"
    case .hubs(let quantile): "hubs:\(decimal(quantile))"
    }
  }
}

extension Run {
  /// Whether samples are made of latent variables at once, so that these can be chosen.
  public var hasLatentVariables: Bool {
    switch model {
    case .vae, .wgan: true
    case .ddpm, .classifier: false
    }
  }

  /// The latent points that plain draws of seeds begin with, [seeds.count, width].
  ///
  /// - Throws: `DataError` for models without latent variables.
  public func latentPoints(seeds: [UInt64]) throws -> [Float] {
    let batch = min(1000, max(1, seeds.count))
    let keys = Tensor.seeds("seeds", batch)
    let points: Tensor
    switch model {
    case .vae(let model, _): points = model.latent.prior(batch, keys: keys) + 0
    case .wgan(let model, _): points = model.noise(batch, keys: keys) + 0
    case .ddpm, .classifier: throw withoutLatentVariables(.plain)
    }
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

  /// One sample per seed from latent variables that are chosen so.
  ///
  /// - Parameter labels: The class of each, from 0, where the model is told classes.
  func sample(seeds: [UInt64], latent: LatentDraw, labels: [Int]? = nil) throws -> [Float] {
    // What is chosen in place of a seed keeps that seed's class.
    let classes = experiment.model.classes
    let labels =
      classes == nil ? labels : try classLabels(labels, seeds: seeds, classes: classes)
    switch (latent, model) {
    case (_, .ddpm), (_, .classifier): throw withoutLatentVariables(latent)
    case (_, .vae) where labels != nil:
      throw TensorError("the model was not told classes, so none can be asked for")
    case (.plain, .vae): return try latentSampler().sample(seeds: seeds)
    case (.plain, .wgan): return try generatorSampler().sample(seeds: seeds, labels: labels)
    case (.truncated(let share), .vae(let model, _)):
      if case .sphere = model.latent {
        throw DataError(
          "\(latent) is towards the mean of the latent variables, and those of \(experiment.name) lie "
            + "on a sphere, which has none; hubs has no need of one")
      }
      return try latentSampler(truncation: share).sample(seeds: seeds)
    case (.truncated(let share), .wgan):
      return try generatorSampler().decode(
        latentPoints(seeds: seeds).map { Float(share) * $0 }, labels: labels)
    case (.hubs(let quantile), _):
      let width = try latentPoints(seeds: [0]).count
      let chosen = try HubSelection(quantile: quantile).plainSeeds(
        for: seeds, try Neighbours(width: width, runtime)
      ) { try latentPoints(seeds: $0) }
      return try sample(seeds: chosen, latent: .plain, labels: labels)
    }
  }

  private func withoutLatentVariables(_ latent: LatentDraw) -> DataError {
    DataError(
      "\(latent) is for models with latent variables, and \(experiment.name) is a "
        + experiment.model.kind)
  }
}
