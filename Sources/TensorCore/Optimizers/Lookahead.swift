/// Treatment of the inner optimizer's state where Lookahead moves the weights.
public enum InnerState: String, CaseIterable, Sendable {
  /// The state stays as it is: the authors' default.
  case keep
  /// The state starts again, and so does the count by which Adam corrects it.
  case reset
  /// The state is drawn towards its value at the last such step, just as the weights are ("pullback" in
  /// the authors' code); counts of steps stay as they are.
  case average
}

/// Lookahead: every `period` steps of `inner` the slow weights move by `alpha` of the way to the weights,
/// which then begin again from there.
///
/// φ ← φ + α (θ - φ), θ ← φ (Zhang et al. 2019, arXiv 1907.08610, algorithm 1). The slow weights are
/// `slow.NAME` in a checkpoint and are read by `Weights.slow`. Only an average can follow in a chain.
public func lookahead(
  _ inner: Link<Gradient, some BeforeLookahead>, every period: Int, alpha: Double = 0.5,
  state: InnerState = .keep
) -> Link<Gradient, LookaheadValue> {
  Link { gradient, slots in
    func failing(_ message: String) -> LookaheadValue {
      LookaheadValue(value: slots.parameter.value.failing(message))
    }
    guard period >= 1, alpha > 0, alpha <= 1 else {
      return failing(
        "lookahead every \(period) steps by \(alpha): expected at least 1 step, and a share above 0 "
          + "and at most 1")
    }
    let length = Double(period)
    let done = slots.step - 1
    let place = done - length * floor(done / length)
    let isLast = Tensor(length - 1.5) < place
    let (first, age) = (slots.updates.count, slots.age)
    if state == .reset { slots.age = place + 1 }
    let value = inner(gradient, &slots).value(of: slots.parameter)
    slots.age = age
    for i in slots.updates.indices.dropFirst(first) {
      let (variable, value) = (slots.updates[i].variable, slots.updates[i].value)
      guard state == .keep || slots.updates[i].rows == nil else {
        return failing("lookahead cannot \(state.rawValue) the state of rows that rest: use keep")
      }
      let start = Tensor(variable.initial)
      switch state {
      case .keep: break
      case .average where slots.counts.contains(variable): break
      case .reset: slots.updates[i].value = select(isLast, start, value)
      case .average:
        slots.updates[i].value = slots.keep(as: "\(variable.name)/slow", initially: start) {
          select(isLast, $0 + alpha * (value - $0), $0)
        }
        slots.updates[i].value = select(isLast, slots.updates[i].value, value)
      }
    }
    let slow = slots.keep(.slow) { select(isLast, $0 + alpha * (value - $0), $0) }
    return LookaheadValue(value: select(isLast, slow, value))
  }
}
