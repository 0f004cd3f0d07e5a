import Classifier
import Configuration
import TensorCore

/// A classifier of images, as an experiment file says it.
package struct ClassifierSettings: Equatable, Sendable {
  /// Its layers.
  package var layers: Layers
  /// How many classes it tells apart.
  package var classes: Int
  /// How far images are moved in training, in pixels.
  package var shift: Double

  init(from reader: inout ConfigurationReader) throws {
    classes = try reader.int("classes", default: 10, in: 2...64)
    layers = Layers(
      channels: try reader.intArray("channels", default: [16, 32, 64], in: 1...1024, count: 1...8),
      features: try reader.int("features", default: 64, in: 1...4096))
    shift = try reader.double("shift", default: 0, in: 0...16)
  }

  var members: [ConfigurationValue.Member] {
    [
      .init("kind", .string("classifier")), .init("classes", .integer(classes)),
      .init("channels", .list(layers.channels)), .init("features", .integer(layers.features)),
      .init("shift", .number(shift)),
    ]
  }

  /// Why the layers do not fit examples of `shape`, or nil where they do.
  func failure(forExamplesOf shape: [Int]) -> String? { layers.failure(forExamplesOf: shape) }

  /// - Throws: `TensorError` where the layers do not fit the data.
  func model(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> Classifier {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    return try Classifier(
      shape: shape, layers: layers, classes: classes, shift: shift, parameters)
  }
}
