extension Listing: Checkable {
  /// The first instruction whose shape is not what its operation and inputs give, or update of another shape.
  package var mistake: String? {
    for i in instructions.indices {
      let instruction = self[i]
      let isOrdered = instruction.inputs.allSatisfy { $0 >= instructions.startIndex && $0 < i }
      let x = isOrdered ? instruction.inputs.map { self[$0].shape } : []
      guard isOrdered, instruction.operation.accepts(x, giving: instruction.shape) else {
        return "\(i) = \(instruction.operation.label) of \(x) gives \(instruction.shape)"
      }
    }
    for update in updates {
      let rowShape = update.rows.map { self[$0].shape + update.variable.shape.dropFirst() }
      if self[update.value].shape != rowShape ?? update.variable.shape {
        return "\(update.variable.name) is updated with another shape"
      }
    }
    return nil
  }
}

extension Primitive {
  /// True if inputs of shapes `x` may give an array of shape `y`.
  fileprivate func accepts(_ x: [[Int]], giving y: [Int]) -> Bool {
    switch self {
    case .input, .constant: x.isEmpty
    case .variable(let variable): x.isEmpty && y == variable.shape
    case .literal(let values): x.isEmpty && values.count == y.product
    case .draw: x.isEmpty || x == [[y.first ?? 0, 4]]
    case .angle: x == [y] || x == [y, [y.first ?? 0, 4]]
    case .byteRows(let table): x.count == 1 && y == x[0] + table.rowShape
    case .unary, .stop: x == [y]
    case .binary: x == [y, y]
    case .select: x == [y, y, y]
    case .special(let function): x == Array(repeating: y, count: function.arity)
    case .reshape: x.count == 1 && x[0].product == y.product
    case .broadcast:
      x.count == 1 && x[0].count == y.count && zip(x[0], y).allSatisfy { $0 == $1 || $0 == 1 }
    case .transpose(let axes): x.count == 1 && axes.isPermutation && y == axes.map { x[0][$0] }
    case .slice(let starts):
      x.count == 1 && starts.count == y.count && x[0].count == y.count
        && y.indices.allSatisfy { starts[$0] >= 0 && starts[$0] + y[$0] <= x[0][$0] }
    case .pad(let before):
      x.count == 1 && before.count == y.count && x[0].count == y.count
        && y.indices.allSatisfy { before[$0] >= 0 && before[$0] + x[0][$0] <= y[$0] }
    case .concatenate(let axis):
      !x.isEmpty && x.map { $0[axis] }.reduce(0, +) == y[axis]
        && x.allSatisfy { s in s.indices.allSatisfy { $0 == axis || s[$0] == y[$0] } }
    case .blocks(let starts):
      x.count == starts.count && x.map(\.product).reduce(0, +) == y.product
        && zip(x, starts).allSatisfy { x, start in
          x.count == y.count && start.count == y.count
            && y.indices.allSatisfy { start[$0] >= 0 && start[$0] + x[$0] <= y[$0] }
        }
    case .gather: x.count == 2 && !x[0].isEmpty && y == x[1] + x[0].dropFirst()
    case .scatter: x.count == 2 && !y.isEmpty && x[0] == x[1] + y.dropFirst()
    case .sum(let axes), .maximum(let axes):
      x.count == 1 && y == x[0].indices.map { axes.contains($0) ? 1 : x[0][$0] }
    case .argmax(let axis):
      x.count == 1 && y == x[0].indices.map { $0 == axis ? 1 : x[0][$0] }
    case .cumulativeSum(let axis, _): x == [y] && y.indices.contains(axis)
    case .matmul(let l, let r):
      x.count == 2 && x[0].count >= 2 && x[0].count == x[1].count
        && {
          let n = x[0].count
          let (m, k) = l ? (x[0][n - 1], x[0][n - 2]) : (x[0][n - 2], x[0][n - 1])
          let (k2, w) = r ? (x[1][n - 1], x[1][n - 2]) : (x[1][n - 2], x[1][n - 1])
          return k == k2 && y == x[0].dropLast(2) + [m, w] && x[0].dropLast(2) == x[1].dropLast(2)
        }()
    case .convolution(let c): x.count == 2 && c.accepts(image: x[0], filter: x[1], output: y)
    case .convolutionInput(let c): x.count == 2 && c.accepts(image: y, filter: x[1], output: x[0])
    case .convolutionFilter(let c): x.count == 2 && c.accepts(image: x[0], filter: y, output: x[1])
    }
  }
}
