/// Treatment of the inner optimizer's moments in rows that are not touched.
public enum RestingMoments: String, CaseIterable, Sendable {
  /// Moments do not change while their row does not.
  case rest
  /// Moments decay as if the gradient were zero: all at once when the row is next touched.
  case decay
}

/// Changes only rows that a step touches, by `inner`; the others rest, to the bit.
///
/// A row is touched when it is gathered in this step; in a parameter that is reached otherwise, when any
/// entry of its gradient is not zero. Of a table that is reached through one `gather` of few rows,
/// only these rows are read and written, in it and in the optimizer's state, also where a clip stands before
/// this link or a rate behind it; links that need the whole table are `addPenalty`, `scaleByTrustRatio` and all
/// that work on the new value.
///
/// The corrections of Adam count all steps, as in TensorFlow's LazyAdam; where moments decay, as
/// in https://kexue.fm/archives/6869, only the parameter rests in effect.
public func lazy(_ inner: Optimizer, moments: RestingMoments = .rest) -> Optimizer {
  Optimizer { gradient, slots in
    switch gradient {
    case .rows(let touched):
      slots.rows = touched.rows
      if moments == .decay {
        slots.missed = missedSteps([slots.parameter.shape[0]], &slots).map(touched.perRow)
      }
      let change = inner(.dense(touched.values), &slots).whole
      (slots.rows, slots.missed) = (nil, nil)
      return .rows(change, of: touched)
    case .dense(let gradient): return .dense(change(by: inner, gradient, moments, &slots))
    }
  }
}

/// The change by `inner` in rows where `gradient` is not zero; state is kept for the same rows.
private func change(
  by inner: Optimizer, _ gradient: Tensor, _ moments: RestingMoments, _ slots: inout Slots
) -> Tensor {
  let others = Array(slots.parameter.shape.indices.dropFirst())
  let largest = abs(gradient).maximum(over: others, keep: true)
  let isTouched = Tensor(0) < largest
  let first = slots.updates.count
  if moments == .decay { slots.missed = missedSteps(largest.shape, &slots) }
  let change = inner(.dense(gradient), &slots).whole
  slots.missed = nil
  for i in slots.updates.indices.dropFirst(first) {
    let update = slots.updates[i]
    slots.updates[i].value = select(isTouched, update.value, update.old)
  }
  // Added to -0, 0 would change a bit.
  return select(isTouched, change, Tensor(-0.0))
}

/// The number of steps since each row was last touched, less one; the last step is kept with `shape`.
private func missedSteps(_ shape: [Int], _ slots: inout Slots) -> Tensor? {
  let step = slots.step
  var last: Tensor?
  _ = slots.keep("last", initially: .zeros(shape), isCount: true) { old in
    last = old
    return step.broadcast(to: old.shape)
  }
  return last.map { step - 1 - $0 }
}
