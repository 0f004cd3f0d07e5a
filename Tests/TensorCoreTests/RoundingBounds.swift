import TensorCore

/// Bounds on the distance of values computed in Float from those of these expressions, as expressions.
///
/// The usual forward analysis: with |a' - a| <= e_a for every operand, e.g. |a'b' - ab| <= |a| e_b
/// + |b| e_a + e_a e_b + u |ab|. A sum of n terms in any order adds n u Σ|terms|. u is 4 units in
/// the last place, which is what the kernels' functions promise; derivatives of functions are
/// doubled to cover their change over the error.
///
/// In bf16 every value on the way to a contraction may be stored once with 8 significant bits, which
/// changes it by 2^-8 of its size; so may the contraction's operands be, wherever they come from.
func roundingBounds(_ outputs: [Tensor], _ precision: Precision = .fp32) -> [Tensor] {
  let unit = 4 * 0x1p-24
  let nodes = topologicalOrder(outputs.map(\.node))
  var rounds: Set<Node> = []
  if precision == .bf16 {
    for node in nodes.reversed() {
      switch node.operation {
      case .matmul, .convolution, .convolutionInput, .convolutionFilter:
        rounds.formUnion(node.inputs)
      default: if rounds.contains(node) { rounds.formUnion(node.inputs) }
      }
    }
  }
  var bounds: [Node: Tensor] = [:]
  for node in nodes {
    let y = Tensor(node)
    let x = node.inputs.map { Tensor($0) }
    let e = node.inputs.map { bounds[$0] ?? .zeros($0.shape) }
    let rounded = unit * abs(y)
    func moved() -> Tensor { Tensor(node.operation, e, node.shape) }
    func summed(_ terms: Int) -> Tensor {
      let sizes = x.map { abs($0) }
      var total = Tensor(node.operation, sizes, node.shape) * (Double(terms) * 0x1p-24)
      if x.count == 2 {
        for pair in [[sizes[0], e[1]], [e[0], sizes[1]], [e[0], e[1]]] {
          total = total + Tensor(node.operation, pair, node.shape)
        }
      } else {
        total = total + moved()
      }
      return total
    }
    let bound: Tensor =
      switch node.operation {
      case .input, .variable, .byteRows: .zeros(node.shape)
      case .constant, .literal: rounded
      case .draw: rounded + 4 * unit
      case .unary(let function): unaryBound(function, x[0], y, e[0], rounded, unit)
      case .binary(let function):
        switch function {
        case .add, .subtract: e[0] + e[1] + rounded
        case .multiply: abs(x[0]) * e[1] + abs(x[1]) * e[0] + e[0] * e[1] + rounded
        case .divide: 2 * (e[0] + abs(y) * e[1]) / abs(x[1]) + rounded
        case .maximum: maximum(e[0], e[1])
        case .less, .lessOrEqual, .equal: .zeros(node.shape)  // Only of exact numbers.
        case .power:
          2 * abs(y) * (abs(x[1] / x[0]) * e[0] + abs(log(x[0])) * e[1]) + rounded
        }
      case .select: select(x[0], e[1], e[2])
      case .reshape, .broadcast, .transpose, .slice, .pad, .concatenate, .blocks, .maximum, .stop:
        moved()
      case .special, .angle:
        zip(gradients(of: y.sum(), withRespectTo: x), e).map { abs($0) * $1 }.reduce(rounded, +)
      case .gather: Tensor(.gather, [e[0], x[1]], node.shape)
      case .scatter:
        Tensor(.scatter, [e[0] + Double(x[1].count) * 0x1p-24 * abs(x[0]), x[1]], node.shape)
      case .argmax: .zeros(node.shape)  // Only of exact numbers.
      case .cumulativeSum(let axis, _): summed(x[0].shape[axis])
      case .sum: summed(x[0].count / y.count)
      case .matmul(let transposed, _):
        summed(x[0].shape[x[0].rank - (transposed ? 2 : 1)])
      case .convolution: summed(x[1].count / x[1].shape[3])
      case .convolutionInput: summed(x[1].count / x[1].shape[2])
      case .convolutionFilter: summed(x[1].count / x[1].shape[3])
      }
    bounds[node] = rounds.contains(node) ? bound + 0x1p-8 * (abs(y) + bound) : bound
  }
  // Numbers below Float's normal range are flushed to zero.
  return outputs.map { (bounds[$0.node] ?? .zeros($0.shape)) + 1e-36 }
}

private func unaryBound(
  _ function: Unary, _ x: Tensor, _ y: Tensor, _ e: Tensor, _ rounded: Tensor, _ unit: Double
) -> Tensor {
  switch function {
  case .negate, .abs: e
  case .exp, .expm1: 2 * exp(x) * e + rounded
  case .log: 2 * e / x + rounded
  case .log1p: 2 * e / (1 + x) + rounded
  case .sqrt: e / y + rounded
  case .reciprocal: 2 * e * y * y + rounded
  case .tanh, .softplus: e + rounded
  case .sigmoid: 0.25 * e + rounded
  case .sin, .cos: e + unit
  case .erf: 1.2 * e + rounded
  case .sign, .floor: .zeros(x.shape)  // Only of exact numbers.
  }
}
