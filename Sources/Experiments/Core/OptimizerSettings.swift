import Configuration
import TensorCore

/// Settings of the optimizer: its kind, learning-rate schedule, clipping, and the weights kept
/// next to those trained.
package struct OptimizerSettings: Equatable, Sendable {
  /// Decay of the rate after the warm-up.
  package enum Decay: String, CaseIterable, Sendable {
    /// No decay.
    case constant
    /// Linear, to 0 or the floor.
    case linear
    /// Half a cosine, to 0 or the floor.
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
    /// Gradient descent with momentum.
    case sgd
  }

  /// Settings of Lookahead around the optimizer.
  package struct Lookahead: Equatable, Sendable {
    /// Number of steps between updates of the slow weights.
    package var every = 5
    /// Fraction of the distance that the slow weights move.
    package var alpha = 0.5
    /// Treatment of the optimizer's state at these updates.
    package var state = InnerState.keep

    static let schema = Schema<Self>([
      .int(
        "every", \.every, in: 1...1_000_000, "Number of steps between updates of the slow weights."),
      .number(
        "alpha", \.alpha, in: 0.0.nextUp...1,
        "Fraction of the distance to the trained weights that the slow weights move."),
      .word(
        "state", \.state,
        "Treatment of the optimizer's state then: kept, reset, or moved as the weights are."
      ),
    ])
  }

  /// Kind of optimizer.
  package var kind = Kind.adam
  /// Peak learning rate.
  package var rate = 1e-3
  /// Number of steps over which the rate rises from 0.
  package var warmup = 0
  /// Decay of the rate after the warm-up.
  package var decay = Decay.constant
  /// Final rate after the decay, as a fraction of the peak, from 0 to 1.
  package var floor = 0.0
  /// Momentum of SGD.
  package var momentum = 0.9
  /// True if SGD uses Nesterov momentum.
  package var nesterov = false
  /// Decay rates of the moments in Adam, AdamW and LAMB.
  package var beta1 = 0.9, beta2 = 0.999
  /// Decrease of the weights per step, as a multiple of the rate; for all kinds but Adam.
  package var weightDecay = 0.0
  /// Largest global norm of the gradients, or nil for no clipping.
  package var clip: Double?
  /// Lookahead, or nil for none.
  package var lookahead: Lookahead?
  /// Decay of the exponential moving average of the weights, or nil for none.
  package var average: Double? = 0.999
  /// Window of the moving average as a fraction of all steps, instead of a decay; or nil.
  package var averageOver: Double?

  private static let kind = Schema<Self>.Choice("kind", \.kind)
  private static let share = 0...1.0.nextDown

  static let schema = Schema<Self>([
    .choice(kind, "Kind of optimizer.").known(as: "optim", "optimizerType"),
    .number("rate", \.rate, in: 0.0.nextUp...10, "Peak learning rate.")
      .known(as: "lr", "learningRate", "baseLR"),
    .int(
      "warmup", \.warmup, in: 0...16_000_000, "Number of steps over which the rate rises from 0."
    )
    .known(as: "warmupSteps", "lrWarmup"),
    .word(
      "decay", \.decay,
      "Decay of the rate to the floor by the last step: linear, or along half a cosine."
    ).known(as: "lrScheduler", "scheduler", "lrSchedule", "lrDecay"),
    // Written only if it applies, so that the YAML of older experiments stays unchanged.
    .number("floor", \.floor, in: 0...1, "Final rate after the decay, as a fraction of the peak.")
      .written { $0.floor > 0 },
    .number(
      "momentum", \.momentum, in: share,
      "Momentum: the fraction of the last step added to the next."
    )
    .when(kind.is(.sgd)),
    .bool("nesterov", \.nesterov, "Nesterov momentum: evaluate the gradient one step ahead.")
      .when(kind.is(.sgd)),
    .number("beta1", \.beta1, in: share, "Decay of the moving average of gradients.")
      .when(kind.is(.adam, .adamW, .lamb)).known(as: "b1", "betas"),
    .number("beta2", \.beta2, in: share, "Decay of the moving average of squared gradients.")
      .when(kind.is(.adam, .adamW, .lamb)).known(as: "b2"),
    .number(
      "weightDecay", \.weightDecay, default: .either(0.01, kind.is(.adamW), otherwise: 0),
      in: 0...100,
      "Decrease of the weights per step, as a multiple of the rate."
    ).when(kind.is(.adamW, .lamb, .sgd)).known(as: "wd"),
    .optionalNumber(
      "clip", \.clip, in: 0.0.nextUp...1e9,
      "Largest global norm of the gradients, which are scaled down to it; null for no limit."
    ).known(
      as: "gradClip", "clipGradNorm", "maxGradNorm", "gradientClipping", "clipGrad"),
    .optionalMapping(
      "lookahead", \.lookahead, Lookahead.schema, from: Lookahead(),
      "Lookahead: slow weights that follow the trained ones and periodically replace them; null for none."
    ),
    .optionalNumber(
      "averageOver", \.averageOver, in: 0.0.nextUp...1,
      "Window of the weights' moving average as a fraction of all steps, instead of a decay; null for none."
    ).known(as: "emaWindow").written { $0.averageOver != nil },
    .optionalNumber(
      "average", \.average,
      default: .computed("0.999, or null with averageOver") {
        $0.averageOver == nil ? $0.average : nil
      }, in: share,
      "Decay of the exponential moving average of the weights, used for sampling; null for none."
    ).known(as: "ema", "emaDecay", "emaRate", "useEMA")
      .rule("average") { settings, error in
        if settings.averageOver != nil, settings.average != nil {
          throw error("averageOver is given, too; expected null, or averageOver: null")
        }
      },
  ])

  /// Weights for sampling and evaluation: the moving average if there is one, otherwise the slow
  /// weights of Lookahead.
  package var weights: Weights {
    average != nil || averageOver != nil ? .averaged : lookahead != nil ? .slow : .raw
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
  func chain(steps: Int) -> CompleteOptimizer {
    chain(rate(steps: steps), average: averageDecay(steps: steps))
  }

  /// Decay of the moving average in a run of `steps`, or nil for none.
  package func averageDecay(steps: Int) -> Double? {
    average ?? averageOver.map { 1 - 1 / max(2, $0 * Double(steps)) }
  }

  /// The chain of links at a rate.
  ///
  /// - Parameters:
  ///   - limit: The largest size of a parameter, or nil for none.
  ///   - average: Decay of the moving average of the parameters, or nil for none.
  func chain(
    _ rate: Rate, clamp limit: Double? = nil, average: Double? = nil
  ) -> CompleteOptimizer {
    var optimizer =
      switch kind {
      case .adam: adam(rate, beta1, beta2)
      case .adamW: adamW(rate, beta1, beta2, decay: weightDecay)
      case .lamb: lamb(rate, beta1, beta2, decay: weightDecay)
      case .sgd: sgd(rate, momentum: momentum, nesterov: nesterov, decay: weightDecay)
      }
    if let clip { optimizer = TensorCore.chain(TensorCore.clip(globalNorm: clip), optimizer) }
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
