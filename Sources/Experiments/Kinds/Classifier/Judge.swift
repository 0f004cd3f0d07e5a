import Classifier
import Datasets
import Domains
import Likelihood
import Support
import TensorCore

/// A classifier's opinions of images, at one fixed batch and in fp32.
package final class Judge {
  private let model: ImageClassifier
  private let program: Program
  private let bytes, features, logits: Tensor
  private static let batch = 500

  /// - Parameter weights: Which of the weights are read, given an expression of the raw ones.
  package init(_ model: ImageClassifier, _ runtime: Runtime, _ weights: (Tensor) -> Tensor) throws {
    self.model = model
    bytes = .input("bytes", [Self.batch] + model.shape)
    let x = PixelScale(range: -1...1, isDequantised: false)(bytes, .none)
    let found = model.features(x)
    features = weights(found)
    logits = weights(model.logits(features: found))
    program = try runtime.compile("judge", [features, logits], sharesDraws: true)
  }

  /// The opinions of images of bytes.
  ///
  /// - Throws: `FigmentError` where they are of another shape than the classifier's.
  package func callAsFunction(_ images: ByteTable) throws -> Opinions {
    guard images.rowShape == model.shape else {
      throw FigmentError(
        "the classifier is of images of shape \(model.shape), and these are of \(images.rowShape)")
    }
    let size = model.shape.product
    var opinions = Opinions(width: model.width, classes: model.classes)
    for first in stride(from: 0, to: images.rows, by: Self.batch) {
      let count = min(Self.batch, images.rows - first)
      try program.fill(bytes) { span in
        for i in 0..<count * size { span[i] = Float(images.bytes[first * size + i]) }
      }
      program.run(at: 0)
      opinions.features += try program.values(features).prefix(count * model.width)
      opinions.logits += try program.values(logits).prefix(count * model.classes)
    }
    return opinions
  }
}

/// What a classifier makes of some images.
package struct Opinions {
  /// Features of an image.
  package let width: Int
  /// Classes that are told apart.
  package let classes: Int
  /// [count, width].
  package var features: [Float] = []
  /// [count, classes].
  package var logits: [Float] = []

  package init(width: Int, classes: Int) { (self.width, self.classes) = (width, classes) }

  /// How many images.
  package var count: Int { logits.count / classes }

  /// log p(class | image) of one image, in nats, for each class.
  func logProbabilities(_ image: Int) -> [Double] {
    let row = logits[image * classes..<(image + 1) * classes].map { Double($0) }
    let largest = row.max() ?? 0
    let total = row.reduce(0) { $0 + ($1 - largest).exponential }.logarithm + largest
    return row.map { $0 - total }
  }

  /// The likeliest class of an image, the first of equal ones, and its probability.
  package func verdict(_ image: Int) -> (label: Int, confidence: Double) {
    let logs = logProbabilities(image)
    let best = logs.indices.max { logs[$0] < logs[$1] } ?? 0
    return (best, logs[best].exponential)
  }
}

/// How often a classifier is right.
package struct Accuracy {
  /// The share of images whose likeliest class is the label.
  package let share: Statistic
  /// -log p(label | image), in nats.
  package let loss: Statistic

  package init(_ opinions: Opinions, labels: [UInt8]) {
    share = Statistic(
      labels.indices.map { opinions.verdict($0).label == Int(labels[$0]) ? 1 : 0 })
    loss = Statistic(labels.indices.map { -opinions.logProbabilities($0)[Int(labels[$0])] })
  }
}

/// Images of bytes with the class of each.
package struct LabelledTable {
  package let table: ByteTable
  package let labels: [UInt8]

  /// - Throws: `FigmentError` where the data are no labelled images, or have classes that the experiment's
  ///   classifier does not know.
  package init(_ data: TrainingData, _ experiment: Experiment) throws {
    guard case .images(let table, let known?) = data else {
      throw FigmentError("\(printable(experiment.data)) has no classes; expected labelled images")
    }
    (self.table, labels) = (table, Array(known.bytes))
    if let classes = experiment.model.classCount { try checkLabels(labels, classes: classes) }
  }
}
