import Domains
import Experiments
import Images
import Runs
import Support
import TensorCore

/// The origin of a run or of one of its pictures, line by line, and the command that reproduces it.
///
/// Control characters that could move a terminal's cursor are escaped.
package func describe(_ path: String) throws -> [String] {
  if FileSystem.kind(of: path) == .folder {
    let paths = RunPaths(path)
    let checkpoint = try paths.loadCheckpoint()
    let experiment = checkpoint.experiment
    // The parameters only, not the optimizer's state or the averages.
    let parameters = Parameters(experiment.model.root)
    _ = try experiment.model.model(forExamplesOf: checkpoint.domain.shape, parameters)
    let lines =
      [
        "run \(paths.folder)", "step \(checkpoint.step) of \(experiment.steps)",
        "seed \(experiment.seed)", "version \(printable(checkpoint.version))",
        "parameters \(parameters.count)",
      ] + checkpoint.classes.enumerated().map { "class \($0) \(quoted($1))" } + [
        "made again by: "
          + shellCommand(["figment", "train", paths.experiment, "--out", "NEW-FOLDER"]), "",
        experiment.yaml.trimmingLastNewline,
      ]
    return printableLines(lines)
  }
  let bytes = try FileSystem.read(path, limit: 1 << 28)
  let text: PNG.Text
  do {
    text = try PNG.text(of: bytes)
  } catch {
    throw FigmentError(path: path, problem: error.description)
  }
  func value(_ key: String) -> String? { text.first { $0.key == key }?.value }
  guard let command = value("figment.command") else {
    throw FigmentError(
      path: path,
      problem: "is a PNG without Figment's metadata; expected a picture that figment wrote")
  }
  var lines = ["picture \(path)"]
  if let step = value("figment.step") { lines.append("step \(step)") }
  if let seed = value("figment.seed") { lines.append("seed \(seed)") }
  if let sampling = SamplingSettings.Reverse.line(of: text) { lines.append("sampler \(sampling)") }
  lines.append("made by \(value("Software") ?? "an unknown program")")
  lines.append("made again by: \(command)")
  if let experiment = value("figment.experiment") {
    lines += ["", experiment.trimmingLastNewline]
  }
  return printableLines(lines)
}

/// Splits texts of unknown origin into lines and escapes their control characters.
private func printableLines(_ texts: [String]) -> [String] {
  texts.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
    .map { printable(String($0), limit: 2000) }
}

extension String {
  fileprivate var trimmingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}

extension Run {
  /// PNG of samples, with the run's metadata.
  ///
  /// - Parameter sampling: Settings of the reverse process that drew them, for models that have one.
  package func picture(
    _ samples: [Float], command: String, sampling: SamplingSettings.Reverse?
  ) throws -> [UInt8] {
    try PNG.encode(
      try Pictures(domain: domain, range: range).sheet(samples),
      text: pictureText(experiment, step: step, command: command, sampling: sampling))
  }
}
