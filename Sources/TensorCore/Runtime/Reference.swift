import CKernels

/// Runs listings one operation at a time in double precision: slow, and what compiled programs are
/// tested against.
package struct Reference {
  /// The key of the draws.
  package var seed: UInt64
  /// Values of variables, by name.
  package var variables: [String: [Double]] = [:]
  /// The run count of the draws.
  package var run: UInt64 = 0

  package init(seed: UInt64) { self.seed = seed }

  /// The values of the outputs, and after that the updates' new values are in `variables`.
  package mutating func evaluate(_ listing: Listing, _ inputs: [String: [Double]] = [:]) throws
    -> [[Double]]
  {
    var values: Table<Listing.Instruction, [Double]> = Table()
    for instruction in listing.instructions {
      let x = instruction.inputs.map { values[$0] }
      let shapes = instruction.inputs.map { listing[$0].shape }
      values.append(try apply(instruction, x, shapes, inputs))
    }
    for update in listing.updates {
      let (variable, value) = (update.variable, update.value)
      guard let rows = update.rows else {
        variables[variable.name] = values[value]
        continue
      }
      let width = variable.shape.dropFirst().reduce(1, *)
      for (i, row) in values[rows].enumerated() {
        guard let row = place(row, of: variable.shape[0]) else { continue }
        variables[variable.name]?.replaceSubrange(
          row * width..<(row + 1) * width, with: values[value][i * width..<(i + 1) * width])
      }
    }
    return listing.outputs.map { values[$0] }
  }

  /// The values of expressions, as the program `name` would give.
  package mutating func evaluate(
    _ outputs: [Tensor], updates: [Update] = [], _ inputs: [String: [Double]] = [:],
    as name: String = "program"
  ) throws -> [[Double]] {
    try evaluate(Listing(name, outputs: outputs, updates: updates), inputs)
  }

  // Long, as it has one case per primitive and each is the definition of that primitive.
  private mutating func apply(
    _ n: Listing.Instruction, _ x: [[Double]], _ shapes: [[Int]], _ inputs: [String: [Double]]
  ) throws -> [Double] {
    let count = n.shape.product
    switch n.operation {
    case .input(let name):
      guard let value = inputs[name], value.count == count else {
        throw TensorError(
          "input \(name) is given \(inputs[name]?.count ?? 0) numbers, not \(count)")
      }
      return value
    case .variable(let variable):
      if let value = variables[variable.name] { return value }
      // Initial draws depend on the seed and the variable's name alone.
      var initial = Reference(seed: seed)
      initial.variables = variables
      let value = try initial.evaluate(
        [Tensor(variable.initial)], as: initialProgramName(variable))[0]
      variables[variable.name] = value
      return value
    case .constant(let value): return [Double](repeating: value, count: count)
    case .literal(let values): return values
    case .draw(let distribution, _):
      return draw(distribution, n.shape, n.site, keys: x.first)
    case .angle(let dimension, _):
      let width = x.count == 1 ? count : count / n.shape[0]
      return x[0].indices.map { i in
        let seed = x.count == 1 ? seed : rowSeed(x[1], i / width)
        return fk_vmf_angle(x[0][i], Int64(dimension), seed, n.site, run, UInt32(i % width))
      }
    case .special(let function):
      return x[0].indices.map { function(x[0][$0], x.count > 1 ? x[1][$0] : 0) }
    case .byteRows(let table):
      let width = table.rowShape.product
      return x[0].flatMap { row -> [Double] in
        guard let row = place(row, of: table.rows) else {
          return [Double](repeating: .nan, count: width)
        }
        return table.bytes[row * width..<(row + 1) * width].map(Double.init)
      }
    case .unary(let function): return x[0].map { $0.applying(function) }
    case .binary(let function): return zip(x[0], x[1]).map { $0.applying(function, $1) }
    case .select: return x[0].indices.map { x[0][$0] != 0 ? x[1][$0] : x[2][$0] }
    case .reshape, .stop: return x[0]
    case .broadcast:
      let strides = zip(shapes[0], shapes[0].strides).map { $0 == 1 ? 0 : $1 }
      return pick(x[0], n.shape, strides)
    case .transpose(let axes): return pick(x[0], n.shape, axes.map { shapes[0].strides[$0] })
    case .slice(let starts):
      return pick(
        x[0], n.shape, shapes[0].strides, from: zip(starts, shapes[0].strides).map(*).reduce(0, +))
    case .pad(let before):
      var y = [Double](repeating: 0, count: count)
      place(x[0], shapes[0], into: &y, n.shape, at: before)
      return y
    case .concatenate(let axis):
      var y = [Double](repeating: 0, count: count)
      var start = [Int](repeating: 0, count: n.shape.count)
      for (part, shape) in zip(x, shapes) {
        place(part, shape, into: &y, n.shape, at: start)
        start[axis] += shape[axis]
      }
      return y
    case .blocks(let starts):
      var y = [Double](repeating: 0, count: count)
      for i in x.indices { place(x[i], shapes[i], into: &y, n.shape, at: starts[i]) }
      return y
    case .gather:
      let width = shapes[0].dropFirst().reduce(1, *)
      return x[1].flatMap { row -> [Double] in
        guard let row = place(row, of: shapes[0][0]) else {
          return [Double](repeating: .nan, count: width)
        }
        return Array(x[0][row * width..<(row + 1) * width])
      }
    case .scatter:
      let width = n.shape.dropFirst().reduce(1, *)
      var y = [Double](repeating: 0, count: count)
      for (i, row) in x[1].enumerated() {
        guard let row = place(row, of: n.shape[0]) else { continue }
        for j in 0..<width { y[row * width + j] += x[0][i * width + j] }
      }
      return y
    case .sum(let axes): return reduce(x[0], shapes[0], axes, 0, +)
    case .maximum(let axes):
      return reduce(x[0], shapes[0], axes, -.infinity) {
        $0.isNaN || $1.isNaN ? .nan : Swift.max($0, $1)
      }
    case .argmax(let axis): return argmax(x[0], shapes[0], axis)
    case .cumulativeSum(let axis, let isReversed):
      return cumulativeSum(x[0], n.shape, axis, isReversed: isReversed)
    case .matmul(let l, let r): return matmul(x[0], x[1], shapes[0], n.shape, l, r)
    case .convolution(let c):
      var y = [Double](repeating: 0, count: count)
      c.forEachTap(shapes[0], shapes[1], n.shape) { y[$2] += x[0][$0] * x[1][$1] }
      return y
    case .convolutionInput(let c):
      var y = [Double](repeating: 0, count: count)
      c.forEachTap(n.shape, shapes[1], shapes[0]) { y[$0] += x[1][$1] * x[0][$2] }
      return y
    case .convolutionFilter(let c):
      var y = [Double](repeating: 0, count: count)
      c.forEachTap(shapes[0], n.shape, shapes[1]) { y[$1] += x[0][$0] * x[1][$2] }
      return y
    }
  }

  private func draw(_ distribution: Distribution, _ shape: [Int], _ site: UInt32, keys: [Double]?)
    -> [Double]
  {
    guard let keys else {
      return Philox(seed: seed, site: site, run: run).row(distribution, shape.product)
    }
    let width = shape.dropFirst().reduce(1, *)
    return (0..<shape[0]).flatMap { row in
      Philox(seed: rowSeed(keys, row), site: site, run: run).row(distribution, width)
    }
  }
}

