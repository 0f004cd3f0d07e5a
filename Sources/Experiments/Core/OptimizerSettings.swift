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
    package var every = 5
    /// The share of the way that they move.
    package var alpha = 0.5
    /// What becomes of the optimizer's state then.
    package var state = InnerState.keep

    static let schema = Schema<Self>([
      .int("every", \.every, in: 1...1_000_000, "Steps between two moves of the slow weights."),
      .number("alpha", \.alpha, in: 0.0.nextUp...1, "The share of the way that they move."),
      .word(
        "state", \.state,
        "What becomes of the optimizer's state then: kept, begun anew, or moved as the weights are."
      ),
    ])
  }

  /// What turns gradients into steps.
  package var kind = Kind.adam
  /// The learning rate at its highest.
  package var rate = 1e-3
  /// Steps over which the rate rises from 0.
  package var warmup = 0
  /// How it falls.
  package var decay = Decay.constant
  /// Where it falls to, if it falls, as a share of its highest, from 0 to 1; 0 unless told.
  package var floor = 0.0
  /// The share of the last change that SGD adds to the next.
  package var momentum = 0.9
  /// Whether SGD looks one step ahead.
  package var nesterov = false
  /// Adam's decay rates of the moments, also of AdamW and LAMB.
  package var beta1 = 0.9, beta2 = 0.999
  /// How much the weights shrink a step, as a multiple of the rate; of all kinds but Adam.
  package var weightDecay = 0.0
  /// The largest norm of all gradients together, or nil.
  package var clip: Double?
  /// Lookahead, or nil for none.
  package var lookahead: Lookahead?
  /// The decay of the weights' moving average, or nil for none.
  package var average: Double? = 0.999

  private static let kind = Schema<Self>.Choice("kind", \.kind)
  private static let share = 0...1.0.nextDown

  static let schema = Schema<Self>([
    .choice(kind, "What turns gradients into steps.").known(as: "optim", "optimizerType"),
    .number("rate", \.rate, in: 0.0.nextUp...10, "The learning rate at its highest.")
      .known(as: "lr", "learningRate", "baseLR"),
    .int("warmup", \.warmup, in: 0...16_000_000, "Steps over which the rate rises from 0.")
      .known(as: "warmupSteps", "lrWarmup"),
    .word(
      "decay", \.decay,
      "How the rate falls to the floor by the last step: in a straight line, or along half a cosine."
    ).known(as: "lrScheduler", "scheduler", "lrSchedule", "lrDecay"),
    // Written where it is of use, so that experiments from before it was known stay as they are.
    .number("floor", \.floor, in: 0...1, "Where the rate falls to, as a share of its highest.")
      .written { $0.floor > 0 },
    .number(
      "momentum", \.momentum, in: share, "The share of the last step that is added to the next."
    )
    .when(kind.is(.sgd)),
    .bool("nesterov", \.nesterov, "Whether the gradient is taken one step ahead.")
      .when(kind.is(.sgd)),
    .number("beta1", \.beta1, in: share, "The decay of the gradients' moving average.")
      .when(kind.is(.adam, .adamW, .lamb)).known(as: "b1", "betas"),
    .number("beta2", \.beta2, in: share, "The decay of the squared gradients' moving average.")
      .when(kind.is(.adam, .adamW, .lamb)).known(as: "b2"),
    .number(
      "weightDecay", \.weightDecay, default: .either(0.01, kind.is(.adamW), otherwise: 0),
      in: 0...100,
      "How much the weights shrink a step, as a multiple of the rate."
    ).when(kind.is(.adamW, .lamb, .sgd)).known(as: "wd"),
    .optionalNumber(
      "clip", \.clip, in: 0.0.nextUp...1e9,
      "The largest norm of all gradients together; longer ones are shortened; null for no limit."
    ).known(
      as: "gradClip", "clipGradNorm", "maxGradNorm", "gradientClipping", "clipGrad"),
    .optionalMapping(
      "lookahead", \.lookahead, Lookahead.schema, from: Lookahead(),
      "Slow weights that follow those trained, and pull them back; null for none."),
    .optionalNumber(
      "average", \.average, in: share,
      "The decay of the weights' moving average, which samples are drawn with; null for none."
    ).known(as: "ema", "emaDecay", "emaRate", "useEMA"),
  ])

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

  /// The chain of links at the rate of these settings.
  func chain(steps: Int) -> CompleteOptimizer { chain(rate(steps: steps)) }

  /// The chain of links at a rate.
  ///
  /// - Parameters:
  ///   - limit: The largest size of a parameter, or nil for none.
  ///   - isAveraged: Whether the moving average is kept, where there is one.
  func chain(
    _ rate: Rate, clamp limit: Double? = nil, isAveraged: Bool = true
  ) -> CompleteOptimizer {
    var optimizer =
      switch kind {
      case .adam: adam(rate, beta1, beta2)
      case .adamW: adamW(rate, beta1, beta2, decay: weightDecay)
      case .lamb: lamb(rate, beta1, beta2, decay: weightDecay)
      case .sgd: sgd(rate, momentum: momentum, nesterov: nesterov, decay: weightDecay)
      }
    if let clip { optimizer = TensorCore.chain(TensorCore.clip(globalNorm: clip), optimizer) }
    let average = isAveraged ? average : nil
    guard let limit else { return withLookahead(optimizer, average) }
    return withLookahead(TensorCore.chain(optimizer, clamp(limit)), average)
  }

  private func withLookahead(
    _ inner: Link<Gradient, some BeforeLookahead>, _ average: Double?
  ) -> CompleteOptimizer {
    guard let lookahead else { return withAverage(inner, average) }
    return withAverage(
      TensorCore.lookahead(
        inner, every: lookahead.every, alpha: lookahead.alpha, state: lookahead.state), average)
  }

  private func withAverage(
    _ optimizer: Link<Gradient, some BeforeAverage>, _ average: Double?
  ) -> CompleteOptimizer {
    guard let average else { return optimizer.complete }
    return TensorCore.chain(optimizer, TensorCore.average(decay: average))
  }
}
