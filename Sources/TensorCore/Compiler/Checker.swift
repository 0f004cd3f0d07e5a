extension Listing {
  /// Re-derives what each instruction's shape must be; run after each pass, so that a pass that
  /// breaks a program is caught where it breaks it.
  package func check(after pass: String) throws {
    for (i, instruction) in instructions.enumerated() {
      let x = instruction.inputs.map { instructions[$0].shape }
      guard instruction.inputs.allSatisfy({ $0 >= 0 && $0 < i }),
        instruction.operation.accepts(x, giving: instruction.shape)
      else {
        throw TensorError(
          "internal error after \(pass): %\(i) = \(instruction.operation.label) of \(x) gives \(instruction.shape)"
        )
      }
    }
    for (variable, value, rows) in updates {
      let rowShape = rows.map { instructions[$0].shape + variable.shape.dropFirst() }
      guard instructions[value].shape != rowShape ?? variable.shape else { continue }
      throw TensorError(
        "internal error after \(pass): \(variable.name) is updated with another shape")
    }
  }
}

extension Primitive {
  /// Whether inputs of shapes `x` may give an array of shape `y`.
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
