/// The sum of all gradients so far, each weighted by `beta` to the power of its age (Polyak 1964).
///
/// - Parameter nesterov: Looks one step ahead: g + beta m in place of m (Sutskever et al.
///   2013, eq. 3 and 4, in the form without a change of variables).
public func accumulateMomentum(_ beta: Double, nesterov: Bool = false) -> Optimizer {
  Optimizer { gradient, slots in
    let g = gradient.whole
    let m = slots.keep("momentum", fading: beta) { beta * $0 + g }
    return .dense(nesterov ? g + beta * m : m)
  }
}

/// Descent along the gradient at `rate`, with momentum unless it is 0.
///
/// - Parameter decay: The factor of the weights that is added to their gradient.
public func sgd(
  _ rate: Rate, momentum: Double = 0, nesterov: Bool = false, decay: Double = 0
) -> Optimizer {
  guard momentum > 0 else { return chain(addPenalty(decay), descend(rate)) }
  return chain(
    addPenalty(decay), accumulateMomentum(momentum, nesterov: nesterov), scale(by: rate.negated))
}
