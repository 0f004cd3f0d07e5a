import Datasets
import Domains
import Experiments
import Images
import Logging
import Runs
import Support
import TensorCore

/// Trains an experiment in a run folder, from its checkpoint if there is one.
package struct Trainer {
  /// Outcome of a training.
  package enum End: Equatable, Sendable {
    /// All steps are done.
    case finished
    /// All steps are done, but a loss has diverged; the files are complete.
    case diverged(reason: String)
    /// Stopped at the requested step.
    case stopped(step: Int)
    /// Stopped by a signal, after saving a checkpoint.
    case interrupted(Interruption, step: Int)

    /// The number of steps done if some are left, otherwise nil.
    var step: Int? {
      switch self {
      case .finished, .diverged: nil
      case .stopped(let step), .interrupted(_, let step): step
      }
    }
  }

  private let experiment: Experiment
  private let data: TrainingData
  private let validation: TrainingData?
  private let paths: RunPaths
  private let threads: Int
  private let log: Logger
  private let command: String
  private let checksNumerics: Bool
  private let prepared: Stepper?
  private let saysDuration: Bool
  private let interruption: @Sendable () -> Interruption?

  /// Makes a trainer of `experiment` on `data` in the folder of `paths`.
  ///
  /// - Parameters:
  ///   - validation: Validation data, evaluated once per epoch; early stopping watches the bound on
  ///     it.
  ///   - command: Command line, stored in pictures.
  ///   - checksNumerics: True to repeat a non-finite step one operation at a time, to name the
  ///     layer.
  ///   - prepared: Stepper of a new run, made before its folder; if it is nil or the folder has a
  ///     checkpoint, the stepper is made by `run`.
  ///   - saysDuration: True to log how long the training will take here, if that is long.
  ///   - interruption: Polled between steps; a non-nil result ends the training early.
  package init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData? = nil,
    _ paths: RunPaths, threads: Int, log: Logger, command: String,
    checksNumerics: Bool = false, prepared: Stepper? = nil, saysDuration: Bool = true,
    interruption: @escaping @Sendable () -> Interruption? = { Interruption.received }
  ) {
    (self.experiment, self.data, self.paths) = (experiment, data, paths)
    self.validation = validation
    (self.threads, self.log, self.command) = (threads, log, command)
    (self.checksNumerics, self.interruption) = (checksNumerics, interruption)
    (self.prepared, self.saysDuration) = (prepared, saysDuration)
  }

  /// Takes the remaining steps, up to `stop` if given, and draws the pictures.
  ///
  /// A finished run is not changed, except that missing pictures are drawn.
  package func run(
    stopAt stop: Int? = nil, progress style: Progress.Style, console: Console
  ) throws -> End {
    let (checkpoint, stepper) = try start()
    let first = stepper.step
    let digest = DataDigest(stepper.data, named: experiment.data)
    if let change = try checkpoint?.check(against: data.domain, digest) { log.warning("\(change)") }
    let divergence = DivergenceObserver(experiment.model, after: try records(upTo: first))
    if try stepper.isOver {
      log.info("already finished: \(first) of \(counted(experiment.steps, "step")) done")
    } else {
      if first > 0 { log.info("resuming at step \(first) of \(experiment.steps)") }
      log.info(
        "\(counted(stepper.program.parameters.count, "parameter")), \(counted(threads, "thread"))")
      let end = max(first, min(experiment.steps, stop ?? experiment.steps))
      try sayDuration(stepper, to: end)
      let result =
        end > first
        ? try train(stepper, divergence, digest, to: end, style, console) : .stopped(step: end)
      if let step = result.step {
        try drawCurves(step: step)
        return result
      }
    }
    do {
      try drawFinal(stepper, style, console)
      return divergence.verdict.map { .diverged(reason: $0) } ?? .finished
    } catch let signal as Signal {
      return .interrupted(signal.interruption, step: signal.step)
    }
  }

  /// Seconds from which it is worth saying how long a training takes.
  private static let longTraining = 30.0

  /// Logs the expected duration of a long training.
  private func sayDuration(_ stepper: Stepper, to end: Int) throws {
    guard saysDuration, log.logLevel <= .info, end > stepper.step,
      let pace = try stepper.measurePace(ofAtLeast: Self.longTraining / 2),
      pace.seconds(experiment, from: stepper.step, to: end) >= Self.longTraining
    else { return }
    log.info("\(pace.words(experiment, from: stepper.step, to: end))")
  }

  /// A request to end, and the step after which it was noticed.
  private struct Signal: Error {
    let interruption: Interruption
    let step: Int
  }

  /// The checkpoint, if there is one, and a stepper with its variables restored.
  private func start() throws -> (Checkpoint?, Stepper) {
    guard FileSystem.kind(of: paths.checkpoint) == .file else {
      return (
        nil, try prepared ?? Stepper(experiment, data, validation: validation, threads: threads)
      )
    }
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    let checkpoint = try restore(into: runtime)
    // A run keeps the order of classes that it started with.
    let data = try data.ordered(byClasses: checkpoint.classes, experiment.data)
    let validation = try validation?.ordered(byClasses: checkpoint.classes, experiment.data)
    let stepper: Stepper
    do {
      stepper = try Stepper(
        experiment, data, validation: validation, runtime, step: checkpoint.step)
    } catch let error as TensorError {
      // The same programs have run before, so the mismatch lies in the checkpoint.
      throw FigmentError(
        path: paths.checkpoint, problem: "does not fit the experiment's model: \(error)")
    }
    try checkpoint.check(against: stepper.variableNames)
    return (checkpoint, stepper)
  }

  private func restore(into runtime: Runtime) throws -> Checkpoint {
    let checkpoint = try Checkpoint(paths.checkpoint)
    try checkpoint.check(against: experiment)
    _ = try checkpoint.check(against: data.domain, nil)
    if checkpoint.version != figmentVersion {
      log.warning(
        "the checkpoint was written by version \(checkpoint.version), this is version \(figmentVersion)"
      )
    }
    try checkpoint.restore(into: runtime)
    return checkpoint
  }

  /// Metrics recorded by a resumed run.
  private func records(upTo step: Int) throws -> [MetricsRecord] {
    guard step > 0, FileSystem.kind(of: paths.metrics) == .file else { return [] }
    return try Metrics.read(paths.metrics).records.filter { $0.step <= step }
  }

  /// Takes the steps up to `end` and saves; ends early at a signal or by early stopping.
  private func train(
    _ stepper: Stepper, _ divergence: DivergenceObserver, _ digest: DataDigest?, to end: Int,
    _ style: Progress.Style, _ console: Console
  ) throws -> End {
    let lines = try MetricsLines(
      paths, every: experiment.report.metricsEvery, continuingFrom: stepper.step)
    for warning in lines.warnings { log.warning("\(warning)") }
    let display = Display(
      Progress(total: end, from: stepper.step, style: style, console: console), log)
    defer { display.finish() }
    let rivalry = AdversarialMonitor(stepper.data.domain, experiment.model)
    let sheets = SampleGrids(
      stepper, paths, looksAtEnd: rivalry?.looksAtSamples ?? false
    ) { try encode($0, step: $1, sampling: experiment.sampling.reverse?.preview) }
    let checkpoints = Checkpoints(stepper, paths.checkpoint, after: lines, digest, end: end)
    let faults = FaultObserver(
      stepper, checkpoints, checksNumerics: checksNumerics, log)
    // The order matters: observers use the findings of those before them.
    let observers: [any Observer] =
      [faults, ValidationWarnings(warmup: stepper.program.model.warmup), divergence, sheets]
      + (rivalry.map { [$0] } ?? []) + [display, lines, checkpoints]
    while stepper.step < end {
      var report = try stepper.advance()
      report.interruption = interruption()
      for observer in observers { try observer.observe(&report) }
      if report.end == .early {
        log.info(
          "stopping at step \(report.step): no better validation bound in \(counted(experiment.patience ?? 0, "epoch"))"
        )
        return .finished
      }
      if let signal = report.interruption { return .interrupted(signal, step: report.step) }
    }
    return end < experiment.steps ? .stopped(step: end) : .finished
  }

  /// Encodes a PNG with the run's metadata.
  ///
  /// - Parameter sampling: Settings of the reverse process, for pictures of samples that have one.
  private func encode(
    _ bitmap: Bitmap, step: Int, sampling: SamplingSettings.Reverse? = nil
  ) throws -> [UInt8] {
    try PNG.encode(
      bitmap, text: pictureText(experiment, step: step, command: command, sampling: sampling))
  }

  private func drawCurves(step: Int) throws {
    let records = try Metrics.read(paths.metrics).records
    let source = CurveSource(
      name: "", records: records, isClipped: experiment.optimizer.clip != nil)
    if let bitmap = try curves([source], title: experiment.name) {
      try writeAtomically(try encode(bitmap, step: step), to: paths.curves)
    }
  }

  /// Draws the pictures of the finished run unless all exist; samples.png is written last.
  private func drawFinal(
    _ stepper: Stepper, _ style: Progress.Style, _ console: Console
  ) throws {
    let run = stepper.run
    let files = [paths.curves] + run.model.pictureFiles(run.domain).map(paths.picture)
    guard files.contains(where: { FileSystem.kind(of: $0) != .file }) else { return }
    try drawCurves(step: run.step)
    let drawing = Drawing(
      folder: paths.folder, pictures: stepper.pictures,
      text: pictureText(experiment, step: run.step, command: command))
    if experiment.model.drawsSamples {
      if let warning = run.weightsWarning { log.warning("\(warning)") }
      log.info("drawing \(counted(experiment.sampling.count, "sample"))")
    }
    let total = run.model.drawingSteps(run)
    var progress =
      total > 0
      ? Progress(total: total, unit: "sampling steps", style: style, console: console) : nil
    defer { progress?.finish() }
    try run.model.draw(drawing, run, stepper.validation ?? stepper.data) { done in
      if let interruption = interruption() {
        throw Signal(interruption: interruption, step: run.step)
      }
      progress?.update(done)
    }
  }
}
