import Classifier
import Datasets
import Domains
import Likelihood
import Support
import TensorCore

/// Predictions of a classifier for images, at one fixed batch size and in fp32.
package final class Predictor {
  private let model: ImageClassifier
  private let program: Program
  private let bytes, features, logits: Tensor
  private static let batch = 500

  /// Makes a predictor.
  ///
  /// - Parameter weights: Maps an expression of the raw weights to the weights to read.
  package init(_ model: ImageClassifier, _ runtime: Runtime, _ weights: (Tensor) -> Tensor) throws {
    self.model = model
    bytes = .input("bytes", [Self.batch] + model.shape)
    let x = PixelScale(range: -1...1, isDequantised: false)(bytes, .none)
    let found = model.features(x)
    features = weights(found)
    logits = weights(model.logits(features: found))
    program = try runtime.compile("judge", [features, logits], sharesDraws: true)
  }

  /// Predictions for images given as bytes.
  ///
  /// - Throws: `FigmentError` if their shape is not the classifier's.
  package func callAsFunction(_ images: ByteTable) throws -> Predictions {
    guard images.rowShape == model.shape else {
      throw FigmentError(
        "classifier: expected images of shape \(model.shape), found \(images.rowShape)")
    }
    let size = model.shape.product
    var predictions = Predictions(width: model.width, classes: model.classes)
    for first in stride(from: 0, to: images.rows, by: Self.batch) {
      let count = min(Self.batch, images.rows - first)
      try program.fill(bytes) { span in
        for i in 0..<count * size { span[i] = Float(images.bytes[first * size + i]) }
      }
      program.run(at: 0)
      predictions.features += try program.values(features).prefix(count * model.width)
      predictions.logits += try program.values(logits).prefix(count * model.classes)
    }
    return predictions
  }
}

/// Predictions of a classifier for a set of images.
package struct Predictions {
  /// Number of features per image.
  package let width: Int
  /// Number of classes.
  package let classes: Int
  /// Features, [count, width].
  package var features: [Float] = []
  /// Logits, [count, classes].
  package var logits: [Float] = []

  package init(width: Int, classes: Int) { (self.width, self.classes) = (width, classes) }

  /// Number of images.
  package var count: Int { logits.count / classes }

  /// log p(class | image) of one image for each class, in nats.
  func logProbabilities(_ image: Int) -> [Double] {
    let row = logits[image * classes..<(image + 1) * classes].map { Double($0) }
    let largest = row.max() ?? 0
    let total = row.reduce(0) { $0 + ($1 - largest).exponential }.logarithm + largest
    return row.map { $0 - total }
  }

  /// The likeliest class of an image, the first in case of a tie, and its probability.
  package func verdict(_ image: Int) -> (label: Int, confidence: Double) {
    let logs = logProbabilities(image)
    let best = logs.indices.max { logs[$0] < logs[$1] } ?? 0
    return (best, logs[best].exponential)
  }
}

/// Accuracy of a classifier.
package struct Accuracy {
  /// Fraction of images whose likeliest class is the label.
  package let share: Statistic
  /// Mean of -log p(label | image), in nats.
  package let loss: Statistic

  package init(_ predictions: Predictions, labels: [UInt8]) {
    share = Statistic(
      labels.indices.map { predictions.verdict($0).label == Int(labels[$0]) ? 1 : 0 })
    loss = Statistic(labels.indices.map { -predictions.logProbabilities($0)[Int(labels[$0])] })
  }
}

/// Images as bytes, with the class of each.
package struct LabelledTable {
  package let table: ByteTable
  package let labels: [UInt8]

  /// - Throws: `FigmentError` if the data are not labelled images, or have classes that the
  ///   experiment's classifier does not know.
  package init(_ data: TrainingData, _ experiment: Experiment) throws {
    guard case .images(let table, let known?) = data else {
      throw FigmentError("\(printable(experiment.data)) has no classes; expected labelled images")
    }
    (self.table, labels) = (table, Array(known.bytes))
    if let classes = experiment.model.classCount { try checkLabels(labels, classes: classes) }
  }
}
