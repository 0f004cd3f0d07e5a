import DDPM
import TensorCore

/// Sheets during training: the raw weights beside their average until both draw the same.
final class Preview {
  private let raw: Sampler
  private let averaged: Sampler?
  private let method: SamplingMethod
  private let steps: Int
  private let seeds: [UInt64]

  init(_ training: TrainingProgram, _ experiment: Experiment) throws {
    let settings = experiment.sampling
    let clip = training.model.clipRange
    func sampler(averaged: [Variable]) throws -> Sampler {
      try Sampler(
        training.model, training.runtime, batch: settings.previewCount, averaged: averaged,
        clip: clip)
    }
    raw = try sampler(averaged: [])
    averaged =
      experiment.optimizer.average == nil
      ? nil : try sampler(averaged: training.parameters.variables)
    method = settings.samplingMethod
    steps = settings.previewSteps
    seeds = (0..<settings.previewCount).map { UInt64($0) }
  }

  /// The samples to show, each with a caption.
  func draw() throws -> [(caption: String, samples: [Float])] {
    let first = try raw.sample(seeds: seeds, method, steps: steps)
    guard let averaged else { return [("raw weights", first)] }
    let second = try averaged.sample(seeds: seeds, method, steps: steps)
    let gap =
      zip(first, second).reduce(0.0) { $0 + abs(Double($1.0 - $1.1)) } / Double(first.count)
    // A hundredth of the range of an image, or a fiftieth of a standard deviation of points.
    let agree = gap < 0.02
    return (agree ? [] : [("raw weights", first)]) + [("moving average", second)]
  }
}

extension DDPM {
  /// Images lie in [-1, 1], and so may the estimate of x_0; points have no such range.
  var clipRange: ClosedRange<Double>? { denoiser.shape.count == 3 ? -1...1 : nil }
}
