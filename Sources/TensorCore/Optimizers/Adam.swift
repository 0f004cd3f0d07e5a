/// The running mean of the gradient over the root of that of its square (Kingma and Ba 2015, algorithm 1).
public func scaleByAdam(_ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-8)
  -> Optimizer
{
  Optimizer { gradient, slots in
    let g = gradient.whole
    let m = slots.keep("m", fading: beta1) { beta1 * $0 + (1 - beta1) * g }
    let v = slots.keep("v", fading: beta2) { beta2 * $0 + (1 - beta2) * g.squared() }
    let t = slots.age
    return .dense(m / (1 - power(beta1, t)) / (sqrt(v / (1 - power(beta2, t))) + epsilon))
  }
}

/// Adam, descending at `rate` (Kingma and Ba 2015).
public func adam(
  _ rate: Rate, _ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-8
) -> Optimizer {
  chain(scaleByAdam(beta1, beta2, epsilon: epsilon), scale(by: rate.negated))
}

/// Adam with decoupled weight decay: each step also takes rate x decay x weight away.
///
/// See Loshchilov and Hutter 2019, algorithm 2. All parameters decay, biases too.
public func adamW(
  _ rate: Rate, _ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-8,
  decay: Double
) -> Optimizer {
  chain(scaleByAdam(beta1, beta2, epsilon: epsilon), addDecay(decay), scale(by: rate.negated))
}

/// Adam with steps of each parameter in proportion to its norm.
///
/// See You et al. 2020, algorithm 2; φ is the identity.
public func lamb(
  _ rate: Rate, _ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-6,
  decay: Double = 0
) -> Optimizer {
  chain(
    scaleByAdam(beta1, beta2, epsilon: epsilon), addDecay(decay), scaleByTrustRatio(),
    scale(by: rate.negated))
}