/// The row that a number names, or nil where it is no whole number of 0 ..< rows.
private func place(_ row: Double, of rows: Int) -> Int? {
  guard let row = Int(exactly: row), (0..<rows).contains(row) else { return nil }
  return row
}

/// The seed of a row, of which `keys` holds the 16-bit digits.
private func rowSeed(_ keys: [Double], _ row: Int) -> UInt64 {
  keys[row * 4..<row * 4 + 4].reversed().reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
}

/// The program in which the initial value of a variable is computed.
func initialProgramName(_ variable: Variable) -> String { "initial/\(variable.name)" }

/// Elements of `x` at `offset + Σ index * strides` for every index of `shape`.
private func pick(_ x: [Double], _ shape: [Int], _ strides: [Int], from offset: Int = 0) -> [Double]
{
  var result: [Double] = []
  result.reserveCapacity(shape.product)
  forEachIndex(shape) { index in
    result.append(x[zip(index, strides).reduce(offset) { $0 + $1.0 * $1.1 }])
  }
  return result
}

private func place(
  _ x: [Double], _ shape: [Int], into y: inout [Double], _ whole: [Int], at start: [Int]
) {
  let strides = whole.strides
  var next = 0
  forEachIndex(shape) { index in
    y[index.indices.reduce(0) { $0 + (start[$1] + index[$1]) * strides[$1] }] = x[next]
    next += 1
  }
}

