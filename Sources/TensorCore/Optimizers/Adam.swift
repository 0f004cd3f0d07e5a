/// The change over a running estimate of its own size (Kingma and Ba 2015, algorithm 1).
public func scaleByAdam(_ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-8)
  -> Transformation
{
  { g, slots in
    let m = slots.keep("m") { beta1 * $0 + (1 - beta1) * g }
    let v = slots.keep("v") { beta2 * $0 + (1 - beta2) * g.squared() }
    let t = slots.step
    return m / (1 - power(beta1, t)) / (sqrt(v / (1 - power(beta2, t))) + epsilon)
  }
}

/// Adam, descending at `rate` (Kingma and Ba 2015).
public func adam(
  _ rate: Rate, _ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-8
) -> Transformation {
  chain(scaleByAdam(beta1, beta2, epsilon: epsilon), scale(by: rate.negated))
}
