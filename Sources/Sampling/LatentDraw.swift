import Datasets
import Experiments
import Quality
import Support
import TensorCore
import VAE

/// Choice of latent variables for samples.
package enum LatentDraw: Equatable, Sendable, CustomStringConvertible {
  /// Draws from the prior.
  case plain
  /// Draws from the prior, scaled towards its mean by the given factor: less variety, more typical
  /// samples.
  ///
  /// See Karras et al. 2019, appendix B.
  case truncated(Double)
  /// Hubs of the prior, see `HubSelection`.
  case hubs(quantile: Double)

  /// Parses "plain", "truncated:0.7" or "hubs:0.9".
  ///
  /// - Throws: `TensorError` for other text, numbers out of range, and a quantile that would keep
  ///   no hubs.
  package init(_ text: String) throws {
    let words = text.split(separator: ":", omittingEmptySubsequences: false)
    let number = words.count == 2 ? Double(words[1]) : nil
    switch (words[0], number) {
    case ("plain", nil) where words.count == 1: self = .plain
    case ("truncated", let share?):
      guard share > 0, share <= 1 else {
        throw TensorError("truncated: expected a number above 0 and at most 1, found \(words[1])")
      }
      self = .truncated(share)
    case ("hubs", let quantile?):
      _ = try HubSelection(quantile: quantile)
      self = .hubs(quantile: quantile)
    default:
      throw TensorError(
        "expected plain, truncated: with a number from 0 to 1, or hubs: with a quantile, such as "
          + "hubs:0.9; found \(printable(text))")
    }
  }

  /// The text that `init` parses.
  package var description: String {
    switch self {
    case .plain: "plain"
    case .truncated(let share): "truncated:\(decimal(share))"
    case .hubs(let quantile): "hubs:\(decimal(quantile))"
    }
  }
}

extension Run {
  /// True if samples are generated from latent variables in one pass, so that these can be chosen.
  package var hasLatentVariables: Bool { model is any LatentModel }

  /// Latent points of the plain draws of `seeds`, [seeds.count, width].
  ///
  /// - Throws: `FigmentError` for models without latent variables.
  package func latentPoints(seeds: [UInt64]) throws -> [Float] {
    try latentPoints(latentModel(.plain), seeds: seeds)
  }

  /// Draws one sample per seed with the given choice of latent variables; see
  /// `sample(seeds:_:observe:)`.
  ///
  /// - Throws: `FigmentError` if the model has no latent variables.
  package func sample(
    seeds: [UInt64], latent: LatentDraw, _ request: SampleRequest = SampleRequest(),
    observe: ((_ done: Int, _ samples: [Float]) throws -> Void)? = nil
  ) throws -> [Float] {
    guard latent != .plain, experiment.model.drawsSamples else {
      return try sample(seeds: seeds, request, observe: observe)
    }
    let model = try latentModel(latent)
    // A latent point that replaces a seed's keeps the class of that seed.
    let labels = try experiment.model.classCount.map {
      try classLabels(request.labels, seeds: seeds, classes: $0)
    }
    let samples: [Float]
    switch latent {
    case .plain: samples = try sample(seeds: seeds, SampleRequest(labels: labels))
    case .truncated(let share):
      samples = try model.sample(
        truncatedTo: share, seeds: seeds, labels: labels ?? request.labels, self)
    case .hubs(let quantile):
      let width = try latentPoints(model, seeds: [0]).count
      let chosen = try HubSelection(quantile: quantile).plainSeeds(
        for: seeds, try Neighbours(width: width, runtime)
      ) { try latentPoints(model, seeds: $0) }
      samples = try sample(seeds: chosen, SampleRequest(labels: labels ?? request.labels))
    }
    try observe?(samplingSteps(count: seeds.count), samples)
    return samples
  }

  private func latentModel(_ latent: LatentDraw) throws -> any LatentModel {
    guard let model = model as? any LatentModel else {
      throw FigmentError(
        "--latent \(latent): needs a model with latent variables; \(experiment.name) is a "
          + experiment.model.kind)
    }
    return model
  }
}
