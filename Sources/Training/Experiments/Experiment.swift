import Datasets
import Glibc
import TensorCore

/// Everything that decides the numbers of a run, as an experiment file holds it.
public struct Experiment: Equatable, Sendable {
  /// What the run and its folder are called.
  public var name = ""
  /// The data: one of `KnownSets.names`, or the path of a user's own, with a "/" or a "." in it.
  public var data = ""
  /// How the bytes of images become zeros and ones, if they do.
  public var binarisation = Binarisation.none
  /// The key of all draws.
  public var seed: UInt64 = 0
  /// Steps in all, which is also the horizon of the learning rate.
  public var steps = 0
  /// Examples a step.
  public var batch = 128
  /// Epochs without a better validation bound after which training ends, or nil: all steps.
  public var patience: Int?
  /// How numbers are stored and multiplied in training and sampling; likelihoods are fp32 always.
  public var precision = Precision.fp32
  /// What is trained.
  public var model = ModelSettings.ddpm(DDPMSettings())
  /// How it is trained.
  public var optimizer = OptimizerSettings()
  /// How samples are drawn, during and after training.
  public var sampling = SamplingSettings()
  /// How often something is written.
  public var report = ReportSettings()

  /// What is read into.
  init() {}

  /// Checks that the model fits `data`: before a run folder is made for nothing.
  ///
  /// - Throws: `ConfigurationError` where it does not; of known data sets this is said when the file
  ///   is read.
  public func check(_ data: TrainingData) throws {
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
  public func warnings(_ data: TrainingData) -> [String] {
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
  public init(contentsOf path: String, overrides: [String] = []) throws {
    try self.init(try ConfigurationTree(contentsOf: path), overrides: overrides)
  }

  /// Reads an experiment from text, which errors call `file`, and applies overrides.
  ///
  /// - Throws: `ConfigurationError`, as `init(contentsOf:overrides:)`.
  public init(yaml: String, file: String, overrides: [String] = []) throws {
    try self.init(try ConfigurationTree(yaml: yaml, file: file), overrides: overrides)
  }

  init(_ tree: ConfigurationTree, overrides: [String] = []) throws {
    var tree = tree
    for override in overrides { try tree.override(override) }
    self = try tree.decode(hints: Self.hints) { reader in
      var experiment = Experiment()
      try Self.schema.read(&reader, &experiment)
      return experiment
    }
  }

  /// The resolved experiment: equal experiments give equal text.
  public var yaml: String { Self.schema.members(self).yaml }
}

/// How often a run writes something, in steps.
public struct ReportSettings: Equatable, Sendable {
  /// A line of metrics: the mean loss of that many steps.
  public var metricsEvery = 50
  /// A sheet of samples.
  public var samplesEvery = 1000
  /// A checkpoint.
  public var checkpointEvery = 1000

  static let schema = Schema<Self>([
    .int(
      "metricsEvery", \.metricsEvery, in: 1...1_000_000,
      "Steps between two lines of metrics, each the mean of those steps."
    ).known(as: "logEvery", "logInterval", "logFreq"),
    .int("samplesEvery", \.samplesEvery, in: 1...16_000_000, "Steps between two sheets of samples.")
      .known(as: "sampleEvery", "sampleInterval"),
    .int("checkpointEvery", \.checkpointEvery, in: 1...16_000_000, "Steps between two checkpoints.")
      .known(as: "saveEvery", "saveInterval", "checkpointInterval"),
  ])
}
