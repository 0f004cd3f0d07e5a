/// Keeps an exponential moving average of each parameter, as `ema.NAME` in a checkpoint; the change
/// passes unaltered.
///
/// The decay at step t is min(decay, (1 + t) / (10 + t)), so that a young average is not its random
/// start (`shareOfStart` tells). Put it last. `Weights.averaged` reads it.
public func average(decay: Double) -> Transformation {
  { change, slots in
    slots.replace { slots, value in
      let t = slots.step
      _ = slots.keep(.averaged) { old in
        let d = minimum((1 + t) / (10 + t), decay)
        return old + (1 - d) * (value - old)
      }
      return value
    }
    return change
  }
}

/// How much of the random start is left in an average after `steps` steps: from 1 to 0.
public func shareOfStart(decay: Double, steps: Int) -> Double {
  var share = 1.0
  var t = 1.0
  while t <= Double(steps), share > 1e-12 {
    share *= min((1 + t) / (10 + t), decay)
    t += 1
  }
  return share
}
