import Support

/// Independent binary variables, given by logits l = log(p / (1 - p)).
public struct Bernoulli: Equatable, Sendable {
  /// Logits, one for each variable; finite.
  public let logits: [Double]

  /// Creates variables that are 1 with probability 1 / (1 + exp(-l)).
  ///
  /// - Throws: `FigmentError` for a logit that is not finite.
  public init(logits: [Double]) throws {
    try check(logits, count: logits.count, name: "Bernoulli logits")
    self.logits = logits
  }

  /// The probability of 1 for each variable, in [0, 1].
  public var probabilities: [Double] { logits.map { (-(-$0).softplus).exponential } }

  /// Σ x l - log(1 + exp l), in nats: the log probability of zeros and ones.
  ///
  /// For x strictly between 0 and 1 it is the negative cross-entropy, which is not a
  /// log-likelihood.
  ///
  /// - Throws: `FigmentError` unless there are as many values as logits, all in [0, 1].
  public func logProbability(_ values: [Double]) throws -> Double {
    try check(values, count: logits.count, name: "a binary value")
    if let index = values.firstIndex(where: { !(0...1).contains($0) }) {
      throw FigmentError(
        "a binary value is \(values[index]) at index \(index); expected 0 to 1")
    }
    // x l - softplus(l) = -(1 - x) softplus(l) - x softplus(-l): only terms of one sign.
    return zip(values, logits).reduce(0) { sum, pair in
      let (x, l) = pair
      return sum - (1 - x) * l.softplus - x * (-l).softplus
    }
  }

  /// The sum of the variables' entropies, in nats.
  public var entropy: Double {
    logits.reduce(0) { sum, l in
      let p = (-(-l).softplus).exponential
      return sum + (1 - p) * l.softplus + p * (-l).softplus
    }
  }

  /// Draws a zero or one for each logit.
  public func draw(using generator: inout some RandomNumberGenerator) -> [Double] {
    probabilities.map { generator.uniform() < $0 ? 1 : 0 }
  }
}
