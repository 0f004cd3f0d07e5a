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

  /// A trainer of `experiment` on `data` in the folder of `paths`.
  ///
  /// - Parameter command: The command line, which pictures carry.
  public init(
    _ experiment: Experiment, _ data: TrainingData, _ paths: RunPaths, threads: Int, log: Logger, command: String
  ) {
    (self.experiment, self.data, self.paths) = (experiment, data, paths)
    (self.threads, self.log, self.command) = (threads, log, command)
  }

  /// Takes the steps that are left, up to `stop` if it is given.
  public func run(stopAt stop: Int? = nil, progress style: Progress.Style, console: Console) throws -> End {
    let runtime = try Runtime(seed: experiment.seed, threads: threads)
    var first = 0
    var checkpoint: Checkpoint?
    if FileSystem.kind(of: paths.checkpoint) == .file {
      let found = try Checkpoint(paths.checkpoint)
      guard found.experiment == experiment else {
        throw FormatError(path: paths.checkpoint, problem: "is of another experiment than \(paths.experiment)")
      }
      if found.version != figmentVersion {
        log.warning("the checkpoint is of version \(found.version), this is \(figmentVersion)")
      }
      try found.restore(into: runtime)
      (first, checkpoint) = (found.step, found)
    }
    let training = try TrainingProgram(experiment, data, runtime)
    try checkpoint?.check(against: training.program)
    if first > 0 { log.info("resuming at step \(first) of \(experiment.steps)") }
    if first >= experiment.steps {
      log.info("the run is finished: all \(experiment.steps) steps are done")
      return .finished
    }
    log.info("\(training.parameters.count) parameters, \(threads) threads")

    let end = min(experiment.steps, stop ?? experiment.steps)
    let preview = try Preview(training, experiment)
    let metrics = try MetricsWriter(paths.metrics, continuingFrom: first)
    let timings = try MetricsWriter(paths.timings, continuingFrom: first)
    var clock = ContinuousClock.now
    var progress = Progress(total: end, from: first, style: style, console: console)
    var step = first
    var saved = first
    while step < end {
      let figures = try training.run(step: step)
      guard figures.isFinite else {
        throw TensorError(
          "step \(step + 1): the loss (\(figures.loss)) or the gradient norm (\(figures.gradientNorm)) is not finite; "
            + "learning rate \(figures.rate). Nothing was changed by this step; the last checkpoint is of step \(saved)")
      }
      step += 1
      progress.update(step, note: "loss \(rounded(figures.meanLoss))")
      if step % experiment.report.metricsEvery == 0 || step == experiment.steps {
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
      let isLast = step == experiment.steps
      if step % experiment.report.samplesEvery == 0, !isLast {
        try drawPreview(preview, step: step)
      }
      let interruption = Interruption.received
      if step % experiment.report.checkpointEvery == 0 || step == end || interruption != nil {
        try metrics.synchronize()
        try Checkpoint.write(runtime, experiment, step: step, to: paths.checkpoint)
        saved = step
      }
      if let interruption, step < end {
        progress.finish()
        return .interrupted(interruption, step: step)
      }
    }
    progress.finish()
    guard step == experiment.steps else { return .stopped(step: step) }
    try drawFinal(training)
    return .finished
  }

  private func drawPreview(_ preview: Preview, step: Int) throws {
    let parts = try preview.draw()
    let pictures = Pictures(data: data)
    let picture = parts.count == 1 ? try pictures.sheet(parts[0].samples) : try pictures.compare(parts)
    let bytes = try PNG.encode(picture, text: pictureText(experiment, step: step, command: command))
    try writeAtomically(bytes, to: paths.sample(step: step))
    try writeAtomically(bytes, to: paths.latestSample)
  }

  private func drawFinal(_ training: TrainingProgram) throws {
    let sampling = experiment.sampling
    let run = Run(
      experiment: experiment, data: data, runtime: training.runtime, model: training.model,
      parameters: training.parameters, step: experiment.steps)
    log.info("drawing \(sampling.count) samples")
    var stages: [[Float]] = []
    let steps = sampling.steps ?? training.model.schedule.times
    // Ten pictures from noise to sample; late steps change more, so they lie closer together there.
    let shown = Set((0...9).map { steps * $0 / 9 })
    let samples = try run.sample(seeds: (0..<sampling.count).map { UInt64($0) }) { done, current in
      if shown.contains(done), stages.count < 10 { stages.append(current) }
    }
    let pictures = Pictures(data: data)
    let text = pictureText(experiment, step: experiment.steps, command: command)
    let sheet = try PNG.encode(try pictures.sheet(samples), text: text)
    try writeAtomically(sheet, to: paths.finalSample)
    try writeAtomically(sheet, to: paths.latestSample)
    try writeAtomically(
      try PNG.encode(try pictures.strip(stages, rows: 8), text: text), to: paths.folder + "/strip.png")
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// A loss in four digits.
func rounded(_ value: Float) -> String {
  guard value.isFinite, value != 0 else { return "\(value)" }
  var scale = 1.0
  while abs(Double(value)) * scale < 1000 { scale *= 10 }
  return "\(Float((Double(value) * scale).rounded() / scale))"
}

/// Sheets during training: the raw weights beside their average until both draw the same.
private final class Preview {
  private let raw: Sampler
  private let averaged: Sampler?
  private let method: SamplingMethod
  private let steps: Int
  private let seeds: [UInt64]

  init(_ training: TrainingProgram, _ experiment: Experiment) throws {
    let settings = experiment.sampling
    let count = training.model.denoiser.shape.count == 1 ? max(2000, settings.previewCount) : settings.previewCount
    let clip = training.model.clipRange
    raw = try Sampler(training.model, training.runtime, batch: count, clip: clip)
    averaged =
      experiment.optimizer.average == nil
      ? nil
      : try Sampler(
        training.model, training.runtime, batch: count, averaged: training.parameters.variables, clip: clip)
    method = settings.samplingMethod
    steps = min(settings.previewSteps, training.model.schedule.times)
    seeds = (0..<count).map { UInt64($0) }
  }

  func draw() throws -> [(caption: String, samples: [Float])] {
    let first = try raw.sample(seeds: seeds, method, steps: steps)
    guard let averaged else { return [("raw", first)] }
    let second = try averaged.sample(seeds: seeds, method, steps: steps)
    let gap = zip(first, second).reduce(0.0) { $0 + abs(Double($1.0 - $1.1)) } / Double(first.count)
    return gap < 0.02 ? [("average", second)] : [("raw", first), ("average", second)]
  }
}

extension DDPM {
  /// Images lie in [-1, 1], and so may the estimate of x_0; points have no such range.
  var clipRange: ClosedRange<Double>? { denoiser.shape.count == 3 ? -1...1 : nil }
}
