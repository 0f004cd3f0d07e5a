import Configuration
import Domains
import TensorCore

/// What is trained, by `model.kind`: the settings of a kind of model, as an experiment file says them.
///
/// Each kind has a folder in `Kinds`, with its settings and its `Model`, and a line in `ModelKinds`.
package protocol ModelSettings: Equatable, Sendable {
  /// The word of an experiment file.
  static var kind: String { get }
  /// One line: what it is.
  static var help: String { get }
  /// Every key.
  static var schema: Schema<Self> { get }
  /// The defaults.
  init()

  /// What the names of all parameters begin with.
  var root: String { get }
  /// The programs of a training step, and how often each runs in it; the last is called "train".
  var programs: [(name: String, runs: Int)] { get }
  /// T, for models with a schedule of noise.
  var scheduleTimes: Int? { get }
  /// Whether training in bf16 is the choice where the processor has it and nothing is asked.
  ///
  /// Convolutions gain most. Dense networks are quick in fp32, too, and what is read off them are
  /// likelihoods and exact fields.
  var gainsFromBF16: Bool { get }
  /// How many classes the model is told, or nil where it learns without.
  var classCount: Int? { get }
  /// Whether the network is for points, where the data do not say it.
  var isForPoints: Bool { get }
  /// Whether there is a figure to watch on validation data: a bound of log p(x), or log p(class | x).
  var hasBound: Bool { get }
  /// Whether the model draws examples.
  var drawsSamples: Bool { get }
  /// The keys by which the model becomes smaller, for people.
  var sizeKeys: String { get }
  /// The name of the picture that shows what a finished run came to.
  var resultPicture: String { get }
  /// How images are binarised unless an experiment says otherwise.
  func binarisation(forExamplesOf shape: [Int]?) -> Binarisation
  /// Which numbers the model sees for the bytes of images.
  var pixels: PixelScale { get }
  /// Why the network does not fit examples of `shape`, or nil where it does.
  func failure(forExamplesOf shape: [Int]) -> String?
  /// The model for examples of `shape`; its parameters join `parameters`.
  ///
  /// - Throws: `TensorError` where the network does not fit the data.
  func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> any Model
}

extension ModelSettings {
  package var programs: [(name: String, runs: Int)] { [("train", 1)] }
  package var scheduleTimes: Int? { nil }
  package var classCount: Int? { nil }
  package var isForPoints: Bool { false }
  package var hasBound: Bool { false }
  package var drawsSamples: Bool { true }
  package var resultPicture: String { Drawing.finalSample }
  package func binarisation(forExamplesOf shape: [Int]?) -> Binarisation { .none }
  package var pixels: PixelScale { PixelScale(range: -1...1, isDequantised: false) }
}

extension ModelSettings {
  /// The word of an experiment file.
  package var kind: String { Self.kind }

  /// Whether two networks are trained against each other.
  package var isAdversarial: Bool { programs.count > 1 }

  /// What black and white are in images as the model sees them.
  package var range: ClosedRange<Float> {
    Float(pixels.range.lowerBound)...Float(pixels.range.upperBound)
  }

  /// Whether these are the same settings of the same kind.
  package func isEqual(to other: any ModelSettings) -> Bool { other as? Self == self }
}
