import Images
import TensorCore

/// What made a run or a picture of one, line by line, with the command that makes it again.
public func describe(_ path: String) throws -> [String] {
  if FileSystem.kind(of: path) == .folder {
    let paths = RunPaths(path)
    let checkpoint = try Checkpoint(paths.checkpoint)
    let experiment = checkpoint.experiment
    let arrays = try SafetensorsReader(paths.checkpoint).arrays
    let weights = arrays.filter { $0.name.hasPrefix("denoiser/") && isWeight($0.name) }
    return [
      "run \(paths.folder)", "step \(checkpoint.step) of \(experiment.steps)", "seed \(experiment.seed)",
      "version \(checkpoint.version)", "parameters \(weights.reduce(0) { $0 + ($1.count ?? 0) })",
      "made again by: figment train \(paths.experiment) --out NEW-FOLDER", "",
      experiment.yaml.trimmingLastNewline,
    ]
  }
  let bytes = try FileSystem.read(path, limit: 1 << 28)
  let text: PNG.Text
  do { text = try PNG.decode(bytes).text } catch { throw FormatError(path: path, problem: error.description) }
  func value(_ key: String) -> String? { text.first { $0.key == key }?.value }
  guard let experiment = value("figment.experiment") else {
    throw FormatError(path: path, problem: "is a PNG, but says nothing of a run")
  }
  return [
    "picture \(path)", "step \(value("figment.step") ?? "unknown")", "seed \(value("figment.seed") ?? "unknown")",
    "made by \(value("Software") ?? "unknown")", "made again by: \(value("figment.command") ?? "unknown")", "",
    experiment.trimmingLastNewline,
  ]
}

/// Whether an array of a checkpoint is a parameter, not the optimizer's state.
private func isWeight(_ name: String) -> Bool {
  ["weight", "bias", "filter", "scale", "shift", "table"].contains { name.hasSuffix("/" + $0) }
}

extension String {
  fileprivate var trimmingLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}

extension Run {
  /// A PNG of samples, with what made it.
  public func picture(_ samples: [Float], command: String) throws -> [UInt8] {
    try PNG.encode(
      try Pictures(data: data).sheet(samples),
      text: pictureText(experiment, step: step, command: command))
  }
}

/// What every picture carries.
func pictureText(_ experiment: Experiment, step: Int, command: String) -> PNG.Text {
  [
    ("Software", "figment \(figmentVersion)"), ("figment.experiment", experiment.yaml),
    ("figment.seed", "\(experiment.seed)"), ("figment.step", "\(step)"), ("figment.command", command),
  ]
}

/// A JSON object with its keys in the order given.
public struct JSONObject: CustomStringConvertible, Sendable {
  /// The object as text on one line.
  public let description: String

  /// An object of these members.
  public init(_ members: [(String, MetricValue)]) {
    description = "{" + members.map { "\(jsonString($0.0)):\($0.1.json)" }.joined(separator: ",") + "}"
  }
}
