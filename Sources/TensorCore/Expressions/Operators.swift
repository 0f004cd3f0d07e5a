// MARK: - Sources

extension Tensor {
  /// An array that the program's user fills before each run.
  public static func input(_ name: String, _ shape: [Int]) -> Tensor {
    guard shape.allSatisfy({ $0 > 0 }) else {
      return .invalid("input \(name) has shape \(shape): lengths are at least 1")
    }
    return Tensor(.input(name), [], shape)
  }

  /// Draws from the normal distribution of mean 0 and variance 1, new at each run.
  ///
  /// - Parameters:
  ///   - name: Name of the draw: its numbers depend on it, the seed, the program and the run, and on no other draw.
  ///   - keys: [shape[0], 4], from `seeds`: one seed per row in place of the runtime's, so that a row does not
  ///     depend on its companions.
  public static func normal(_ shape: [Int], _ name: String = "normal", keys: Tensor? = nil)
    -> Tensor
  {
    draw(.normal, shape, name, keys)
  }

  /// Draws from the uniform distribution on [0, 1), new at each run.
  ///
  /// See `normal`.
  public static func uniform(_ shape: [Int], _ name: String = "uniform", keys: Tensor? = nil)
    -> Tensor
  {
    draw(.uniform, shape, name, keys)
  }

  private static func draw(_ d: Distribution, _ shape: [Int], _ name: String, _ keys: Tensor?)
    -> Tensor
  {
    if let keys, shape.isEmpty || keys.shape != [shape[0], 4] {
      return .invalid(
        "draw \(name) of shape \(shape) has keys of shape \(keys.shape), not [rows, 4]", [keys])
    }
    return Tensor(.draw(d, name: name), keys.map { [$0] } ?? [], shape)
  }

  /// An input that holds a 64-bit seed for each of `count` rows: [count, 4].
  ///
  /// See `Program.fill(seeds:with:)`.
  public static func seeds(_ name: String, _ count: Int) -> Tensor { .input(name, [count, 4]) }

  /// Given numbers, row-major.
  public static func literal(_ values: [Double], _ shape: [Int]) -> Tensor {
    guard values.count == shape.product else {
      return .invalid("\(values.count) numbers do not fill shape \(shape)")
    }
    return Tensor(.literal(values), [], shape)
  }

  /// Zeros.
  public static func zeros(_ shape: [Int]) -> Tensor { Tensor(0).broadcast(to: shape) }
  /// Ones.
  public static func ones(_ shape: [Int]) -> Tensor { Tensor(1).broadcast(to: shape) }

  /// The rows of a table of bytes that `index` names, as numbers from 0 to 255: index.shape +
  /// rowShape.
  ///
  /// What is no whole number of 0 ..< table.rows gives a row of NaN.
  public static func rows(of table: ByteTable, at index: Tensor) -> Tensor {
    guard table.rows <= mostRows else { return .tooManyRows(table.rows, [index]) }
    return Tensor(.byteRows(table), [index], index.shape + table.rowShape)
  }
}

// MARK: - Elementwise

extension Tensor {
  func unary(_ function: Unary) -> Tensor { Tensor(.unary(function), [self], shape) }

  static func binary(_ function: Binary, _ x: Tensor, _ y: Tensor) -> Tensor {
    guard let shape = broadcastShape(x.shape, y.shape) else {
      return .invalid("\(function.rawValue) of shapes \(x.shape) and \(y.shape)", [x, y])
    }
    return Tensor(.binary(function), [x.broadcast(to: shape), y.broadcast(to: shape)], shape)
  }

  /// The square, element by element.
  public func squared() -> Tensor { self * self }

  /// This value, treated as a constant by `gradients`.
  public var stopped: Tensor { Tensor(.stop, [self], shape) }
}

