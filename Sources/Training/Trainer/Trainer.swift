import DDPM
import Datasets
import Images
import Logging
import TensorCore

/// Trains an experiment in a run folder, from its checkpoint if there is one.
public struct Trainer {
  /// How the training ended.
  public enum End: Equatable, Sendable {
    /// All steps are done.
    case finished
    /// At the step that was asked for.
    case stopped(step: Int)
    /// By a signal, after a checkpoint.
    case interrupted(Interruption, step: Int)
  }

  private let experiment: Experiment
  private let data: TrainingData
  private let paths: RunPaths
  private let threads: Int
  private let log: Logger
  private let command: String
  private let interruption: @Sendable () -> Interruption?

  /// A trainer of `experiment` on `data` in the folder of `paths`.
  ///
  /// - Parameters:
  ///   - command: The command line, which pictures carry.
  ///   - interruption: Asked between two steps whether to end early.
  public init(
    _ experiment: Experiment, _ data: TrainingData, _ paths: RunPaths, threads: Int, log: Logger,
    command: String,
    interruption: @escaping @Sendable () -> Interruption? = { Interruption.received }
  ) {
    (self.experiment, self.data, self.paths) = (experiment, data, paths)
    (self.threads, self.log, self.command) = (threads, log, command)
    self.interruption = interruption
  }

  /// Takes the steps that are left, up to `stop` if it is given, and draws the pictures.
  ///
  /// A finished run is left as it is, but for pictures that are missing.
  public func run(
    stopAt stop: Int? = nil, progress style: Progress.Style, console: Console
  ) throws -> End {
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    let checkpoint = try restore(into: runtime)
    let first = checkpoint?.step ?? 0
    let training = try TrainingProgram(experiment, data, runtime)
    try checkpoint?.check(against: training.program)
    if first >= experiment.steps {
      log.info("the run is finished: all \(experiment.steps) steps are done")
    } else {
      if first > 0 { log.info("resuming at step \(first) of \(experiment.steps)") }
      log.info("\(training.parameters.count) parameters, \(threads) threads")
      let end = max(first, min(experiment.steps, stop ?? experiment.steps))
      if end > first {
        let signal = try train(training, from: first, to: end, style, console)
        if let signal {
          try drawCurves(step: signal.step)
          return .interrupted(signal.interruption, step: signal.step)
        }
      }
      if end < experiment.steps {
        try drawCurves(step: end)
        return .stopped(step: end)
      }
    }
    do {
      try drawFinal(training, style, console)
      return .finished
    } catch let signal as Signal {
      return .interrupted(signal.interruption, step: signal.step)
    }
  }

  /// A request to end, and the step after which it was heeded.
  private struct Signal: Error {
    let interruption: Interruption
    let step: Int
  }

  private func restore(into runtime: Runtime) throws -> Checkpoint? {
    guard FileSystem.kind(of: paths.checkpoint) == .file else { return nil }
    let checkpoint = try Checkpoint(paths.checkpoint)
    try checkpoint.check(against: experiment)
    if checkpoint.version != figmentVersion {
      log.warning(
        "the checkpoint is of version \(checkpoint.version), this is \(figmentVersion)")
    }
    try checkpoint.restore(into: runtime)
    return checkpoint
  }

  /// Takes the steps from `first` to `end` and saves; a signal ends it early.
  private func train(
    _ training: TrainingProgram, from first: Int, to end: Int, _ style: Progress.Style,
    _ console: Console
  ) throws -> Signal? {
    let preview = try Preview(training, experiment)
    let report = experiment.report
    let metrics = try MetricsWriter(paths.metrics, continuingFrom: first)
    let timings = try MetricsWriter(paths.timings, continuingFrom: first)
    var clock = ContinuousClock.now
    var progress = Progress(total: end, from: first, style: style, console: console)
    defer { progress.finish() }
    var (step, saved) = (first, first)
    while step < end {
      let figures = try training.run(step: step)
      guard figures.isFinite else {
        throw TensorError(
          "step \(step + 1): the loss (\(figures.loss)) or the gradient norm "
            + "(\(figures.gradientNorm)) is not finite; learning rate \(figures.rate). "
            + "This step changed nothing; "
            + (saved > 0 ? "the last checkpoint is of step \(saved)" : "nothing was saved yet"))
      }
      step += 1
      progress.update(step, note: "loss \(rounded(Double(figures.meanLoss)))")
      if step % report.metricsEvery == 0 || step == experiment.steps {
        try metrics.append(
          step: step,
          [
            ("loss", .single(figures.meanLoss)), ("gradientNorm", .single(figures.gradientNorm)),
            ("rate", .single(figures.rate)),
          ])
        let now = ContinuousClock.now
        try timings.append(step: step, [("seconds", .number((now - clock).seconds))])
        clock = now
      }
      if step % report.samplesEvery == 0, step < experiment.steps {
        try drawPreview(preview, step: step)
      }
      let interruption = interruption()
      if step % report.checkpointEvery == 0 || step == end || interruption != nil {
        try metrics.synchronize()
        try Checkpoint.write(
          training.runtime, experiment, data.domain, step: step, to: paths.checkpoint)
        saved = step
      }
      if let interruption { return Signal(interruption: interruption, step: step) }
    }
    return nil
  }

