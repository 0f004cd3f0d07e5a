import Classifier
import Configuration
import Domains
import TensorCore

/// Settings of a classifier of images, as in an experiment file.
package struct ClassifierSettings: ModelSettings {
  package static let kind = "classifier"
  package static let help =
    "A classifier of images, used to evaluate the samples of other models."

  /// Sizes of the layers.
  package var layers = Layers(channels: [16, 32, 64], features: 64)
  /// Number of classes.
  package var classes = 10
  /// Largest shift of training images, in pixels.
  package var shift = 0.0

  package static let schema = Schema<Self>([
    .int("classes", \.classes, in: 2...64, "Number of classes.")
      .known(as: "numClasses", "nClasses", "classCond"),
    .ints(
      "channels", \.layers.channels, in: 1...1024, count: 1...8,
      "Channels of the convolutions; each but the first halves the size of the images."
    ).known(as: "baseChannels", "modelChannels"),
    .int(
      "features", \.layers.features, in: 1...4096,
      "Number of units of the dense layer before the classes."),
    .number("shift", \.shift, in: 0...16, "Largest random shift of training images, in pixels."),
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