private func reduce(
  _ x: [Double], _ shape: [Int], _ axes: [Int], _ initial: Double, _ f: (Double, Double) -> Double
) -> [Double] {
  let kept = shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
  let strides = shape.indices.map { axes.contains($0) ? 0 : kept.strides[$0] }
  var y = [Double](repeating: initial, count: kept.product)
  var next = 0
  forEachIndex(shape) { index in
    let target = zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
    y[target] = f(y[target], x[next])
    next += 1
  }
  return y
}

/// The index of the first largest element along an axis; NaN is larger than any number.
private func argmax(_ x: [Double], _ shape: [Int], _ axis: Int) -> [Double] {
  let (stride, length) = (shape.strides[axis], shape[axis])
  return (0..<x.count / length).map { i in
    let start = i / stride * stride * length + i % stride
    let column = (0..<length).map { x[start + $0 * stride] }
    let best = column.firstIndex(where: \.isNaN) ?? column.firstIndex(of: column.max() ?? 0)
    return Double(best ?? 0)
  }
}

private func cumulativeSum(_ x: [Double], _ shape: [Int], _ axis: Int, isReversed: Bool)
  -> [Double]
{
  let (stride, length) = (shape.strides[axis], shape[axis])
  var y = x
  for i in isReversed ? Array(y.indices.reversed()) : Array(y.indices) {
    let earlier = isReversed ? i + stride : i - stride
    let isFirst = i / stride % length == (isReversed ? length - 1 : 0)
    if !isFirst { y[i] += y[earlier] }
  }
  return y
}

private func matmul(
  _ a: [Double], _ b: [Double], _ aShape: [Int], _ shape: [Int], _ l: Bool, _ r: Bool
) -> [Double] {
  let rank = shape.count
  let (m, n) = (shape[rank - 2], shape[rank - 1])
  let k = l ? aShape[rank - 2] : aShape[rank - 1]
  let batches = shape.dropLast(2).reduce(1, *)
  var y = [Double](repeating: 0, count: batches * m * n)
  for batch in 0..<batches {
    for i in 0..<m {
      for p in 0..<k {
        let u = a[batch * m * k + (l ? p * m + i : i * k + p)]
        for j in 0..<n {
          y[(batch * m + i) * n + j] += u * b[batch * k * n + (r ? j * k + p : p * n + j)]
        }
      }
    }
  }
  return y
}

private func forEachIndex(_ shape: [Int], _ body: ([Int]) -> Void) {
  var index = [Int](repeating: 0, count: shape.count)
  for _ in 0..<shape.product {
    body(index)
    for axis in shape.indices.reversed() {
      index[axis] += 1
      if index[axis] < shape[axis] { break }
      index[axis] = 0
    }
  }
}

extension Convolution {
  /// Visits each (image, filter, output) triple of flat indices whose elements a correlation
  /// multiplies.
  fileprivate func forEachTap(
    _ image: [Int], _ filter: [Int], _ output: [Int], _ body: (Int, Int, Int) -> Void
  ) {
    forEachIndex(Array(output.dropLast()) + Array(filter.prefix(2))) { at in
      let (b, i, j, u, v) = (at[0], at[1], at[2], at[3], at[4])
      let (p, q) = (i * stride + u - top, j * stride + v - left)
      guard (0..<image[1]).contains(p), (0..<image[2]).contains(q) else { return }
      for a in 0..<filter[2] {
        for o in 0..<filter[3] {
          body(
            ((b * image[1] + p) * image[2] + q) * image[3] + a,
            ((u * filter[1] + v) * filter[2] + a) * filter[3] + o,
            ((b * output[1] + i) * output[2] + j) * output[3] + o)
        }
      }
    }
  }
}
