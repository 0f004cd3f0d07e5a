import Experiments
import TensorCore

/// All that a run needs beside its folder, checked and compiled: whatever can be refused is refused before
/// the folder is made.
package struct Preparation {
  /// The data, their classes in the order of the run.
  let data: TrainingData
  let validation: TrainingData?
  let runtime: Runtime
  let training: TrainingProgram
  let watch: Watch
  let preview: Preview

  /// Prepares a run that begins.
  ///
  /// - Throws: What the model, the data or the memory of the machine do not allow.
  package init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData?, threads: Int
  ) throws {
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    try self.init(experiment, data, validation: validation, runtime)
  }

  /// Prepares a run whose variables `runtime` holds, if it has begun.
  init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData?, _ runtime: Runtime
  ) throws {
    (self.data, self.validation, self.runtime) = (data, validation, runtime)
    training = try TrainingProgram(experiment, data, runtime)
    watch = try Watch(training, validation, experiment)
    preview = try Preview(training, experiment)
  }
}
