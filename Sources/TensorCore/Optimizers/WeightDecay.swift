/// Adds `factor` times the parameter to its gradient: the derivative of a penalty of factor / 2 times the
/// squared norm of the parameters.
public func addPenalty(_ factor: Double) -> GradientRule {
  GradientRule { gradient, slots in
    factor == 0 ? gradient : .dense(gradient.whole + factor * slots.value)
  }
}

/// Adds `factor` times the parameter to its change: weight decay apart from the gradient.
///
/// See Loshchilov and Hutter 2019, algorithm 2. Of rows that `lazy` changes, only these decay.
public func addDecay(_ factor: Double) -> ChangeRule {
  ChangeRule { change, slots in
    guard factor != 0 else { return change }
    switch change {
    case .dense(let change): return .dense(change + factor * slots.value)
    case .rows(let change, let touched):
      let value = slots.parameter.value.gather(touched.rows)
      return .rows(change + factor * value, of: touched)
    }
  }
}

/// Keeps every number of the parameters from -`limit` to `limit`.
///
/// See Arjovsky et al. 2017, algorithm 1.
public func clamp<Given: BeforeLookahead>(_ limit: Double) -> Link<Given, NewValue> {
  Link { given, slots in
    NewValue(minimum(maximum(given.value(of: slots.parameter), -limit), limit))
  }
}