  private func write(_ bitmap: Bitmap, step: Int, to files: String...) throws {
    let bytes = try PNG.encode(
      bitmap, text: pictureText(experiment, step: step, command: command))
    for file in files { try writeAtomically(bytes, to: file) }
  }

  private func drawPreview(_ preview: Preview, step: Int) throws {
    try write(
      try Pictures(domain: data.domain).compare(try preview.draw()), step: step,
      to: paths.sample(step: step), paths.latestSample)
  }

  private func drawCurves(step: Int) throws {
    let records = try Metrics.read(paths.metrics)
    if let bitmap = try curves([("", records)], title: experiment.name) {
      try write(bitmap, step: step, to: paths.curves)
    }
  }

  /// The pictures of the finished run, where one is missing; samples.png is the last.
  private func drawFinal(
    _ training: TrainingProgram, _ style: Progress.Style, _ console: Console
  ) throws {
    let steps = experiment.steps
    func isMissing(_ path: String) -> Bool { FileSystem.kind(of: path) != .file }
    let hasPaths = if case .points = data.domain { true } else { false }
    let files =
      [paths.curves, paths.strip, paths.denoising, paths.finalSample]
      + (hasPaths ? [paths.trajectories] : [])
    guard files.contains(where: isMissing) else { return }
    try drawCurves(step: steps)
    let run = Run(
      experiment: experiment, domain: data.domain, runtime: training.runtime,
      model: training.model, parameters: training.parameters, step: steps)
    let count = experiment.sampling.count
    log.info("drawing \(count) samples")
    let samplerSteps = run.samplingSteps(count: 1)
    let pathSteps = min(100, training.model.schedule.times)
    let pathCount = hasPaths ? 200 : 0
    let drawn = run.samplingSteps(count: count)
    var progress = Progress(
      total: drawn + (hasPaths ? pathSteps : 0), unit: "sampling steps", style: style,
      console: console)
    defer { progress.finish() }
    func report(_ done: Int) throws {
      if let interruption = interruption() {
        throw Signal(interruption: interruption, step: steps)
      }
      progress.update(done)
    }
    let pictures = Pictures(domain: data.domain)
    let width = data.domain.shape.product
    var strip = Stages(10, of: samplerSteps, keeping: width * min(count, pictures.stripCount))
    var film = Stages(40, of: samplerSteps, keeping: width * min(count, pictures.filmCount))
    let samples = try run.sample(seeds: seeds(count)) { done, current in
      try report(done)
      strip.observe(done, current)
      film.observe(done, current)
    }
    try write(try pictures.strip(strip.stages), step: steps, to: paths.strip)
    try writeAtomically(
      try PNG.encode(
        animation: try pictures.film(film.stages),
        text: pictureText(experiment, step: steps, command: command)), to: paths.denoising)
    if hasPaths {
      // Without fresh noise a path is a curve, and its end depends on its beginning alone.
      var stages = Stages(pathSteps + 1, of: pathSteps, keeping: width * pathCount)
      _ = try run.sample(seeds: seeds(pathCount), method: .ddim(eta: 0), steps: pathSteps) {
        done, current in
        try report(drawn + done)
        stages.observe(done, current)
      }
      try write(try pictures.trajectories(stages.stages), step: steps, to: paths.trajectories)
    }
    try write(
      try pictures.sheet(samples), step: steps, to: paths.latestSample, paths.finalSample)
  }

  private func seeds(_ count: Int) -> [UInt64] { (0..<count).map { UInt64($0) } }
}

/// The first batch at some of its steps from noise to samples, closer together late, where more
/// happens.
private struct Stages {
  private(set) var stages: [(done: Int, samples: [Float])] = []
  private var places: [Int]
  private let size: Int

  /// About `count` of the `steps`, and the first `size` numbers of each.
  init(_ count: Int, of steps: Int, keeping size: Int) {
    self.size = size
    let last = count - 1
    let places = Set((0...last).map { steps - steps * (last - $0) * (last - $0) / (last * last) })
    self.places = places.sorted(by: >)
  }

  mutating func observe(_ done: Int, _ samples: [Float]) {
    guard done == places.last else { return }
    places.removeLast()
    stages.append((done, Array(samples.prefix(size))))
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
