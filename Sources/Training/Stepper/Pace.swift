import Experiments
import Support

/// Times of the parts of a training on this machine, in seconds.
package struct Pace: Equatable, Sendable {
  /// One step, typical of many.
  package var step: Double
  /// One sample grid during training.
  package var preview = 0.0
  /// One evaluation of the validation data.
  package var validation = 0.0
  /// One checkpoint, estimated from its size.
  package var checkpoint = 0.0
  /// Pictures of the finished run, estimated from the preview.
  package var pictures = 0.0
  /// Number of examples per epoch, after which validation data are evaluated.
  package var epoch: Int

  /// Makes a pace of which nothing but the steps takes time.
  package init(step: Double, epoch: Int) { (self.step, self.epoch) = (step, epoch) }

  /// Duration of the steps of `experiment` after `first`, with sample grids, validation and
  /// checkpoints, and with the final pictures if the run ends there.
  ///
  /// - Parameter end: Last step, or nil for the experiment's.
  package func seconds(_ experiment: Experiment, from first: Int = 0, to end: Int? = nil) -> Double
  {
    let end = end ?? experiment.steps
    let report = experiment.report
    func count(_ every: Int) -> Double { Double(end / every - first / every) }
    let epochs = end * experiment.batch / epoch - first * experiment.batch / epoch
    let parts = [
      Double(end - first) * step, count(report.samplesEvery) * preview,
      Double(epochs) * validation, (count(report.checkpointEvery) + 1) * checkpoint,
      end == experiment.steps ? pictures : 0,
    ]
    return parts.reduce(0, +)
  }

  /// The duration in words, such as "about 7 minutes here (4,500 steps of 93 ms)".
  package func words(_ experiment: Experiment, from first: Int = 0, to end: Int? = nil) -> String {
    let total = seconds(experiment, from: first, to: end)
    let steps = (end ?? experiment.steps) - first
    let others = total - Double(steps) * step
    // Early stopping may end a run at any epoch.
    let limit = experiment.patience == nil ? "about" : "at most about"
    let rest =
      others > 0.1 * total
      ? "; \(Self.spoken(others)) for sample grids, validation and checkpoints" : ""
    return
      "\(limit) \(Self.spoken(total)) here (\(grouped(steps)) steps of \(Self.short(step))\(rest))"
  }

  /// A duration to speak of: "310 ms", "40 seconds", "7 minutes", "2.5 hours".
  package static func spoken(_ seconds: Double) -> String {
    if seconds < 1 { return short(seconds) }
    if seconds < 10 { return "\(rounded((seconds * 10).rounded() / 10)) seconds" }
    if seconds < 90 { return "\(Int(seconds.rounded())) seconds" }
    // A half counts while minutes are few.
    if seconds < 270 { return "\(decimal((seconds / 30).rounded() / 2)) minutes" }
    if seconds < 5400 { return "\(Int((seconds / 60).rounded())) minutes" }
    return "\(decimal((seconds / 1800).rounded() / 2)) hours"
  }

  /// The time of one step in two or three digits: "0.93 ms", "4.8 ms", "93 ms", "2.4 s".
  package static func short(_ seconds: Double) -> String {
    if seconds >= 1 { return "\(fixed(seconds, seconds < 10 ? 1 : 0)) s" }
    let milliseconds = 1000 * seconds
    return "\(fixed(milliseconds, milliseconds < 1 ? 2 : milliseconds < 10 ? 1 : 0)) ms"
  }
}

/// A whole number with commas between groups of three digits: 4,500.
package func grouped(_ number: Int) -> String {
  let digits = Array("\(number.magnitude)")
  let text = digits.indices.map { i in
    (i > 0 && (digits.count - i) % 3 == 0 ? "," : "") + String(digits[i])
  }
  return (number < 0 ? "-" : "") + text.joined()
}
