/// The sum of all changes so far, each weighed by `beta` to the power of its age (Polyak 1964).
///
/// - Parameter nesterov: Whether to look one step ahead: g + beta m in place of m (Sutskever et al.
///   2013, eq. 3 and 4, in the form without a change of variables).
public func accumulateMomentum(_ beta: Double, nesterov: Bool = false) -> Transformation {
  { g, slots in
    let m = slots.keep("momentum", fading: beta) { beta * $0 + g }
    return nesterov ? g + beta * m : m
  }
}

/// Descent along the gradient at `rate`, with momentum unless it is 0.
///
/// - Parameter decay: The factor of the weights that is added to their gradient.
public func sgd(
  _ rate: Rate, momentum: Double = 0, nesterov: Bool = false, decay: Double = 0
) -> Transformation {
  let slope = addWeights(times: decay)
  guard momentum > 0 else { return chain(slope, scale(by: rate.negated)) }
  return chain(
    slope, accumulateMomentum(momentum, nesterov: nesterov), scale(by: rate.negated))
}
