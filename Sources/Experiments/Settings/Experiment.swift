import Configuration
import Datasets
import Domains
import Glibc
import Support
import TensorCore

/// Everything that decides the numbers of a run, as an experiment file holds it.
package struct Experiment: Equatable, Sendable {
  /// What the run and its folder are called.
  package var name: String
  /// The data: one of `KnownSets.names`, or the path of a user's own, with a "/" or a "." in it.
  package var data: String
  /// How the bytes of images become zeros and ones, if they do.
  package var binarisation: Binarisation
  /// The key of all draws.
  package var seed: UInt64
  /// Steps in all, which is also the horizon of the learning rate.
  package var steps: Int
  /// Examples a step.
  package var batch: Int
  /// Epochs without a better validation bound after which training ends, or nil: all steps.
  package var patience: Int?
  /// How numbers are stored and multiplied in training and sampling; likelihoods are fp32 always.
  package var precision: Precision
  /// What is trained.
  package var model: ModelSettings
  /// How it is trained.
  package var optimizer: OptimizerSettings
  /// How samples are drawn, during and after training.
  package var sampling: SamplingSettings
  /// How often something is written.
  package var report: ReportSettings

  /// Decodes an experiment, strictly.
  package init(from reader: inout ConfigurationReader) throws {
    name = try reader.name("name")
    data = try Experiment.data(&reader)
    let shape = Domain(named: data)?.shape
    seed = try reader.unsigned("seed", default: 0)
    steps = try reader.int("steps", in: 1...16_000_000)
    batch = try reader.int("batch", default: 128, in: 1...65_536)
    patience = try reader.optionalInt("patience", in: 1...100_000)
    let wanted = try reader.string(
      "precision", default: "auto", oneOf: ["auto"] + Precision.allCases.map(\.rawValue))
    if wanted == "bf16", !Precision.hasBF16 {
      throw reader.error(
        "precision", "this processor does not multiply bf16; expected auto or fp32")
    }
    let model = try reader.nested("model") { reader in
      let model = try ModelSettings(from: &reader)
      if let shape, let failure = model.failure(forExamplesOf: shape) {
        throw reader.error("network", failure)
      }
      return model
    }
    let words = Binarisation.allCases.map(\.rawValue)
    let word = try reader.string(
      "binarisation", default: model.binarisation(forExamplesOf: shape).rawValue, oneOf: words)
    binarisation = Binarisation(rawValue: word) ?? .none
    if shape?.count == 1, binarisation != .none {
      throw reader.error(
        "binarisation", "\(word) is for images, and the data are points; expected none")
    }
    precision =
      Precision(rawValue: wanted)
      ?? (model.gainsFromBF16 && Precision.hasBF16 ? .bf16 : .fp32)
    if patience != nil, !model.hasBound {
      throw reader.error(
        "patience",
        "early stopping needs a figure on validation data, which \(model.kind) has not; expected null"
      )
    }
    optimizer = try reader.nested("optimizer") { try OptimizerSettings(from: &$0) }
    sampling =
      model.drawsSamples
      ? try reader.nested("sampling") {
        try SamplingSettings(
          from: &$0, times: model.times,
          forPoints: shape.map { $0.count == 1 } ?? model.isForPoints)
      } : .none
    self.model = model
    report = try reader.nested("report") { try ReportSettings(from: &$0) }
  }

  private static func data(_ reader: inout ConfigurationReader) throws -> String {
    let word = try reader.string("data")
    let isPath = word.contains("/") || word.contains(".")
    if word == "~" || word.hasPrefix("~/") {
      // No shell has seen it: it stands in a file, or behind an equals sign.
      guard let home = getenv("HOME").map({ String(cString: $0) }), !home.isEmpty else {
        throw reader.error(
          "data", "~ is the folder of the user, and HOME is not set; expected a path")
      }
      return home + word.dropFirst()
    }
    guard !isPath, !KnownSets.names.contains(word) else { return word }
    let hint = nearest(to: word, among: KnownSets.names).map { "; did you mean \(quoted($0))?" }
    throw reader.error(
      "data",
      "expected one of \(KnownSets.names.joined(separator: ", ")), or a path with a /, found "
        + printable(word) + (hint ?? ""))
  }

  /// Checks that the model fits `data`: before a run folder is made for nothing.
  ///
  /// - Throws: `ConfigurationError` where it does not; of known data sets this is said when the file
  ///   is read.
  package func check(_ data: TrainingData) throws {
    let shape = data.domain.shape
    if let failure = model.failure(forExamplesOf: shape) {
      throw ConfigurationError(origin: self.data, path: "model.network", problem: failure)
    }
    if shape.count == 1, binarisation != .none {
      throw ConfigurationError(
        origin: self.data, path: "binarisation",
        problem: "\(binarisation.rawValue) is for images, and the data are points; expected none")
    }
  }

  /// What will come of data that have classes without examples: a line for each.
  package func warnings(_ data: TrainingData) -> [String] {
    guard let classes = model.classes, case .images(_, let labels?) = data else { return [] }
    let seen = Set(labels.bytes)
    let missing = (0..<classes).filter { !seen.contains(UInt8(clamping: $0)) }
    guard !missing.isEmpty else { return [] }
    let names = missing.prefix(10).map { quoted(labels.name($0)) }.joined(separator: ", ")
    let more = missing.count > 10 ? ", and \(missing.count - 10) more" : ""
    return [
      "model.classes: \(classes), and the data for training have no examples of \(names)\(more): "
        + "nothing is learned of such a class"
    ]
  }

  /// Reads an experiment file and applies overrides such as `model.base=64`.
  ///
  /// - Throws: `ConfigurationError`, `FileError` or `FormatError` naming the file, the key, the value
  ///   and what was expected.
  package init(contentsOf path: String, overrides: [String] = []) throws {
    try self.init(try ConfigurationTree(contentsOf: path), overrides: overrides)
  }

  /// Reads an experiment from text, which errors call `file`, and applies overrides.
  ///
  /// - Throws: `ConfigurationError`, as `init(contentsOf:overrides:)`.
  package init(yaml: String, file: String, overrides: [String] = []) throws {
    try self.init(try ConfigurationTree(yaml: yaml, file: file), overrides: overrides)
  }

  package init(_ tree: ConfigurationTree, overrides: [String] = []) throws {
    var tree = tree
    for override in overrides { try tree.override(override) }
    self = try tree.decode { try Experiment(from: &$0) }
  }

  /// The resolved experiment: equal experiments give equal text.
  package var yaml: String {
    let members: [ConfigurationValue.Member] = [
      .init("name", .string(name)), .init("data", .string(data)),
      .init("binarisation", .string(binarisation.rawValue)), .init("seed", .unsigned(seed)),
      .init("steps", .integer(steps)), .init("batch", .integer(batch)),
      .init("patience", .optional(patience)), .init("precision", .string(precision.rawValue)),
      .init("model", .mapping(model.members)), .init("optimizer", .mapping(optimizer.members)),
    ]
    let samples: [ConfigurationValue.Member] =
      model.drawsSamples ? [.init("sampling", .mapping(sampling.members))] : []
    return (members + samples + [.init("report", .mapping(report.members))]).yaml
  }
}

