import DDPM
import Datasets
import TensorCore

/// A trained model with its weights: to draw from and to evaluate.
public struct Run {
  /// What made it.
  public let experiment: Experiment
  /// What it was trained on.
  public let data: TrainingData
  /// Where the weights are.
  public let runtime: Runtime
  /// The model.
  public let model: DDPM
  let parameters: Parameters
  /// Steps of training.
  public let step: Int

  init(
    experiment: Experiment, data: TrainingData, runtime: Runtime, model: DDPM, parameters: Parameters, step: Int
  ) {
    (self.experiment, self.data, self.runtime) = (experiment, data, runtime)
    (self.model, self.parameters, self.step) = (model, parameters, step)
  }

  /// Loads the checkpoint of a run folder.
  ///
  /// - Throws: `FileError` or `FormatError` where there is no checkpoint or it is damaged; `DataError` where the data
  ///   set is missing.
  public init(folder: String, dataDirectory: String, threads: Int) throws {
    let paths = RunPaths(folder)
    guard FileSystem.kind(of: paths.checkpoint) == .file else {
      let problem =
        FileSystem.kind(of: folder) == .folder
        ? "holds no checkpoint.safetensors: not a run, or one that has not saved yet" : "is not a run folder"
      throw FormatError(path: folder, problem: problem)
    }
    let checkpoint = try Checkpoint(paths.checkpoint)
    experiment = checkpoint.experiment
    step = checkpoint.step
    data = try TrainingData(experiment.data, directory: dataDirectory)
    runtime = try Runtime(seed: experiment.seed, threads: threads)
    try checkpoint.restore(into: runtime)
    parameters = Parameters("denoiser")
    model = try experiment.model.model(forExamplesOf: data.shape, parameters)
    for variable in parameters.variables where runtime.shape(ofVariable: variable.name) != variable.shape {
      throw FormatError(
        path: paths.checkpoint, problem: "lacks \(quoted(variable.name)) of shape \(variable.shape)")
    }
  }

  /// Which samplers are compiled at: a sample's bytes depend on it, so it is the same for every command.
  static func batch(for shape: [Int]) -> Int { shape.count == 1 ? 2048 : 64 }

  /// Draws one sample per seed, [count] + shape, as models see examples: from the averaged weights where there are any.
  public func sample(
    seeds: [UInt64], method: SamplingMethod? = nil, steps: Int? = nil,
    observe: ((_ done: Int, _ samples: [Float]) -> Void)? = nil
  ) throws -> [Float] {
    let sampler = try Sampler(
      model, runtime, batch: Self.batch(for: data.shape),
      averaged: experiment.optimizer.average == nil ? [] : parameters.variables, clip: model.clipRange)
    return try sampler.sample(
      seeds: seeds, method ?? experiment.sampling.samplingMethod, steps: steps ?? experiment.sampling.steps,
      observe: observe)
  }
}
