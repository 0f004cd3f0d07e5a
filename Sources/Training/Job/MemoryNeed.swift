import Domains
import Experiments
import TensorCore

/// Memory required by a training, computed before anything is allocated.
package struct MemoryNeed: Sendable {
  private let planned: PlannedMemory
  private let experiment: Experiment
  private let threads: Int

  /// Plans the programs of training, validation and sampling.
  ///
  /// - Throws: Errors of `Trainer.run` if the model does not fit the data.
  package init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData? = nil, threads: Int
  ) throws {
    var planned = experiment
    // Thresholding compiles to the same programs without drawing any bytes.
    if planned.binarisation == .fixed { planned.binarisation = .threshold }
    let runtime = try Runtime.planning(seed: experiment.seed, threads: threads)
    let stepper = try Stepper(planned, data, validation: validation, runtime)
    if planned.model.drawsSamples { _ = try stepper.run.sampler() }
    (self.planned, self.experiment, self.threads) = (runtime.planned, experiment, threads)
  }

  /// Total in bytes: programs, a checkpoint being written, the library and the threads' stacks.
  package var bytes: Int {
    planned.total + planned.variables + 64 << 20 + (threads - 1) * 8 << 20
  }

  /// Checks the requirement against the machine's limits.
  ///
  /// - Returns: A warning if that much memory is not free now.
  /// - Throws: `TensorError`, stating the requirement, the limit and the settings to reduce, if it
  ///   exceeds the limit.
  package func check(_ limits: MemoryLimits = .current) throws -> String? {
    let results = planned.total - planned.variables
    let model = experiment.model.sizeKeys
    // Intermediate results grow with the batch, everything grows with the model.
    let remedy =
      results > planned.variables
      ? "batch (\(experiment.batch)) takes most of it; a smaller one, or smaller \(model), needs less"
      : "the parameters and the optimizer's state take most of it; smaller \(model) need less"
    try limits.check(bytes, for: "this training", remedy: remedy)
    return limits.warning(bytes, for: "this training")
  }
}
