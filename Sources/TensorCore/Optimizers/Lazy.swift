/// What becomes of the inner optimizer's moments in rows that are not touched.
public enum RestingMoments: String, CaseIterable, Sendable {
  /// They rest with their row.
  case rest
  /// They decay as if its gradient were zero: all at once when the row is next touched.
  case decay
}

/// Changes only rows that a step touches, by `inner`; the others rest, to the bit.
///
/// A row is touched when it is gathered in this step; in a parameter that is reached otherwise, when any
/// entry of its gradient is not zero. Of a table that is reached through one `gather` of few rows,
/// only these rows are read and written, in it and in the optimizer's state: give clipping and the rate to
/// `inner`, as what stands between the gradient and this link, or after it, needs the whole table.
///
/// Adam's corrections go by the number of all steps, as in TensorFlow's LazyAdam; where moments decay, as
/// in https://kexue.fm/archives/6869, only the parameter rests in effect.
public func lazy(_ inner: @escaping Transformation, moments: RestingMoments = .rest)
  -> Transformation
{
  { gradient, slots in
    if let touched = slots.touched, touched.isOf(gradient) {
      return touched.change(by: inner, moments, &slots)
    }
    let shape = slots.parameter.shape
    let others = Array(shape.indices.dropFirst())
    let largest = abs(gradient).maximum(over: others, keep: true)
    let isTouched = Tensor(0) < largest
    let first = slots.updates.count
    if moments == .decay {
      let step = slots.step
      var last: Tensor?
      _ = slots.keep("last", initially: .zeros(largest.shape), isCount: true) { old in
        last = old
        return step.broadcast(to: old.shape)
      }
      slots.missed = last.map { step - 1 - $0 }
    }
    let change = inner(gradient, &slots)
    slots.missed = nil
    for i in slots.updates.indices.dropFirst(first) {
      let update = slots.updates[i]
      slots.updates[i].value = select(isTouched, update.value, update.old)
    }
    // Added to -0, 0 would change a bit.
    return select(isTouched, change, Tensor(-0.0))
  }
}

/// A gradient that is zero but in few rows.
struct TouchedRows {
  /// The rows, [count]; one may be there more than once, and what names no row is below 0.
  let rows: Tensor
  /// The gradient of each, [count, ...]; equal where rows are, and zero where there is no such row.
  let values: Tensor
  /// 1 for each row where it is first named, else 0, [count].
  private let isFirst: Tensor
  private let gradient: Tensor
  private let shape: [Int]
  private var result: (whole: Tensor, rows: Tensor)?

  /// Nothing where the gradient is not that of one `gather`, or of more rows than pay.
  init?(_ gradient: Tensor, of parameter: Variable) {
    guard gradient.failure == nil, case .scatter = gradient.node.operation else { return nil }
    let (given, index) = (Tensor(gradient.node.inputs[0]), Tensor(gradient.node.inputs[1]))
    let count = index.count
    guard count <= 2048, 4 * count <= gradient.shape[0] else { return nil }
    self.gradient = gradient
    shape = gradient.shape
    let width = shape.dropFirst().reduce(1, *)
    let place = Tensor.literal((0..<count).map(Double.init), [count])
    let named = index.reshape([count])
    // What names no row (a fraction, NaN) is left out by `scatter`: here it becomes a row of its own below 0, so
    // that it is the same as no other and counts nowhere.
    let isRow =
      (Tensor(-0.5) < named) * (named < Tensor(Double(shape[0]))) * (1 - (floor(named) < named))
    let rows = select(isRow, named, -1 - place)
    self.rows = rows
    // 1 where two places name the same row.
    let same = 1 - minimum(abs(rows.reshape([count, 1]) - rows.reshape([1, count])), 1)
    let known = select(isRow.reshape([count, 1]), given.reshape([count, width]), Tensor(0))
    values = same.matmul(known).reshape([count] + shape.dropFirst())
    let isEarlier = place.reshape([1, count]) < place.reshape([count, 1])
    isFirst = isRow * ((same * isEarlier).sum(1) < Tensor(0.5))
  }

  private func each(_ x: Tensor) -> Tensor {
    x.reshape([rows.count] + shape.dropFirst().map { _ in 1 })
  }

  /// The sum of the squares of the gradient.
  var squaredNorm: Tensor { (each(isFirst) * values.squared()).sum() }

  func isOf(_ gradient: Tensor) -> Bool { gradient.node === self.gradient.node }

  /// The change of the whole table, which is computed only where another link reads it.
  func change(
    by inner: Transformation, _ moments: RestingMoments, _ slots: inout Slots
  ) -> Tensor {
    slots.rows = rows
    if moments == .decay {
      let step = slots.step
      var last: Tensor?
      _ = slots.keep("last", initially: .zeros([shape[0]]), isCount: true) { old in
        last = old
        return step.broadcast(to: old.shape)
      }
      slots.missed = last.map { each(step - 1 - $0) }
    }
    let change = inner(values, &slots)
    (slots.rows, slots.missed) = (nil, nil)
    let whole = (each(isFirst) * change).scatter(rows, into: shape)
    slots.touched?.result = (whole, change)
    return whole
  }

  /// The change of the rows, where the change of the whole is just what `lazy` made of them.
  func change(ifIn whole: Tensor) -> Tensor? {
    result.flatMap { $0.whole.node === whole.node ? $0.rows : nil }
  }
}
