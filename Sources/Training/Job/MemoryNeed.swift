import Domains
import Experiments
import TensorCore

/// The memory that a training takes, worked out before anything is made.
package struct MemoryNeed: Sendable {
  private let planned: PlannedMemory
  private let experiment: Experiment
  private let threads: Int

  /// Plans the training's programs, and those that look at validation data and draw.
  ///
  /// - Throws: As `Trainer.run` does where the model does not fit the data.
  package init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData? = nil, threads: Int
  ) throws {
    var planned = experiment
    // The programs are the same, and no bytes are drawn for a plan.
    if planned.binarisation == .fixed { planned.binarisation = .threshold }
    let runtime = try Runtime.planning(seed: experiment.seed, threads: threads)
    let stepper = try Stepper(planned, data, validation: validation, runtime)
    if planned.model.drawsSamples { _ = try stepper.run.sampler() }
    (self.planned, self.experiment, self.threads) = (runtime.planned, experiment, threads)
  }

  /// Bytes: of the programs, of a checkpoint while it is written, of the library and the stacks of the threads.
  package var bytes: Int {
    planned.total + planned.variables + 64 << 20 + (threads - 1) * 8 << 20
  }

  /// Refuses what can never be had.
  ///
  /// - Returns: What the user should know where the memory is not free now.
  /// - Throws: `TensorError` with the need, the limit and the settings that would shrink it.
  package func check(_ limits: MemoryLimits = .current) throws -> String? {
    let results = planned.total - planned.variables
    let model = experiment.model.sizeKeys
    // Results grow with the batch, everything with the model.
    let remedy =
      results > planned.variables
      ? "batch (\(experiment.batch)) takes most of it; a smaller one, or smaller \(model), needs less"
      : "the parameters and the optimizer's state take most of it; smaller \(model) need less"
    try limits.check(bytes, for: "this training", remedy: remedy)
    return limits.warning(bytes, for: "this training")
  }
}
