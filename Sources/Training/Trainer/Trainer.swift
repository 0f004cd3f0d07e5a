import Datasets
import Experiments
import Images
import Logging
import Runs
import Support
import TensorCore

/// Trains an experiment in a run folder, from its checkpoint if there is one.
package struct Trainer {
  /// How the training ended.
  package enum End: Equatable, Sendable {
    /// All steps are done.
    case finished
    /// All steps are done, and a loss is out of all bounds; the files are whole.
    case diverged(reason: String)
    /// At the step that was asked for.
    case stopped(step: Int)
    /// By a signal, after a checkpoint.
    case interrupted(Interruption, step: Int)

    /// The steps that were done, where more are left.
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
  let checksNumerics: Bool
  private let preparation: Preparation?
  private let interruption: @Sendable () -> Interruption?

  /// A trainer of `experiment` on `data` in the folder of `paths`.
  ///
  /// - Parameters:
  ///   - validation: Data for the bound that decides when to stop, where the model has one; figures
  ///     of it are reported once an epoch.
  ///   - command: The command line, which pictures carry.
  ///   - checksNumerics: Whether a step that is not finite is taken again, operation by operation, to name
  ///     the layer.
  ///   - preparation: Of a run that begins, made before its folder was; where there is none, or the folder
  ///     has a checkpoint, it is made when the run goes on.
  ///   - interruption: Asked between two steps whether to end early.
  package init(
    _ experiment: Experiment, _ data: TrainingData, validation: TrainingData? = nil,
    _ paths: RunPaths, threads: Int, log: Logger, command: String,
    checksNumerics: Bool = false, preparation: Preparation? = nil,
    interruption: @escaping @Sendable () -> Interruption? = { Interruption.received }
  ) {
    (self.experiment, self.data, self.paths) = (experiment, data, paths)
    self.validation = validation
    (self.threads, self.log, self.command) = (threads, log, command)
    (self.checksNumerics, self.interruption) = (checksNumerics, interruption)
    self.preparation = preparation
  }

  /// Takes the steps that are left, up to `stop` if it is given, and draws the pictures.
  ///
  /// A finished run is left as it is, but for pictures that are missing.
  package func run(
    stopAt stop: Int? = nil, progress style: Progress.Style, console: Console
  ) throws -> End {
    let (checkpoint, prepared) = try start()
    let (training, watch) = (prepared.training, prepared.watch)
    let first = checkpoint?.step ?? 0
    let digest = DataDigest(prepared.data, experiment)
    if let change = try checkpoint?.check(against: data.domain, digest) { log.warning("\(change)") }
    var divergence = Divergence(experiment.model)
    if first > 0, FileSystem.kind(of: paths.metrics) == .file {
      divergence.replay(try Metrics.read(paths.metrics).records.filter { $0.step <= first })
    }
    if try first >= experiment.steps || watch.isOver {
      log.info("the run is finished: \(first) of \(counted(experiment.steps, "step")) done")
    } else {
      if first > 0 { log.info("resuming at step \(first) of \(experiment.steps)") }
      log.info("\(counted(training.parameters.count, "parameter")), \(counted(threads, "thread"))")
      let end = max(first, min(experiment.steps, stop ?? experiment.steps))
      if end > first {
        switch try train(prepared, &divergence, digest, from: first, to: end, style, console) {
        case .finished, .diverged: break
        case let other:
          try drawCurves(step: other.step ?? end)
          return other
        }
      } else {
        try drawCurves(step: end)
        return .stopped(step: end)
      }
    }
    do {
      try drawFinal(prepared, style, console)
      return divergence.verdict.map { .diverged(reason: $0) } ?? .finished
    } catch let signal as Signal {
      return .interrupted(signal.interruption, step: signal.step)
    }
  }

  /// A request to end, and the step after which it was heeded.
  struct Signal: Error {
    let interruption: Interruption
    let step: Int
  }

  /// The checkpoint, if there is one, and what the run needs, with the variables restored.
  private func start() throws -> (Checkpoint?, Preparation) {
    guard FileSystem.kind(of: paths.checkpoint) == .file else {
      return (
        nil,
        try preparation
          ?? Preparation(experiment, data, validation: validation, threads: threads)
      )
    }
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    let checkpoint = try restore(into: runtime)
    // A run keeps the order of classes that it began with.
    let data = try data.ordered(byClasses: checkpoint.classes, experiment.data)
    let validation = try validation?.ordered(byClasses: checkpoint.classes, experiment.data)
    let prepared: Preparation
    do {
      prepared = try Preparation(experiment, data, validation: validation, runtime)
    } catch let error as TensorError {
      // The same programs have run before: what does not fit is what the checkpoint holds.
      throw FormatError(
        path: paths.checkpoint, problem: "does not fit the experiment's model: \(error)")
    }
    try checkpoint.check(
      against: prepared.training.variableNames + prepared.watch.variableNames)
    return (checkpoint, prepared)
  }

  private func restore(into runtime: Runtime) throws -> Checkpoint {
    let checkpoint = try Checkpoint(paths.checkpoint)
    try checkpoint.check(against: experiment)
    _ = try checkpoint.check(against: data.domain, nil)
    if checkpoint.version != figmentVersion {
      log.warning(
        "the checkpoint is of version \(checkpoint.version), this is \(figmentVersion)")
    }
    try checkpoint.restore(into: runtime)
    return checkpoint
  }

  /// Takes the steps from `first` to `end` and saves; a signal, or a bound that no longer rises, ends
  /// it early.
  private func train(
    _ prepared: Preparation, _ divergence: inout Divergence, _ digest: DataDigest?,
    from first: Int, to end: Int, _ style: Progress.Style, _ console: Console
  ) throws -> End {
    let (training, watch, preview) = (prepared.training, prepared.watch, prepared.preview)
    let report = experiment.report
    let metrics = try MetricsWriter(paths.metrics, continuingFrom: first)
    let timings = try MetricsWriter(paths.timings, continuingFrom: first)
    if let warning = metrics.warning { log.warning("\(warning)") }
    if let warning = timings.warning { log.warning("\(warning)") }
    var clock = ContinuousClock.now
    var progress = Progress(total: end, from: first, style: style, console: console)
    defer { progress.finish() }
    var rivalry = Rivalry(data.domain, experiment.model)
    var (step, saved) = (first, first)
    var latest: [TrainingProgram.Figures] = []
    while step < end {
      let figures = try training.run(step: step)
      if let fault = figures.fault {
        if checksNumerics {
          let found = try training.firstNonFinite(fault)
          log.error(
            "step \(step + 1) again, operation by operation: \(found?.description ?? nothingFound)")
        }
        throw failure(fault, figures, after: latest, step: step + 1, saved: saved)
      }
      latest = latest.suffix(4) + [figures]
      step += 1
      let found = try watch.observe(step: step)
      let isOver = try found != nil && watch.isOver
      let isDone = step == experiment.steps || isOver
      let isShown = step % report.samplesEvery == 0
      let samples = isShown || isDone && rivalry.looksAtSamples ? try preview.draw() : []
      let quality = try rivalry.quality(samples)
      progress.update(step, note: "loss \(rounded(Double(figures.meanLoss)))")
      if step % report.metricsEvery == 0 || isDone || found != nil || quality != nil {
        try metrics.append(
          step: step,
          figures.means.map { ($0.name, .single($0.value)) } + [
            ("gradientNorm", .single(figures.gradientNorm)), ("rate", .single(figures.rate)),
          ] + figures.otherNorms.map { ($0.name, .single($0.value)) } + (found?.metrics ?? [])
            + (quality?.metrics ?? []))
        let now = ContinuousClock.now
        try timings.append(step: step, [("seconds", .number((now - clock).seconds))])
        clock = now
      }
      if let found,
        let complaint = watch.complaint(
          found, step: step, isDone: isDone, warmup: training.model.warmup)
      {
        log.warning("step \(step): \(complaint)")
      }
      let losses = figures.losses.map { (name: $0.name, value: Double($0.value)) }
      for warning in divergence.warnings(losses) { log.warning("step \(step): \(warning)") }
      for warning in rivalry.warnings(figures, quality) { log.warning("step \(step): \(warning)") }
      if isShown, !isDone, !samples.isEmpty {
        try write(
          try pictures.compare(samples), step: step, to: paths.sample(step: step),
          paths.latestSample)
      }
      let interruption = interruption()
      if step % report.checkpointEvery == 0 || step == end || isOver || interruption != nil {
        try metrics.synchronize()
        try timings.synchronize()
        try Checkpoint.write(
          training.runtime, experiment, data.domain, classes: prepared.data.classNames,
          data: digest,
          step: step, to: paths.checkpoint)
        saved = step
      }
      if isOver {
        log.info(
          "stopping at step \(step): no better validation bound in \(counted(experiment.patience ?? 0, "epoch"))"
        )
        return .finished
      }
      if let interruption { return .interrupted(interruption, step: step) }
    }
    return end < experiment.steps ? .stopped(step: end) : .finished
  }

  func write(_ bitmap: Bitmap, step: Int, to files: String...) throws {
    let bytes = try PNG.encode(
      bitmap, text: pictureText(experiment, step: step, command: command))
    for file in files { try writeAtomically(bytes, to: file) }
  }

  /// Pictures of what the model draws.
  var pictures: Pictures { Pictures(domain: data.domain, range: experiment.model.range) }

  private func drawCurves(step: Int) throws {
    let records = try Metrics.read(paths.metrics).records
    let source = CurveSource(
      name: "", records: records, isClipped: experiment.optimizer.clip != nil)
    if let bitmap = try curves([source], title: experiment.name) {
      try write(bitmap, step: step, to: paths.curves)
    }
  }

  /// The pictures of the finished run, where one is missing; samples.png is the last.
  private func drawFinal(
    _ prepared: Preparation, _ style: Progress.Style, _ console: Console
  ) throws {
    let (training, data, validation) = (prepared.training, prepared.data, prepared.validation)
    let step = try Checkpoint(paths.checkpoint).step
    let run = Run(
      experiment: experiment, domain: data.domain, classes: data.classNames,
      runtime: training.runtime, model: training.model, parameters: training.parameters, step: step)
    let files = [paths.curves] + run.model.pictureFiles(data.domain).map(paths.picture)
    guard files.contains(where: { FileSystem.kind(of: $0) != .file }) else { return }
    try drawCurves(step: step)
    let drawing = Drawing(
      folder: paths.folder, pictures: pictures,
      text: pictureText(experiment, step: step, command: command))
    if experiment.model.drawsSamples {
      if let warning = run.weightsWarning { log.warning("\(warning)") }
      log.info("drawing \(counted(experiment.sampling.count, "sample"))")
    }
    let total = run.model.drawingSteps(run)
    var progress =
      total > 0
      ? Progress(total: total, unit: "sampling steps", style: style, console: console) : nil
    defer { progress?.finish() }
    try run.model.draw(drawing, run, validation ?? data) { done in
      if let interruption = interruption() {
        throw Signal(interruption: interruption, step: step)
      }
      progress?.update(done)
    }
  }
}