/// e to the power x.
public func exp(_ x: Tensor) -> Tensor { x.unary(.exp) }
/// exp(x) - 1, precise near 0.
public func expm1(_ x: Tensor) -> Tensor { x.unary(.expm1) }
/// The natural logarithm.
public func log(_ x: Tensor) -> Tensor { x.unary(.log) }
/// log(1 + x), precise near 0.
public func log1p(_ x: Tensor) -> Tensor { x.unary(.log1p) }
/// The square root.
public func sqrt(_ x: Tensor) -> Tensor { x.unary(.sqrt) }
/// 1 / x.
public func reciprocal(_ x: Tensor) -> Tensor { x.unary(.reciprocal) }
/// The hyperbolic tangent.
public func tanh(_ x: Tensor) -> Tensor { x.unary(.tanh) }
/// The sine of x radians.
public func sin(_ x: Tensor) -> Tensor { x.unary(.sin) }
/// The cosine of x radians.
public func cos(_ x: Tensor) -> Tensor { x.unary(.cos) }
/// The absolute value; its gradient at 0 is 0.
public func abs(_ x: Tensor) -> Tensor { x.unary(.abs) }
/// -1, 0 or 1.
///
/// It has no gradient.
public func sign(_ x: Tensor) -> Tensor { x.unary(.sign) }
/// The largest whole number that is not above x.
///
/// It has no gradient.
public func floor(_ x: Tensor) -> Tensor { x.unary(.floor) }
/// The error function.
public func erf(_ x: Tensor) -> Tensor { x.unary(.erf) }
/// 1 / (1 + exp(-x)); neither it nor its gradient overflows.
public func sigmoid(_ x: Tensor) -> Tensor { x.unary(.sigmoid) }
/// log(1 + exp(x)), without overflow.
public func softplus(_ x: Tensor) -> Tensor { x.unary(.softplus) }

/// The larger of each pair.
///
/// Where they are equal, the gradient goes to the second.
public func maximum(_ x: Tensor, _ y: Tensor) -> Tensor { .binary(.maximum, x, y) }
/// The larger of each element and a number, whose gradient at equality is 0.
public func maximum(_ x: Tensor, _ y: some BinaryFloatingPoint) -> Tensor {
  maximum(x, Tensor(Double(y)))
}
/// The smaller of each pair.
public func minimum(_ x: Tensor, _ y: Tensor) -> Tensor { -maximum(-x, -y) }
/// The smaller of each element and a number.
public func minimum(_ x: Tensor, _ y: some BinaryFloatingPoint) -> Tensor {
  -maximum(-x, Tensor(-Double(y)))
}

/// `x` where `condition` is not 0, else `y`.
public func select(_ condition: Tensor, _ x: Tensor, _ y: Tensor) -> Tensor {
  guard let pair = broadcastShape(x.shape, y.shape),
    let shape = broadcastShape(condition.shape, pair)
  else {
    return .invalid(
      "select of shapes \(condition.shape), \(x.shape) and \(y.shape)", [condition, x, y])
  }
  return Tensor(.select, [condition, x, y].map { $0.broadcast(to: shape) }, shape)
}

// MARK: - Movement

extension Tensor {
  /// The same elements in another shape of as many.
  ///
  /// One length may be -1: whatever is left.
  public func reshape(_ shape: [Int]) -> Tensor {
    var shape = shape
    if let free = shape.firstIndex(of: -1) {
      shape[free] = 1
      guard shape.product > 0, count % shape.product == 0 else {
        return .invalid("reshape of \(self.shape) with \(shape.product) elements a row", [self])
      }
      shape[free] = count / shape.product
    }
    guard shape.product == count, shape.allSatisfy({ $0 > 0 }) else {
      return .invalid("reshape of \(self.shape) to \(shape)", [self])
    }
    return shape == self.shape ? self : Tensor(.reshape, [self], shape)
  }

  /// The axes in another order: axis `axes[i]` of this becomes axis i.
  public func transpose(_ axes: [Int]) -> Tensor {
    guard axes.count == rank, axes.isPermutation else {
      return .invalid("transpose of \(shape) by axes \(axes)", [self])
    }
    return axes == Array(0..<rank) ? self : Tensor(.transpose(axes), [self], axes.map { shape[$0] })
  }

  /// The matrix with rows and columns exchanged.
  public var transposed: Tensor {
    rank == 2
      ? transpose([1, 0]) : .invalid("transposed is of matrices, not of shape \(shape)", [self])
  }

  /// Repeats along axes of length one, and along new leading ones, until the shape is `shape`.
  public func broadcast(to shape: [Int]) -> Tensor {
    if shape == self.shape { return self }
    guard broadcastShape(self.shape, shape) == shape else {
      return .invalid("broadcast of \(self.shape) to \(shape)", [self])
    }
    let padded = Array(repeating: 1, count: shape.count - rank) + self.shape
    let source = reshape(padded)
    return padded == shape ? source : Tensor(.broadcast, [source], shape)
  }

