import Configuration
import Domains
import TensorCore

/// Settings of a kind of model, as in an experiment file, selected by `model.kind`.
///
/// Each kind has a folder in `Kinds`, with its settings and its `Model`, and a line in
/// `ModelKinds`.
package protocol ModelSettings: Equatable, Sendable {
  /// Value of `model.kind` in an experiment file.
  static var kind: String { get }
  /// Description in one line.
  static var help: String { get }
  /// Schema of all keys.
  static var schema: Schema<Self> { get }
  /// Makes the default settings.
  init()

  /// Common prefix of the names of all parameters.
  var root: String { get }
  /// Programs of a training step with their number of runs per step; the last is called "train".
  var programs: [(name: String, runs: Int)] { get }
  /// T, for models with a noise schedule.
  var scheduleTimes: Int? { get }
  /// Samplers that fit the model, the default first; none for models that sample in one pass.
  var samplers: [SamplingSettings.Method] { get }
  /// True if the model is one of zeros and ones.
  var needsBits: Bool { get }
  /// True if samples of a class can be guided.
  var canBeGuided: Bool { get }
  /// True if `precision: auto` means bf16 on processors that have it.
  ///
  /// Convolutions gain most. Dense networks are fast in fp32, too, and are used for likelihoods and
  /// exact fields.
  var gainsFromBF16: Bool { get }
  /// Number of classes the model is conditioned on, or nil.
  var classCount: Int? { get }
  /// True if the network expects points, if the data do not tell.
  var isForPoints: Bool { get }
  /// True if there is a metric to watch on validation data: a bound of log p(x), or log p(class |
  /// x).
  var hasBound: Bool { get }
  /// True if the model generates examples.
  var drawsSamples: Bool { get }
  /// Key and value of a warm-up of the loss, in steps; nil for models without one.
  var warmup: (key: String, steps: Int)? { get }
  /// Keys that reduce the size of the model, for messages.
  var sizeKeys: String { get }
  /// File name of the main result picture of a finished run.
  var resultPicture: String { get }
  /// Default binarisation of images.
  func binarisation(forExamplesOf shape: [Int]?) -> Binarisation
  /// Conversion of image bytes to the model's numbers.
  var pixels: PixelScale { get }
  /// Reason why the network does not fit examples of `shape`, or nil if it does.
  func failure(forExamplesOf shape: [Int]) -> String?
  /// Makes the model for examples of `shape`; its parameters are added to `parameters`.
  ///
  /// - Throws: `TensorError` if the network does not fit the data.
  func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> any Model
}

extension ModelSettings {
  package var programs: [(name: String, runs: Int)] { [("train", 1)] }
  package var scheduleTimes: Int? { nil }
  package var samplers: [SamplingSettings.Method] { [] }
  package var needsBits: Bool { false }
  package var canBeGuided: Bool { false }
  package var classCount: Int? { nil }
  package var isForPoints: Bool { false }
  package var hasBound: Bool { false }
  package var warmup: (key: String, steps: Int)? { nil }
  package var drawsSamples: Bool { true }
  package var resultPicture: String { Drawing.finalSample }
  package func binarisation(forExamplesOf shape: [Int]?) -> Binarisation { .none }
  package var pixels: PixelScale { PixelScale(range: -1...1, isDequantised: false) }
}

extension ModelSettings {
  /// Value of `model.kind` in an experiment file.
  package var kind: String { Self.kind }

  /// True if two networks are trained against each other.
  package var isAdversarial: Bool { programs.count > 1 }

  /// Values of black and white in images as the model sees them.
  package var range: ClosedRange<Float> {
    Float(pixels.range.lowerBound)...Float(pixels.range.upperBound)
  }

  /// True if `other` has the same kind and equal settings.
  package func isEqual(to other: any ModelSettings) -> Bool { other as? Self == self }

  /// Reason why samples cannot be guided.
  package var guidanceProblem: String {
    "guidance needs a model of classes that was trained with some hidden (model.classes and model.labelDropout)"
  }
}
