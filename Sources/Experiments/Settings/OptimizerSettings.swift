import Configuration
import TensorCore

/// An optimizer, a schedule of its rate, clipping, and the weights that are kept beside those trained.
package struct OptimizerSettings: Equatable, Sendable {
  /// How the rate falls after the warm-up.
  package enum Decay: String, CaseIterable, Sendable {
    /// Not at all.
    case constant
    /// In a straight line, to 0 or the floor.
    case linear
    /// Along half a cosine, to 0 or the floor.
    case cosine
  }

  /// The optimizers by name.
  package enum Kind: String, CaseIterable, Sendable {
    /// Kingma and Ba 2015.
    case adam
    /// Loshchilov and Hutter 2019.
    case adamW = "adamw"
    /// You et al. 2020.
    case lamb
    /// Along the gradient, with momentum.
    case sgd
  }

  /// Lookahead around the optimizer; see `lookahead`.
  package struct Lookahead: Equatable, Sendable {
    /// Steps between two moves of the slow weights.
    package var every: Int
    /// The share of the way that they move.
    package var alpha: Double
    /// What becomes of the optimizer's state then.
    package var state: InnerState

    init(from reader: inout ConfigurationReader) throws {
      every = try reader.int("every", default: 5, in: 1...1_000_000)
      alpha = try reader.double("alpha", default: 0.5, in: 0.0.nextUp...1)
      let word = try reader.string(
        "state", default: "keep", oneOf: InnerState.allCases.map(\.rawValue))
      state = InnerState(rawValue: word) ?? .keep
    }

    var members: [ConfigurationValue.Member] {
      [
        .init("every", .integer(every)), .init("alpha", .number(alpha)),
        .init("state", .string(state.rawValue)),
      ]
    }
  }

  /// What turns gradients into steps.
  package var kind: Kind
  /// The learning rate at its highest.
  package var rate: Double
  /// Steps over which the rate rises from 0.
  package var warmup: Int
  /// How it falls.
  package var decay: Decay
  /// Where it falls to, if it falls, as a share of its highest, from 0 to 1; 0 unless told.
  package var floor: Double
  /// Adam's decay rates of the moments, also of AdamW and LAMB.
  package var beta1, beta2: Double
  /// The share of the last change that SGD adds to the next.
  package var momentum: Double
  /// Whether SGD looks one step ahead.
  package var nesterov: Bool
  /// How much the weights shrink a step, as a multiple of the rate; of all kinds but Adam.
  package var weightDecay: Double
  /// The largest norm of all gradients together, or nil.
  package var clip: Double?
  /// Lookahead, or nil for none.
  package var lookahead: Lookahead?
  /// The decay of the weights' moving average, or nil for none.
  package var average: Double?

  init(from reader: inout ConfigurationReader) throws {
    let name = try reader.string(
      "kind", default: "adam", oneOf: Kind.allCases.map(\.rawValue))
    kind = Kind(rawValue: name) ?? .adam
    rate = try reader.double("rate", default: 1e-3, in: 0.0.nextUp...10)
    warmup = try reader.int("warmup", default: 0, in: 0...16_000_000)
    let word = try reader.string(
      "decay", default: "constant", oneOf: Decay.allCases.map(\.rawValue))
    decay = Decay(rawValue: word) ?? .constant
    floor = try reader.double("floor", default: 0, in: 0...1)
    let share = 0...1.0.nextDown
    (beta1, beta2, momentum, nesterov, weightDecay) = (0.9, 0.999, 0, false, 0)
    if kind == .sgd {
      momentum = try reader.double("momentum", default: 0.9, in: share)
      nesterov = try reader.bool("nesterov", default: false)
    } else {
      beta1 = try reader.double("beta1", default: beta1, in: share)
      beta2 = try reader.double("beta2", default: beta2, in: share)
    }
    if kind != .adam {
      let standard = kind == .adamW ? 0.01 : 0
      weightDecay = try reader.double("weightDecay", default: standard, in: 0...100)
    }
    clip = try reader.optionalDouble("clip", in: 0.0.nextUp...1e9)
    lookahead = try reader.optionalNested("lookahead") { try Lookahead(from: &$0) }
    let given = reader.has("average")
    let average = try reader.optionalDouble("average", in: share)
    self.average = given ? average : 0.999
  }

  var members: [ConfigurationValue.Member] {
    var members: [ConfigurationValue.Member] = [
      .init("kind", .string(kind.rawValue)), .init("rate", .number(rate)),
      .init("warmup", .integer(warmup)), .init("decay", .string(decay.rawValue)),
    ]
    // Written where it is of use, so that experiments from before it was known stay as they are.
    if floor > 0 { members.append(.init("floor", .number(floor))) }
    if kind == .sgd {
      members += [.init("momentum", .number(momentum)), .init("nesterov", .bool(nesterov))]
    } else {
      members += [.init("beta1", .number(beta1)), .init("beta2", .number(beta2))]
    }
    if kind != .adam { members.append(.init("weightDecay", .number(weightDecay))) }
    members.append(.init("clip", .optional(clip)))
    if let lookahead { members.append(.init("lookahead", .mapping(lookahead.members))) }
    return members + [.init("average", .optional(average))]
  }

  /// The weights to sample and evaluate with: the moving average where there is one, else the slow
  /// weights of Lookahead.
  package var weights: Weights {
    average != nil ? .averaged : lookahead != nil ? .slow : .raw
  }

  /// The learning rate, times `factor`, by run of a program that runs `runs` times a step.
  func rate(steps: Int, runs: Int = 1, times factor: Double = 1) -> Rate {
    let peak = Rate(rate * factor)
    let falling =
      switch decay {
      case .constant: peak
      case .linear: peak.linear(until: steps * runs, floor: floor)
      case .cosine: peak.cosine(until: steps * runs, floor: floor)
      }
    return falling.warmedUp(over: warmup * runs)
  }

  /// The chain of transformations.
  func transformation(steps: Int) -> Transformation { transformation(rate(steps: steps)) }

  /// The chain of transformations at a rate.
  ///
  /// - Parameters:
  ///   - limit: How large the parameters may grow, if that is limited.
  ///   - isAveraged: Whether the moving average is kept, where there is one.
  func transformation(
    _ rate: Rate, clamp limit: Double? = nil, isAveraged: Bool = true
  ) -> Transformation {
    var result =
      switch kind {
      case .adam: adam(rate, beta1, beta2)
      case .adamW: adamW(rate, beta1, beta2, decay: weightDecay)
      case .lamb: lamb(rate, beta1, beta2, decay: weightDecay)
      case .sgd: sgd(rate, momentum: momentum, nesterov: nesterov, decay: weightDecay)
      }
    if let clip { result = chain(TensorCore.clip(globalNorm: clip), result) }
    if let limit { result = chain(result, clamp(limit)) }
    if let lookahead {
      result = TensorCore.lookahead(
        result, every: lookahead.every, alpha: lookahead.alpha, state: lookahead.state)
    }
    if let average, isAveraged { result = chain(result, TensorCore.average(decay: average)) }
    return result
  }
}
