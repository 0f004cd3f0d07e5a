/// Keeps an exponential moving average of each parameter, as `ema.NAME` in a checkpoint; the parameter is
/// unaltered, and no link can follow.
///
/// The decay at step t is min(decay, (1 + t) / (10 + t)), so that a young average is not the random start of
/// its parameter (`shareOfStart`). `Weights.averaged` reads it.
public func average<Given: BeforeAverage>(decay: Double) -> Link<Given, FinalValue> {
  Link { given, slots in
    let value = given.value(of: slots.parameter)
    let t = slots.step
    _ = slots.keep(.averaged) { old in
      let d = minimum((1 + t) / (10 + t), decay)
      return old + (1 - d) * (value - old)
    }
    return FinalValue(NewValue(value))
  }
}

/// The fraction of the random start that is left in an average after `steps` steps, from 0 to 1.
public func shareOfStart(decay: Double, steps: Int) -> Double {
  var share = 1.0
  var t = 1.0
  while t <= Double(steps), share > 1e-12 {
    share *= min((1 + t) / (10 + t), decay)
    t += 1
  }
  return share
}
