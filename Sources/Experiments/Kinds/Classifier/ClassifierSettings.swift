import Classifier
import Configuration
import Domains
import TensorCore

/// A classifier of images, as an experiment file says it.
package struct ClassifierSettings: ModelSettings {
  package static let kind = "classifier"
  package static let help =
    "A classifier of images, by which the samples of others are judged."

  /// Its layers.
  package var layers = Layers(channels: [16, 32, 64], features: 64)
  /// How many classes it tells apart.
  package var classes = 10
  /// How far images are moved in training, in pixels.
  package var shift = 0.0

  package static let schema = Schema<Self>([
    .int("classes", \.classes, in: 2...64, "How many classes it tells apart.")
      .known(as: "numClasses", "nClasses", "classCond"),
    .ints(
      "channels", \.layers.channels, in: 1...1024, count: 1...8,
      "Channels of the convolutions; each but the first halves the images."
    ).known(as: "baseChannels", "modelChannels"),
    .int(
      "features", \.layers.features, in: 1...4096, "Units of the dense layer before the classes."),
    .number("shift", \.shift, in: 0...16, "How far images are moved in training, in pixels."),
  ])

  package init() {}

  package var root: String { "classifier" }
  package var gainsFromBF16: Bool { true }
  package var classCount: Int? { classes }
  package var hasBound: Bool { true }
  package var drawsSamples: Bool { false }
  package var sizeKeys: String { "model.channels" }
  package var resultPicture: String { Drawing.confusion }

  package func failure(forExamplesOf shape: [Int]) -> String? {
    layers.failure(forExamplesOf: shape)
  }

  package func model(
    forExamplesOf shape: [Int], _ parameters: Parameters
  ) throws -> any Model {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    return ClassifierModel(
      classifier: try ImageClassifier(
        shape: shape, layers: layers, classes: classes, shift: shift, parameters))
  }
}
