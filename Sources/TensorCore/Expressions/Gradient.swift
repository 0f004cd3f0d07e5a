/// The gradients of the single number `y` with respect to each of `xs`, as expressions like any
/// other.
///
/// They can be differentiated again. Where `y` does not depend on an `x`, its gradient is zero.
public func gradients(of y: Tensor, withRespectTo xs: [Tensor]) -> [Tensor] {
  guard y.failure == nil else { return xs.map { _ in y } }
  guard y.shape.isEmpty else {
    return xs.map { _ in .invalid("gradients are of single numbers, not of shape \(y.shape)") }
  }
  // A variable is read through a new node each time, so targets are known by what they read.
  let key = TargetKeys(xs)
  let order = topologicalOrder([y.node])
  var relevant: Set<Node> = []
  for node in order where key.contains(node) || node.inputs.contains(where: relevant.contains) {
    relevant.insert(node)
  }

  var cotangents: [Node: Tensor] = [y.node: Tensor(Node(.constant(1), [], []))]
  var results: [TargetKeys.Key: Tensor] = [:]
  for node in order.reversed() where relevant.contains(node) {
    guard let g = cotangents.removeValue(forKey: node) else { continue }
    if key.contains(node) { results[key.key(node)] = results[key.key(node)].map { $0 + g } ?? g }
    guard node.inputs.contains(where: relevant.contains) else { continue }
    Scope.$path.withValue(node.path) {
      for (input, contribution) in zip(node.inputs, pullback(of: Tensor(node), g)) {
        guard let contribution, relevant.contains(input) else { continue }
        cotangents[input] = cotangents[input].map { $0 + contribution } ?? contribution
      }
    }
  }
  return xs.map { results[key.key($0.node)] ?? .zeros($0.shape) }
}

/// The nodes that gradients are taken with respect to: a variable by its name, others by identity.
private struct TargetKeys {
  enum Key: Hashable {
    case variable(Variable)
    case node(Node)
  }
  private let keys: Set<Key>

  init(_ xs: [Tensor]) { keys = Set(xs.map { Self.key($0.node) }) }
  func contains(_ node: Node) -> Bool { keys.contains(key(node)) }
  func key(_ node: Node) -> Key { Self.key(node) }

  private static func key(_ node: Node) -> Key {
    if case .variable(let variable) = node.operation { return .variable(variable) }
    return .node(node)
  }
}

