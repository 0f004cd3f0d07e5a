import Domains
import Experiments
import Images
import Runs
import Support
import TensorCore

/// What made a run or a picture of one, line by line, with the command that makes it again; no line can move
/// the cursor of a terminal.
package func describe(_ path: String) throws -> [String] {
  if FileSystem.kind(of: path) == .folder {
    let paths = RunPaths(path)
    let checkpoint = try paths.loadCheckpoint()
    let experiment = checkpoint.experiment
    // What the optimizer moves, whatever it is called; its state and averages are none.
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
    throw FigmentError(path: path, problem: "is a PNG, but does not say that Figment made it")
  }
  var lines = ["picture \(path)"]
  if let step = value("figment.step") { lines.append("step \(step)") }
  if let seed = value("figment.seed") { lines.append("seed \(seed)") }
  lines.append("made by \(value("Software") ?? "an unknown program")")
  lines.append("made again by: \(command)")
  if let experiment = value("figment.experiment") {
    lines += ["", experiment.trimmingLastNewline]
  }
  return printableLines(lines)
}

/// The lines of texts from elsewhere.
private func printableLines(_ texts: [String]) -> [String] {
  texts.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
    .map { printable(String($0), limit: 2000) }
}

extension String {
  fileprivate var trimmingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}

extension Run {
  /// A PNG of samples, with what made it.
  package func picture(_ samples: [Float], command: String) throws -> [UInt8] {
    try PNG.encode(
      try Pictures(domain: domain, range: range).sheet(samples),
      text: pictureText(experiment, step: step, command: command))
  }
}
