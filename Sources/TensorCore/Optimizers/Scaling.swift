/// Shrinks all gradients together so that their norm is at most `limit`.
///
/// See Pascanu et al. 2013, alg. 1.
public func clip(globalNorm limit: Double) -> GradientRule {
  GradientRule { gradient, slots in
    gradient.scaled(by: minimum(limit / maximum(slots.globals.gradientNorm, 1e-12), 1))
  }
}

/// The change against the gradient: the gradient times -`rate`.
public func descend(_ rate: Rate) -> Optimizer {
  Optimizer { gradient, slots in .dense(rate.negated(slots.step) * gradient.whole) }
}

/// The change times a factor that may depend on the step.
public func scale(by rate: Rate) -> ChangeRule {
  ChangeRule { change, slots in
    switch change {
    case .dense(let change): .dense(rate(slots.step) * change)
    case .rows(let change, let touched): .rows(rate(slots.step) * change, of: touched)
    }
  }
}

/// The change times |w| / |change|, w being the parameter and the norms those of whole arrays; the change
/// itself where one of them is zero.
public func scaleByTrustRatio() -> ChangeRule {
  ChangeRule { change, slots in
    let change = change.whole
    let (w, u) = (sqrt(slots.value.squared().sum()), sqrt(change.squared().sum()))
    return .dense(select(w * u < Tensor(.leastNormalMagnitude), Tensor(1), w / u) * change)
  }
}
