extension Tensor {
  /// The sum of the elements along `axis` up to each: the same shape.
  ///
  /// - Parameter isReversed: Sums from each element on instead.
  public func cumulativeSum(_ axis: Int = -1, isReversed: Bool = false) -> Tensor {
    guard let axis = normalized([axis], rank: rank)?.first else {
      return .invalid("cumulative sum along axis \(axis) of \(shape)", [self])
    }
    return Tensor(.cumulativeSum(axis: axis, isReversed: isReversed), [self], shape)
  }

  /// The index of the first largest element along `axis`, from 0; NaN counts as larger than any number.
  ///
  /// It has no gradient.
  ///
  /// - Parameter keep: Keeps the axis, with length 1.
  public func argmax(_ axis: Int = -1, keep: Bool = false) -> Tensor {
    guard let axis = normalized([axis], rank: rank)?.first else {
      return .invalid("argmax along axis \(axis) of \(shape)", [self])
    }
    var reduced = shape
    reduced[axis] = 1
    let index = Tensor(.argmax(axis), [self], reduced)
    guard !keep else { return index }
    reduced.remove(at: axis)
    return index.reshape(reduced)
  }

  /// The index of the first least element along `axis`, from 0; NaN counts as less than any number.
  ///
  /// It has no gradient.
  ///
  /// - Parameter keep: Keeps the axis, with length 1.
  public func argmin(_ axis: Int = -1, keep: Bool = false) -> Tensor {
    (-self).argmax(axis, keep: keep)
  }
}
