/// Dropout: in training, each number is zero with probability `rate`.
///
/// See Srivastava et al. 2014, §4.
///
/// There is no mode to forget: a model has an expression for training and one for evaluation, and
/// says which it means.
///
///     let dropout = Dropout(rate: 0.1, p["dropout"])
///     let loss = crossEntropy(logits: head(dropout.training(h)), labels: y).mean()
///     let logits = head(dropout.evaluation(h))
public struct Dropout: Sendable {
  /// The probability of being dropped, at least 0 and below 1.
  public let rate: Double
  /// The path of the layer in the model.
  public let path: String
  private let layer: MultiInputLayer<Tensor, Tensor?>

  /// Dropout whose draws are named by the path of `parameters`; it makes no parameter.
  ///
  /// One is for one place in a model: two arrays that pass through it lose the same numbers.
  public init(rate: Double, _ parameters: Parameters) {
    (self.rate, path) = (rate, parameters.path)
    layer = MultiInputLayer(parameters) { [path] x, keys in
      guard rate >= 0, rate < 1 else {
        return .invalid("dropout of rate \(rate); expected at least 0 and below 1", [x])
      }
      guard rate > 0 else { return x }
      let isKept = Tensor.uniform(x.shape, "\(path)/dropout", keys: keys) < Tensor(1 - rate)
      return x * isKept * (1 / (1 - rate))
    }
  }

  /// x with each number zero with probability `rate`, new at each run, and the others divided by
  /// 1 - rate: the expectation is x.
  ///
  /// - Parameter keys: A seed for each row, see `Tensor.normal`.
  public func training(_ x: Tensor, keys: Tensor? = nil) -> Tensor { layer(x, keys) }

  /// x itself, which is the expectation of `training`.
  public func evaluation(_ x: Tensor) -> Tensor { x }
}
