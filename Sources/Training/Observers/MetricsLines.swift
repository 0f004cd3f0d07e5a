import Formats
import Runs
import Support

/// Writes lines of metrics, and of the wall-clock time between them.
final class MetricsLines: Observer {
  private let metrics, timings: MetricsWriter
  private let every: Int
  private var clock = ContinuousClock.now

  /// Opens both files.
  ///
  /// - Parameter step: Number of steps done; later lines are removed.
  init(_ paths: RunPaths, every: Int, continuingFrom step: Int) throws {
    metrics = try MetricsWriter(paths.metrics, continuingFrom: step)
    timings = try MetricsWriter(paths.timings, continuingFrom: step)
    self.every = every
  }

  /// Warnings about invalid lines removed from the files.
  var warnings: [String] { [metrics.warning, timings.warning].compactMap { $0 } }

  func observe(_ report: inout StepReport) throws {
    guard report.step % every == 0 || report.end != nil || !report.metrics.isEmpty else { return }
    let figures = report.figures
    try metrics.append(
      step: report.step,
      figures.means.map { ($0.name, .single($0.value)) } + [
        ("gradientNorm", .single(figures.gradientNorm)), ("rate", .single(figures.rate)),
      ] + figures.otherNorms.map { ($0.name, .single($0.value)) } + report.metrics)
    let now = ContinuousClock.now
    try timings.append(step: report.step, [("seconds", .number((now - clock).seconds))])
    clock = now
  }

  /// Waits until all lines are on disk.
  func synchronize() throws {
    try metrics.synchronize()
    try timings.synchronize()
  }
}
