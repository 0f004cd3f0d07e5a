import Experiments
import TensorCore

/// Sample grids during training: the raw weights next to the evaluation weights, until both give the same
/// samples.
final class Preview {
  private let raw: (() throws -> [Float])?
  private let evaluated: (() throws -> [Float])?
  private let caption: String

  init(_ training: TrainingProgram, _ experiment: Experiment) throws {
    let settings = experiment.sampling
    let sampled = training.model.sampled(of: training.parameters)
    let seeds = (0..<settings.previewCount).map { UInt64($0) }
    func drawing(_ weights: Weights) throws -> (() throws -> [Float])? {
      guard
        let sampler = try training.model.sampler(
          training.runtime, batch: settings.previewCount, weights: weights.reading(sampled),
          experiment)
      else { return nil }
      let request = SampleRequest(steps: settings.reverse?.previewSteps)
      return { try sampler.sample(seeds: seeds, request, observe: nil) }
    }
    raw = try drawing(.raw)
    let weights = experiment.optimizer.weights
    caption = weights == .slow ? "slow weights" : "moving average"
    evaluated = weights == .raw ? nil : try drawing(weights)
  }

  /// Samples to show, each with a caption; none for a model that draws no samples.
  func draw() throws -> [(caption: String, samples: [Float])] {
    guard let first = try raw?() else { return [] }
    guard let evaluated else { return [("raw weights", first)] }
    let second = try evaluated()
    let gap =
      zip(first, second).reduce(0.0) { $0 + abs(Double($1.0 - $1.1)) } / Double(first.count)
    // A hundredth of the range of an image, or a fiftieth of the standard deviation of points.
    let agree = gap < 0.02
    return (agree ? [] : [("raw weights", first)]) + [(caption, second)]
  }
}
