/// The change over a running estimate of its own size (Kingma and Ba 2015, algorithm 1).
public func scaleByAdam(_ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-8)
  -> Transformation
{
  { g, slots in
    let m = slots.keep("m", fading: beta1) { beta1 * $0 + (1 - beta1) * g }
    let v = slots.keep("v", fading: beta2) { beta2 * $0 + (1 - beta2) * g.squared() }
    let t = slots.age
    return m / (1 - power(beta1, t)) / (sqrt(v / (1 - power(beta2, t))) + epsilon)
  }
}

/// Adam, descending at `rate` (Kingma and Ba 2015).
public func adam(
  _ rate: Rate, _ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-8
) -> Transformation {
  chain(scaleByAdam(beta1, beta2, epsilon: epsilon), scale(by: rate.negated))
}

/// Adam with decoupled weight decay: each step also takes rate x decay x weight away.
///
/// See Loshchilov and Hutter 2019, algorithm 2. All parameters decay, biases too.
public func adamW(
  _ rate: Rate, _ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-8,
  decay: Double
) -> Transformation {
  chain(
    scaleByAdam(beta1, beta2, epsilon: epsilon), addWeights(times: decay), scale(by: rate.negated))
}

/// Adam whose every parameter steps by a length in proportion to its own.
///
/// See You et al. 2020, algorithm 2; φ is the identity.
public func lamb(
  _ rate: Rate, _ beta1: Double = 0.9, _ beta2: Double = 0.999, epsilon: Double = 1e-6,
  decay: Double = 0
) -> Transformation {
  chain(
    scaleByAdam(beta1, beta2, epsilon: epsilon), addWeights(times: decay), scaleByTrustRatio(),
    scale(by: rate.negated))
}

/// Adds `factor` times the parameter to the change.
public func addWeights(times factor: Double) -> Transformation {
  { change, slots in factor == 0 ? change : change + factor * slots.value }
}

/// The change times |w| / |change|, w being the parameter and the norms those of the whole arrays; as it
/// is where one of them is zero.
public func scaleByTrustRatio() -> Transformation {
  { change, slots in
    let (w, u) = (sqrt(slots.value.squared().sum()), sqrt(change.squared().sum()))
    return select(w * u < Tensor(.leastNormalMagnitude), Tensor(1), w / u) * change
  }
}
