import TensorCore

/// A classifier of images, whose features are used to evaluate other models.
///
/// Examples x are [n] + shape with pixels in [-1, 1], labels y are [n] with classes from 0.
public struct ImageClassifier: Sendable {
  /// The shape of an example.
  public let shape: [Int]
  /// Number of classes.
  public let classes: Int
  /// Number of features, the units of the second-to-last layer.
  public let width: Int
  /// Largest distance by which training images are shifted, in pixels.
  public let shift: Double
  private let body: Layer
  private let head: Layer

  /// Creates a classifier and adds its parameters to `parameters`.
  ///
  /// - Parameter shift: Largest distance by which training images are shifted in each direction, in
  ///   pixels.
  /// - Throws: `TensorError` if the layers do not fit examples of `shape`, or a setting is out of
  ///   range.
  public init(
    shape: [Int], layers: Layers, classes: Int, shift: Double = 0, _ parameters: Parameters
  ) throws {
    if let failure = layers.failure(forExamplesOf: shape) { throw TensorError(failure) }
    guard classes >= 2 else {
      throw TensorError("a classifier needs at least 2 classes, not \(classes)")
    }
    guard shift >= 0, shift.isFinite else {
      throw TensorError("the shift of images must be at least 0 pixels, not \(shift)")
    }
    (self.shape, self.classes, self.shift) = (shape, classes, shift)
    width = layers.features
    body = layers(shape, parameters)
    head = dense(layers.features, classes, parameters["classes"])
  }

  /// The features of examples x, [n] + shape: [n, width].
  public func features(_ x: Tensor) -> Tensor {
    guard x.rank >= 1, Array(x.shape.dropFirst()) == shape else {
      return x.failing("a classifier of examples \(shape) given \(x.shape)")
    }
    return body(x)
  }

  /// log p(y|x) up to a constant for each class, from features: [n, classes].
  public func logits(features: Tensor) -> Tensor { head(features) }

  /// Evaluation of a classifier on labelled examples.
  public struct Verdict: Sendable {
    /// -log p(y|x) in nats, [n].
    public let loss: Tensor
    /// 1 if no class is more likely than the label, else 0: [n].
    public let isCorrect: Tensor
  }

  /// Classifies examples x and compares the result with labels y.
  public func judge(_ x: Tensor, _ y: Tensor) -> Verdict {
    let logits = logits(features: features(x))
    guard y.shape == [x.shape.first ?? 0] else {
      let wrong = y.failing("labels of shape \(y.shape) for examples of \(x.shape)")
      return Verdict(loss: wrong, isCorrect: wrong)
    }
    let isLabel = oneHot(y, classes: classes)
    let largest = logits.maximum(1, keep: true)
    return Verdict(
      loss: crossEntropy(logits: logits, labels: y),
      isCorrect: 1 - ((isLabel * logits).sum(1, keep: true) < largest).sum(1))
  }

  /// The training loss and the fraction of correctly classified examples, both scalars.
  public func objective(_ x: Tensor, _ y: Tensor) -> (loss: Tensor, accuracy: Tensor) {
    let verdict = judge(shifted(x), y)
    return (verdict.loss.mean(), verdict.isCorrect.mean())
  }
}
