import Images
import Runs
import Support

/// Draws samples periodically and writes sample grids of them.
final class SampleGrids: Observer {
  private let stepper: Stepper
  private let paths: RunPaths
  private let looksAtEnd: Bool
  private let encode: (Bitmap, _ step: Int) throws -> [UInt8]

  /// Makes an observer.
  ///
  /// - Parameters:
  ///   - looksAtEnd: True to draw samples after the last step, too; the finished run draws its
  ///     own sample grid.
  ///   - encode: Makes a PNG with the run's metadata.
  init(
    _ stepper: Stepper, _ paths: RunPaths, looksAtEnd: Bool,
    encode: @escaping (Bitmap, _ step: Int) throws -> [UInt8]
  ) {
    (self.stepper, self.paths, self.looksAtEnd, self.encode) = (stepper, paths, looksAtEnd, encode)
  }

  func observe(_ report: inout StepReport) throws {
    let isDue = report.step % stepper.experiment.report.samplesEvery == 0
    guard isDue || report.end != nil && looksAtEnd else { return }
    report.samples = try stepper.samples()
    guard report.end == nil, !report.samples.isEmpty else { return }
    let bytes = try encode(try stepper.sheet(report.samples), report.step)
    for path in [paths.sample(step: report.step), paths.latestSample] {
      try writeAtomically(bytes, to: path)
    }
  }
}
