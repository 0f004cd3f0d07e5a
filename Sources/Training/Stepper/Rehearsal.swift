import Experiments
import Images
import Support
import TensorCore

/// Steps taken to measure the machine, and undone afterwards.
extension Stepper {
  /// Seconds of steps to measure: long enough for a typical one, short enough not to be noticed.
  private static let patience = 1.0
  /// Largest number of seconds for steps, even if only one is measured.
  private static let limit = 4.0

  /// Measures the training's parts on real batches of the next steps.
  ///
  /// The training is unchanged: variables and run counts are restored, and all draws depend on
  /// nothing else.
  package func measurePace() throws -> Pace {
    try undone { try parts(stepSeconds(mostTimes: .max)) }
  }

  /// Same as `measurePace()`, except that nothing but the step is measured if the remaining steps
  /// take less than `threshold` seconds; the result is then nil.
  package func measurePace(ofAtLeast threshold: Double) throws -> Pace? {
    let remaining = experiment.steps - step
    return try undone {
      // A short training is measured by few steps.
      let seconds = try stepSeconds(mostTimes: max(3, remaining / 20))
      return Double(remaining) * seconds >= threshold ? try parts(seconds) : nil
    }
  }

  /// Restores variables and run counts after `body`.
  private func undone<Value>(_ body: () throws -> Value) throws -> Value {
    let runtime = program.runtime
    let runs = runtime.runs
    let saved = try variableNames.map { name in
      (name, try runtime.read(variable: name) { span in span.indices.map { span[$0] } })
    }
    let result = Result { try body() }
    for (name, values) in saved { try runtime.write(variable: name, values) }
    runtime.runs = runs
    return try result.get()
  }

  private func parts(_ step: Double) throws -> Pace {
    var pace = Pace(step: step, epoch: program.epoch)
    let clock = ContinuousClock()
    let (sampling, drawn) = try preview.measure() ?? (0, [])
    let drawing = try clock.measure {
      if !drawn.isEmpty { _ = try PNG.encode(try sheet([("", drawn)]), text: []) }
    }.seconds
    // Each sample grid is written under two names.
    pace.preview = drawn.isEmpty ? 0 : sampling + drawing + 2 * Self.fileSeconds
    pace.validation = try clock.measure { try watch.evaluate() }.seconds
    pace.checkpoint = checkpointSeconds
    let files = program.model.pictureFiles(data.domain).count + 1
    pace.pictures = samplingSeconds(preview: sampling) + Double(files) * drawing
    return pace
  }

  /// Typical duration of a step, in seconds.
  ///
  /// - Parameter most: Largest number of steps to measure.
  private func stepSeconds(mostTimes most: Int) throws -> Double {
    let clock = ContinuousClock()
    let begin = clock.now
    var done = 0
    func time() throws -> Double {
      defer { done += 1 }
      return try clock.measure { _ = try program.run(step: step + done) }.seconds
    }
    // Kernels are made and memory is first touched in the first run; caches fill in the second.
    for _ in 0..<2 where done == 0 || (clock.now - begin).seconds < Self.limit / 2 {
      _ = try time()
    }
    var times = [try time()]
    let warm = clock.now
    while times.count < most, (clock.now - begin).seconds < Self.limit,
      times.count < 3 || (clock.now - warm).seconds < Self.patience
    {
      times.append(try time())
    }
    return Self.typical(times)
  }

  /// Median over nine groups of consecutive steps of their mean duration, or of all steps if they
  /// are fewer.
  ///
  /// On a busy machine many fast steps wait a little, which a median of steps would not see, and a
  /// single long pause should not count.
  package static func typical(_ times: [Double]) -> Double {
    let groups = min(9, times.count)
    let means = (0..<groups).map { group in
      let members = times[group * times.count / groups..<(group + 1) * times.count / groups]
      return members.reduce(0, +) / Double(members.count)
    }
    return means.sorted()[groups / 2]
  }

  /// Seconds to synchronize a file and its folder; disks cannot be measured before the run has a
  /// folder.
  private static let fileSeconds = 0.005
  /// Bytes per second written to a slow disk.
  private static let bytesPerSecond = 300e6

  /// Seconds to write a checkpoint, and to synchronize it and two files of metrics.
  private var checkpointSeconds: Double {
    let numbers = variableNames.reduce(0) {
      $0 + (program.runtime.shape(ofVariable: $1) ?? []).reduce(1, *)
    }
    return 3 * Self.fileSeconds + 4 * Double(numbers) / Self.bytesPerSecond
  }

  /// Seconds to draw the samples of the final pictures, from the time of the preview's per sample
  /// and sampler step.
  private func samplingSeconds(preview: Double) -> Double {
    let settings = experiment.sampling
    let samplers = experiment.optimizer.weights == .raw ? 1 : 2
    let work = samplers * settings.previewCount * (settings.reverse?.previewSteps ?? 1)
    let steps = program.model.drawingSteps(run)
    let draws = steps > 0 ? steps * Run.batch(for: data.domain.shape) : settings.count
    return preview * Double(draws) / Double(max(1, work))
  }
}
