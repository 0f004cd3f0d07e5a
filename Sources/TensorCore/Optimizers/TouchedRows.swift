/// The gradient of a table, of which one `gather` reads few rows: zero in all others.
public struct TouchedRows: Sendable {
  /// The rows, [count]; one may be there more than once, and an index that names no row is below 0.
  public let rows: Tensor
  /// The gradient of each row, [count, ...]: equal for equal rows, and zero where there is no such row.
  public let values: Tensor
  /// The gradient in the shape of the table.
  public let whole: Tensor
  /// 1 for each row where it is first named, else 0, [count].
  private let isFirst: Tensor
  /// The gradients that `rows` are given, before those of equal rows are added, and the indices.
  private let scattered: (values: Tensor, index: Tensor)
  private var shape: [Int] { whole.shape }

  /// Nil where the gradient is not that of one `gather`, or of more rows than pay.
  init?(_ gradient: Tensor) {
    guard gradient.failure == nil, case .scatter = gradient.node.operation else { return nil }
    let (given, index) = (Tensor(gradient.node.inputs[0]), Tensor(gradient.node.inputs[1]))
    let count = index.count
    let shape = gradient.shape
    guard count <= 2048, 4 * count <= shape[0] else { return nil }
    whole = gradient
    scattered = (given, index)
    let width = shape.dropFirst().reduce(1, *)
    let place = Tensor.literal((0..<count).map(Double.init), [count])
    let named = index.reshape([count])
    // `scatter` leaves out an index that names no row (a fraction, NaN): here it becomes a row of its own below 0,
    // which is equal to no other and counts nowhere.
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

  private init(_ other: TouchedRows, times factor: Tensor) {
    (rows, isFirst) = (other.rows, other.isFirst)
    (values, whole) = (factor * other.values, factor * other.whole)
    scattered = (factor * other.scattered.values, other.scattered.index)
  }

  /// The gradient times a single number.
  func scaled(by factor: Tensor) -> TouchedRows { TouchedRows(self, times: factor) }

  /// The sum of two gradients of one table, as one scatter of the rows of both.
  func scatter(with other: TouchedRows) -> Tensor {
    let parts = [scattered, other.scattered].map { values, index in
      (values.reshape([index.count] + shape.dropFirst()), index.reshape([index.count]))
    }
    return concatenate(parts.map(\.0), axis: 0)
      .scatter(concatenate(parts.map(\.1), axis: 0), into: shape)
  }

  /// One number for each row, in a shape that broadcasts over `values`.
  func perRow(_ x: Tensor) -> Tensor {
    x.reshape([rows.count] + shape.dropFirst().map { _ in 1 })
  }

  /// The sum of the squares of the gradient.
  var squaredNorm: Tensor { (perRow(isFirst) * values.squared()).sum() }

  /// The change of the whole table by `change`, [count, ...], of the rows.
  func whole(_ change: Tensor) -> Tensor {
    (perRow(isFirst) * change).scatter(rows, into: shape)
  }
}
