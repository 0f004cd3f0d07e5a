// Logarithms of probabilities, and losses made of them. All in nats, and none overflows.

/// log of the sum of exp(x) along `axis`, which disappears unless `keep`.
///
/// The largest element is taken out of the sum, so that no exponential overflows; where all are
/// -infinity the value is NaN.
public func logSumExp(_ x: Tensor, axis: Int = -1, keep: Bool = false) -> Tensor {
  let largest = x.maximum(axis, keep: true).stopped
  let total = log(exp(x - largest).sum(axis, keep: true)) + largest
  return keep ? total : total.sum(axis)
}

/// log(softmax(x)) along `axis`: of logits, the logarithms of the probabilities.
public func logSoftmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  let shifted = x - x.maximum(axis, keep: true).stopped
  return shifted - log(exp(shifted).sum(axis, keep: true))
}

/// 1 in the place of each label and 0 elsewhere: [...] to [..., classes].
///
/// It has no gradient. A label that is none of 0 ..< classes gives zeros alone.
public func oneHot(_ labels: Tensor, classes: Int) -> Tensor {
  guard classes >= 1 else {
    return .invalid("one-hot labels of \(classes) classes; expected at least 1", [labels])
  }
  let places = labels.shape.map { _ in 1 } + [classes]
  let numbers = Tensor.literal((0..<classes).map { Double($0) }, places)
  return abs(labels.reshape(labels.shape + [1]) - numbers) < 0.5
}

/// -log p(label) of each example, from logits: [..., classes] and labels [...] to [...], in nats.
///
/// p is the softmax of the logits over the last axis. A label that is none of 0 ..< classes is
/// given no part of the logits, so check labels before.
public func crossEntropy(logits: Tensor, labels: Tensor) -> Tensor {
  guard logits.rank >= 1, labels.shape == Array(logits.shape.dropLast()) else {
    return .invalid(
      "cross-entropy of logits \(logits.shape) given labels of shape \(labels.shape); expected "
        + "\(logits.rank >= 1 ? "\(Array(logits.shape.dropLast()))" : "logits [..., classes]")",
      [logits, labels])
  }
  let isLabel = oneHot(labels, classes: logits.shape[logits.rank - 1])
  let shifted = logits - logits.maximum(-1, keep: true).stopped
  let chosen = (isLabel * shifted).sum(-1)
  return log(exp(shifted).sum(-1)) - chosen
}

/// -Σ q log p over the classes, from logits of p and probabilities q, both [..., classes]: [...], in
/// nats.
///
/// Its minimum over p is the entropy of q, at p = q. For soft labels, such as smoothed ones (Szegedy
/// et al. 2016, §7).
public func crossEntropy(logits: Tensor, probabilities: Tensor) -> Tensor {
  guard logits.rank >= 1, probabilities.shape == logits.shape else {
    return .invalid(
      "cross-entropy of logits \(logits.shape) given probabilities of shape "
        + "\(probabilities.shape); expected the same shape, [..., classes]",
      [logits, probabilities])
  }
  return -(probabilities * logSoftmax(logits)).sum(-1)
}

/// -(y log σ(x) + (1 - y) log(1 - σ(x))), element by element, from logits x and targets y in [0, 1],
/// in nats.
///
/// As log(1 + exp(x)) - x y, which neither overflows nor takes the logarithm of 0.
public func binaryCrossEntropy(logits: Tensor, targets: Tensor) -> Tensor {
  guard targets.shape == logits.shape else {
    return .invalid(
      "binary cross-entropy of logits \(logits.shape) given targets of shape \(targets.shape); "
        + "expected the same shape", [logits, targets])
  }
  return softplus(logits) - logits * targets
}
