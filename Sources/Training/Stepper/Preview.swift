import Experiments
import Support
import TensorCore

/// Sample grids during training: the raw weights next to the evaluation weights, until both give the same
/// samples.
final class Preview {
  private let raw: ((_ steps: Int?) throws -> [Float])?
  private let evaluated: ((_ steps: Int?) throws -> [Float])?
  /// Number of sampler steps, or nil for a model that samples in one pass.
  private let steps: Int?
  private let caption: String

  init(_ training: TrainingProgram, _ experiment: Experiment) throws {
    let settings = experiment.sampling
    let sampled = training.model.sampled(of: training.parameters)
    let seeds = (0..<settings.previewCount).map { UInt64($0) }
    func drawing(_ weights: Weights) throws -> ((Int?) throws -> [Float])? {
      guard
        let sampler = try training.model.sampler(
          training.runtime, batch: settings.previewCount, weights: weights.reading(sampled),
          experiment)
      else { return nil }
      return { steps in
        try sampler.sample(seeds: seeds, SampleRequest(steps: steps), observe: nil)
      }
    }
    steps = settings.reverse?.previewSteps
    raw = try drawing(.raw)
    let weights = experiment.optimizer.weights
    caption = weights == .slow ? "slow weights" : "moving average"
    evaluated = weights == .raw ? nil : try drawing(weights)
  }

  /// Samples to show, each with a caption; none for a model that draws no samples.
  func draw() throws -> [(caption: String, samples: [Float])] {
    guard let first = try raw?(steps) else { return [] }
    guard let evaluated else { return [("raw weights", first)] }
    let second = try evaluated(steps)
    let gap =
      zip(first, second).reduce(0.0) { $0 + abs(Double($1.0 - $1.1)) } / Double(first.count)
    // A hundredth of the range of an image, or a fiftieth of the standard deviation of points.
    let agree = gap < 0.02
    return (agree ? [] : [("raw weights", first)]) + [(caption, second)]
  }

  /// Seconds that `draw` takes, from a few steps of the sampler, and samples of these few; nil for
  /// a model that draws no samples.
  func measure() throws -> (seconds: Double, samples: [Float])? {
    // Kernels are made in the first run.
    guard try raw?(steps.map { min($0, 1) }) != nil else { return nil }
    let few = steps.map { min($0, 5) }
    var samples: [Float] = []
    let seconds = try ContinuousClock().measure { samples = try raw?(few) ?? [] }.seconds
    let samplers = evaluated == nil ? 1.0 : 2.0
    return (seconds * samplers * Double(steps ?? 1) / Double(few ?? 1), samples)
  }
}