/// How often a run writes something, in steps.
package struct ReportSettings: Equatable, Sendable {
  /// A line of metrics: the mean loss of that many steps.
  package var metricsEvery: Int
  /// A sheet of samples.
  package var samplesEvery: Int
  /// A checkpoint.
  package var checkpointEvery: Int

  init(from reader: inout ConfigurationReader) throws {
    metricsEvery = try reader.int("metricsEvery", default: 50, in: 1...1_000_000)
    samplesEvery = try reader.int("samplesEvery", default: 1000, in: 1...16_000_000)
    checkpointEvery = try reader.int("checkpointEvery", default: 1000, in: 1...16_000_000)
  }

  var members: [ConfigurationValue.Member] {
    [
      .init("metricsEvery", .integer(metricsEvery)), .init("samplesEvery", .integer(samplesEvery)),
      .init("checkpointEvery", .integer(checkpointEvery)),
    ]
  }
}

extension Experiment {
  /// Which weights samples are drawn with, and figures are of.
  package var weights: Weights {
    patience != nil ? .best : optimizer.weights
  }

  /// How the run samples step by step.
  ///
  /// - Throws: `TensorError` for models that sample in one pass.
  package func reverse() throws -> SamplingSettings.Reverse {
    guard let reverse = sampling.reverse else {
      throw TensorError("\(name) is a \(model.kind), which samples in one pass")
    }
    return reverse
  }
}