  /// The block with indices `start ..< start + size` along `axis`.
  public func slice(axis: Int, from start: Int, count size: Int) -> Tensor {
    guard let axis = normalized([axis], rank: rank)?.first, start >= 0, size > 0,
      start + size <= shape[axis]
    else {
      return .invalid("slice \(start)..<\(start + size) along axis \(axis) of \(shape)", [self])
    }
    var (starts, sizes) = ([Int](repeating: 0, count: rank), shape)
    (starts[axis], sizes[axis]) = (start, size)
    return slice(from: starts, sizes)
  }

  /// The block of shape `sizes` whose first element has the indices `starts`.
  func slice(from starts: [Int], _ sizes: [Int]) -> Tensor {
    sizes == shape ? self : Tensor(.slice(starts), [self], sizes)
  }

  /// This array surrounded by zeros: `before[i]` and `after[i]` of them along axis i.
  public func pad(before: [Int], after: [Int]) -> Tensor {
    guard before.count == rank, after.count == rank, (before + after).allSatisfy({ $0 >= 0 }) else {
      return .invalid("pad of \(shape) by \(before) before and \(after) after", [self])
    }
    let shape = self.shape.indices.map { before[$0] + self.shape[$0] + after[$0] }
    return shape == self.shape ? self : Tensor(.pad(before), [self], shape)
  }
}

/// The arrays one after another along `axis`; all other lengths are equal.
public func concatenate(_ parts: [Tensor], axis: Int) -> Tensor {
  guard let first = parts.first, let axis = normalized([axis], rank: first.rank)?.first else {
    return .invalid("concatenate of shapes \(parts.map(\.shape)) along axis \(axis)", parts)
  }
  var shape = first.shape
  for part in parts.dropFirst() {
    guard part.rank == first.rank,
      shape.indices.allSatisfy({ $0 == axis || part.shape[$0] == shape[$0] })
    else {
      return .invalid("concatenate of shapes \(parts.map(\.shape)) along axis \(axis)", parts)
    }
    shape[axis] += part.shape[axis]
  }
  return parts.count == 1 ? first : Tensor(.concatenate(axis), parts, shape)
}

/// An array of this shape that `parts` fill, each from the indices `starts[i]` on.
func blocks(_ parts: [Tensor], at starts: [[Int]], _ shape: [Int]) -> Tensor {
  Tensor(.blocks(starts), parts, shape)
}

// MARK: - Rows

extension Tensor {
  /// The rows of this table that `rows` names, from 0: rows.shape + shape[1...].
  ///
  /// What is no whole number of 0 ..< shape[0] gives a row of NaN.
  public func gather(_ rows: Tensor) -> Tensor {
    guard let count = shape.first else {
      return .invalid("gather needs a table of rows, not a single number", [self, rows])
    }
    guard count <= Self.mostRows else { return .tooManyRows(count, [self, rows]) }
    return Tensor(.gather, [self, rows], rows.shape + shape.dropFirst())
  }

  /// Beyond it neighbouring whole numbers are one number in Float, which indices are.
  private static let mostRows = 1 << 24

  private static func tooManyRows(_ count: Int, _ inputs: [Tensor]) -> Tensor {
    .invalid("a table of \(count) rows: at most \(mostRows) can be told apart by index", inputs)
  }

  /// A table of zeros to which row i of this is added at `rows[i]`: the adjoint of `gather`.
  ///
  /// What is no whole number of 0 ..< shape[0] is left out.
  func scatter(_ rows: Tensor, into shape: [Int]) -> Tensor {
    Tensor(.scatter, [self, rows], shape)
  }
}

// MARK: - Reductions

extension Tensor {
  /// The sum over `axes` (all, if none is named), which disappear unless `keep`.
  public func sum(_ axes: Int..., keep: Bool = false) -> Tensor {
    sum(over: orAll(axes), keep: keep)
  }

  /// The sum over `axes`, which disappear unless `keep`; over no axis it is the array itself.
  public func sum(over axes: [Int], keep: Bool = false) -> Tensor {
    reduce(axes, keep, "sum") { .sum($0) }
  }

