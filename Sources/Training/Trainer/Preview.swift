import DDPM
import TensorCore
import VAE
import WGAN

/// Sheets during training: the raw weights beside those to evaluate with, until both draw the same.
final class Preview {
  private let raw: (() throws -> [Float])?
  private let evaluated: (() throws -> [Float])?
  private let caption: String

  init(_ training: TrainingProgram, _ experiment: Experiment) throws {
    let settings = experiment.sampling
    let sampled = training.model.sampled(of: training.parameters)
    let seeds = (0..<settings.previewCount).map { UInt64($0) }
    func drawing(_ weights: Weights) throws -> (() throws -> [Float])? {
      switch training.model {
      case .classifier: return nil
      case .ddpm(let model):
        let reverse = try experiment.reverse()
        let sampler = try Sampler(
          model, training.runtime, batch: settings.previewCount,
          weights: weights.reading(sampled),
          precision: experiment.precision,
          clip: model.clipRange)
        return {
          try sampler.sample(seeds: seeds, reverse.samplingMethod, steps: reverse.previewSteps)
        }
      case .vae(let model, _):
        let sampler = try LatentSampler(
          model, training.runtime, batch: settings.previewCount,
          drawsObservations: model.drawsObservations,
          weights: weights.reading(sampled))
        return { try sampler.sample(seeds: seeds) }
      case .wgan(let model, _):
        let sampler = try GeneratorSampler(
          model, training.runtime, batch: settings.previewCount, weights: weights.reading(sampled))
        return { try sampler.sample(seeds: seeds) }
      }
    }
    raw = try drawing(.raw)
    let weights = experiment.optimizer.weights
    caption = weights == .slow ? "slow weights" : "moving average"
    evaluated = weights == .raw ? nil : try drawing(weights)
  }

  /// The samples to show, each with a caption; none of a model that draws none.
  func draw() throws -> [(caption: String, samples: [Float])] {
    guard let first = try raw?() else { return [] }
    guard let evaluated else { return [("raw weights", first)] }
    let second = try evaluated()
    let gap =
      zip(first, second).reduce(0.0) { $0 + abs(Double($1.0 - $1.1)) } / Double(first.count)
    // A hundredth of the range of an image, or a fiftieth of a standard deviation of points.
    let agree = gap < 0.02
    return (agree ? [] : [("raw weights", first)]) + [(caption, second)]
  }
}

extension DDPM {
  /// Images lie in [-1, 1], and so may the estimate of x_0; points have no such range.
  var clipRange: ClosedRange<Double>? { denoiser.shape.count == 3 ? -1...1 : nil }
}

extension VAE {
  /// Pictures show the expected image, which is what people look at; points are drawn with their noise,
  /// as they are compared with the data's.
  var drawsObservations: Bool { shape.count == 1 }
}

extension Experiment {
  /// How the run samples step by step.
  ///
  /// - Throws: `TensorError` for models that sample in one pass.
  func reverse() throws -> SamplingSettings.Reverse {
    guard let reverse = sampling.reverse else {
      throw TensorError("\(name) is a \(model.kind), which samples in one pass")
    }
    return reverse
  }
}
