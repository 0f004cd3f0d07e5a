import Experiments
import Support
import TensorCore

extension Run {
  /// Loads the checkpoint of a run folder; the data set itself is not needed.
  ///
  /// - Throws: `SkippedPath` if there is no checkpoint, `FigmentError` if it is damaged.
  package init(folder: String, threads: Int) throws {
    let paths = RunPaths(folder)
    let checkpoint = try paths.loadCheckpoint()
    let experiment = checkpoint.experiment
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    try checkpoint.restore(into: runtime)
    let parameters = Parameters(experiment.model.root)
    let model = try experiment.model.model(forExamplesOf: checkpoint.domain.shape, parameters)
    self.init(
      experiment: experiment, domain: checkpoint.domain, classes: checkpoint.classes,
      runtime: runtime, model: model, parameters: parameters, step: checkpoint.step)
    let sampled = Set(model.sampled(of: parameters))
    for variable in parameters.variables {
      let kinds = sampled.contains(variable) ? [Weights.raw, experiment.weights] : [.raw]
      for name in Set(kinds.map { $0.name(variable) }).sorted()
      where runtime.shape(ofVariable: name) != variable.shape {
        throw FigmentError(
          path: paths.checkpoint,
          problem: "holds no array \(quoted(name)) of shape \(variable.shape)")
      }
    }
  }
}
