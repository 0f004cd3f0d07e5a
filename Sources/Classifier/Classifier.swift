import TensorCore

/// A classifier of images, whose features other models are judged by.
///
/// Examples x are [n] + shape with pixels in [-1, 1], labels y are [n] with classes from 0.
public struct ImageClassifier: Sendable {
  /// The shape of an example.
  public let shape: [Int]
  /// How many classes there are.
  public let classes: Int
  /// How many features the last layer but one has.
  public let width: Int
  /// How far images are moved in training, in pixels.
  public let shift: Double
  private let body: Layer
  private let head: Layer

  /// A classifier whose parameters join `parameters`.
  ///
  /// - Parameter shift: How far images are moved in training, at most and to each side, in pixels.
  /// - Throws: `TensorError` where the layers do not fit examples of `shape`, or a setting is out of
  ///   range.
  public init(
    shape: [Int], layers: Layers, classes: Int, shift: Double = 0, _ parameters: Parameters
  ) throws {
    if let failure = layers.failure(forExamplesOf: shape) { throw TensorError(failure) }
    guard classes >= 2 else { throw TensorError("there are at least 2 classes, not \(classes)") }
    guard shift >= 0, shift.isFinite else {
      throw TensorError("images are moved by at least 0 pixels, not \(shift)")
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

  /// What a classifier says of labelled examples.
  public struct Verdict: Sendable {
    /// -log p(y|x) in nats, [n].
    public let loss: Tensor
    /// 1 where no class is likelier than the label, else 0: [n].
    public let isRight: Tensor
  }

  /// What the classifier says of examples x with labels y.
  public func judge(_ x: Tensor, _ y: Tensor) -> Verdict {
    let logits = logits(features: features(x))
    guard y.shape == [x.shape.first ?? 0] else {
      let wrong = y.failing("labels of shape \(y.shape) for examples of \(x.shape)")
      return Verdict(loss: wrong, isRight: wrong)
    }
    let isLabel = oneHot(y, classes: classes)
    let largest = logits.maximum(1, keep: true)
    return Verdict(
      loss: crossEntropy(logits: logits, labels: y),
      isRight: 1 - ((isLabel * logits).sum(1, keep: true) < largest).sum(1))
  }

  /// What a step of training minimises, and the share of its examples that are right: single numbers.
  public func objective(_ x: Tensor, _ y: Tensor) -> (loss: Tensor, accuracy: Tensor) {
    let verdict = judge(moved(x), y)
    return (verdict.loss.mean(), verdict.isRight.mean())
  }
}
