import TensorCore

/// Adam, a schedule of its rate, clipping, and the moving average of the weights.
public struct OptimizerSettings: Equatable, Sendable {
  /// How the rate falls after the warm-up.
  public enum Decay: String, CaseIterable, Sendable {
    /// Not at all.
    case constant
    /// In a straight line to 0.
    case linear
    /// Along half a cosine to 0.
    case cosine
  }

  /// The learning rate at its highest.
  public var rate: Double
  /// Steps over which the rate rises from 0.
  public var warmup: Int
  /// How it falls.
  public var decay: Decay
  /// Adam's decay rates of the moments.
  public var beta1, beta2: Double
  /// The largest norm of all gradients together, or nil.
  public var clip: Double?
  /// The decay of the weights' moving average, or nil for none.
  public var average: Double?

  init(from reader: inout ConfigurationReader) throws {
    rate = try reader.double("rate", default: 1e-3, in: 0.0.nextUp...10)
    warmup = try reader.int("warmup", default: 0, in: 0...16_000_000)
    let word = try reader.string(
      "decay", default: "constant", oneOf: Decay.allCases.map(\.rawValue))
    decay = Decay(rawValue: word) ?? .constant
    beta1 = try reader.double("beta1", default: 0.9, in: 0...1.0.nextDown)
    beta2 = try reader.double("beta2", default: 0.999, in: 0...1.0.nextDown)
    clip = try reader.optionalDouble("clip", in: 0.0.nextUp...1e9)
    let given = reader.has("average")
    let average = try reader.optionalDouble("average", in: 0...1.0.nextDown)
    self.average = given ? average : 0.999
  }

  var members: [ConfigurationValue.Member] {
    [
      .init("rate", .number(rate)), .init("warmup", .integer(warmup)),
      .init("decay", .string(decay.rawValue)), .init("beta1", .number(beta1)),
      .init("beta2", .number(beta2)), .init("clip", .optional(clip)),
      .init("average", .optional(average)),
    ]
  }

  /// The learning rate by step.
  func rate(steps: Int) -> Rate {
    let peak = Rate(rate)
    let falling =
      switch decay {
      case .constant: peak
      case .linear: peak.linear(until: steps)
      case .cosine: peak.cosine(until: steps)
      }
    return falling.warmedUp(over: warmup)
  }

  /// The chain of transformations.
  func transformation(steps: Int) -> Transformation {
    var result = adam(rate(steps: steps), beta1, beta2)
    if let clip { result = chain(TensorCore.clip(globalNorm: clip), result) }
    if let average { result = chain(result, TensorCore.average(decay: average)) }
    return result
  }
}