/// The cotangent of each input of `y`, given the cotangent `g` of `y`; nil where it is zero.
private func pullback(of y: Tensor, _ g: Tensor) -> [Tensor?] {
  let x = y.node.inputs.map { Tensor($0) }
  switch y.node.operation {
  case .input, .variable, .constant, .literal, .draw, .byteRows, .stop: return x.map { _ in nil }
  case .unary(let function): return [unaryPullback(function, x[0], y, g)]
  case .binary(let function): return binaryPullback(function, x[0], x[1], y, g)
  case .special(let function): return specialPullback(function, x, y, g)
  case .angle(let dimension, _):
    return [g * .special(.angleSlope(dimension: dimension), [x[0], y])]
      + x.dropFirst().map { _ in nil }
  case .select: return [nil, select(x[0], g, Tensor(0)), select(x[0], Tensor(0), g)]
  case .reshape: return [g.reshape(x[0].shape)]
  case .broadcast:
    return [g.sum(over: y.shape.indices.filter { x[0].shape[$0] != y.shape[$0] }, keep: true)]
  case .transpose(let axes):
    var inverse = axes
    for (i, axis) in axes.enumerated() { inverse[axis] = i }
    return [g.transpose(inverse)]
  case .slice(let starts):
    let after = starts.indices.map { x[0].shape[$0] - starts[$0] - y.shape[$0] }
    return [g.pad(before: starts, after: after)]
  case .pad(let before): return [g.slice(from: before, x[0].shape)]
  case .concatenate(let axis):
    var start = 0
    return x.map { part in
      defer { start += part.shape[axis] }
      return g.slice(axis: axis, from: start, count: part.shape[axis])
    }
  case .blocks(let starts): return zip(x, starts).map { g.slice(from: $1, $0.shape) }
  case .gather: return [g.scatter(x[1], into: x[0].shape), nil]
  case .scatter: return [g.gather(x[1]), nil]
  case .sum: return [g.broadcast(to: x[0].shape)]
  case .maximum(let axes):  // Equal elements share the gradient.
    let hit = 1 - (x[0] < y)
    return [g * hit / hit.sum(over: axes, keep: true)]
  case .argmax: return [nil]
  case .cumulativeSum(let axis, let isReversed):
    return [Tensor(.cumulativeSum(axis: axis, isReversed: !isReversed), [g], g.shape)]
  case .matmul(let l, let r):
    return [
      l
        ? x[1].matmul(g, transposedLeft: r, transposedRight: true)
        : g.matmul(x[1], transposedRight: !r),
      r
        ? g.matmul(x[0], transposedLeft: true, transposedRight: l)
        : x[0].matmul(g, transposedLeft: !l),
    ]
  // A correlation is linear in the image and in the filter, and so are its two adjoints, whose
  // adjoints are again among the three: the family is closed under differentiation.
  case .convolution(let c):
    return [image(c, g, x[1], like: x[0]), filter(c, x[0], g, like: x[1])]
  case .convolutionInput(let c):
    return [output(c, g, x[1], like: x[0]), filter(c, g, x[0], like: x[1])]
  case .convolutionFilter(let c):
    return [image(c, x[1], g, like: x[0]), output(c, x[0], g, like: x[1])]
  }
}

private func output(_ c: Convolution, _ x: Tensor, _ filter: Tensor, like y: Tensor) -> Tensor {
  Tensor(.convolution(c), [x, filter], y.shape)
}

private func image(_ c: Convolution, _ y: Tensor, _ filter: Tensor, like x: Tensor) -> Tensor {
  Tensor(.convolutionInput(c), [y, filter], x.shape)
}

private func filter(_ c: Convolution, _ x: Tensor, _ y: Tensor, like filter: Tensor) -> Tensor {
  Tensor(.convolutionFilter(c), [x, y], filter.shape)
}

private func unaryPullback(_ function: Unary, _ x: Tensor, _ y: Tensor, _ g: Tensor) -> Tensor? {
  switch function {
  case .negate: -g
  case .exp: g * y
  case .expm1: g * (y + 1)
  case .log: g / x
  case .log1p: g / (1 + x)
  case .sqrt: 0.5 * g / y
  case .reciprocal: -g * y * y
  case .tanh: g * (1 - y * y)
  case .sin: g * cos(x)
  case .cos: -g * sin(x)
  case .abs: g * sign(x)
  case .sign, .floor: nil
  case .erf: g * (2 / Double.pi.squareRoot()) * exp(-x * x)
  case .sigmoid: g * (y * (1 - y))
  case .softplus: g * sigmoid(x)
  }
}

private func binaryPullback(_ function: Binary, _ a: Tensor, _ b: Tensor, _ y: Tensor, _ g: Tensor)
  -> [Tensor?]
{
  switch function {
  case .add: [g, g]
  case .subtract: [g, -g]
  case .multiply: [g * b, g * a]
  case .divide: [g / b, -g * y / b]
  case .maximum:  // Ties go to the second, so that relu'(0) = 0.
    [select(b < a, g, Tensor(0)), select(b < a, Tensor(0), g)]
  case .less, .lessOrEqual, .equal: [nil, nil]
  case .power:
    // Where b is 0, a^(b - 1) may be infinite, and where a is 0, so is log a: both derivatives are 0 there.
    [
      g * b * power(a, select(equal(b, Tensor(0)), Tensor(1), b - 1)),
      g * y * log(select(equal(a, Tensor(0)), Tensor(1), a)),
    ]
  }
}