  /// The sum over the axes of a range, such as `1...`.
  public func sum(over axes: PartialRangeFrom<Int>, keep: Bool = false) -> Tensor {
    sum(over: Array(axes.lowerBound..<Swift.max(rank, axes.lowerBound)), keep: keep)
  }

  /// The mean over `axes` (all, if none is named), which disappear unless `keep`.
  public func mean(_ axes: Int..., keep: Bool = false) -> Tensor {
    mean(over: orAll(axes), keep: keep)
  }

  /// The mean over `axes`, which disappear unless `keep`; over no axis it is the array itself.
  public func mean(over axes: [Int], keep: Bool = false) -> Tensor {
    let total = sum(over: axes, keep: keep)
    return total * (Double(total.count) / Double(Swift.max(1, count)))
  }

  /// The largest element over `axes` (all, if none is named).
  ///
  /// Equal ones share the gradient.
  public func maximum(_ axes: Int..., keep: Bool = false) -> Tensor {
    maximum(over: orAll(axes), keep: keep)
  }

  /// The largest element over `axes`, which disappear unless `keep`; over no axis it is the array itself.
  func maximum(over axes: [Int], keep: Bool = false) -> Tensor {
    reduce(axes, keep, "maximum") { .maximum($0) }
  }

  /// The axes that a caller named, or all where it named none.
  private func orAll(_ axes: [Int]) -> [Int] { axes.isEmpty ? Array(0..<rank) : axes }

  private func reduce(
    _ axes: [Int], _ keep: Bool, _ name: String, _ operation: ([Int]) -> Primitive
  ) -> Tensor {
    guard let axes = normalized(axes, rank: rank) else {
      return .invalid("\(name) over axes \(axes) of \(shape)", [self])
    }
    let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
    let result = kept == shape ? self : Tensor(operation(axes), [self], kept)
    return keep
      ? result : result.reshape(shape.indices.filter { !axes.contains($0) }.map { shape[$0] })
  }
}

// MARK: - Contractions

extension Tensor {
  /// The matrix product with `right`, either side transposed if told: [..., m, k] by [..., k, n].
  ///
  /// Leading axes are batches and must agree.
  public func matmul(_ right: Tensor, transposedLeft: Bool = false, transposedRight: Bool = false)
    -> Tensor
  {
    let (a, b) = (shape, right.shape)
    let failed = Tensor.invalid("matmul of shapes \(a) and \(b)", [self, right])
    guard rank >= 2, right.rank == rank, a.dropLast(2) == b.dropLast(2) else { return failed }
    let (m, k) = transposedLeft ? (a[rank - 1], a[rank - 2]) : (a[rank - 2], a[rank - 1])
    let (l, n) = transposedRight ? (b[rank - 1], b[rank - 2]) : (b[rank - 2], b[rank - 1])
    guard k == l else { return failed }
    return Tensor(
      .matmul(transposedLeft: transposedLeft, transposedRight: transposedRight), [self, right],
      Array(a.dropLast(2)) + [m, n])
  }

  /// The correlation of NHWC images with an HWIO filter, `padding` zeros on each side.
  public func convolution(_ filter: Tensor, stride: Int = 1, padding: Int = 0) -> Tensor {
    let c = Convolution(stride: stride, padding: padding)
    guard rank == 4, filter.rank == 4, stride >= 1 else { return convolution(filter, c, size: []) }
    let size = (1...2).map { axis in
      let room = shape[axis] + 2 * padding - filter.shape[axis - 1]
      return room < 0 ? 0 : room / stride + 1
    }
    return convolution(filter, c, size: size)
  }

  /// The correlation of NHWC images with an HWIO filter, to images of this height and width.
  func convolution(_ filter: Tensor, _ c: Convolution, size: [Int]) -> Tensor {
    let y = shape.prefix(1) + size + filter.shape.suffix(1)
    guard c.accepts(image: shape, filter: filter.shape, output: Array(y)) else {
      let padding = c.top == c.left ? "\(c.top)" : "\([c.top, c.left])"
      return .invalid(
        "convolution of images \(shape) with filter \(filter.shape), stride \(c.stride), padding \(padding)",
        [self, filter])
    }
    return Tensor(.convolution(c), [self, filter], Array(y))
  }
}
