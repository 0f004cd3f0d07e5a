import Classifier
import TensorCore

/// A classifier of images, as an experiment file says it.
public struct ClassifierSettings: Equatable, Sendable {
  /// Its layers.
  public var layers = Layers(channels: [16, 32, 64], features: 64)
  /// How many classes it tells apart.
  public var classes = 10
  /// How far images are moved in training, in pixels.
  public var shift = 0.0

  static let schema = Schema<Self>([
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

  /// Why the layers do not fit examples of `shape`, or nil where they do.
  func failure(forExamplesOf shape: [Int]) -> String? { layers.failure(forExamplesOf: shape) }

  /// - Throws: `TensorError` where the layers do not fit the data.
  func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> Classifier {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    return try Classifier(
      shape: shape, layers: layers, classes: classes, shift: shift, parameters)
  }
}
