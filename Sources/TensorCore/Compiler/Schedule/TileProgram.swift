/// The work of a cluster on one tile, in order, with common combinations as single operations.
package struct TileProgram: Sendable {
  var operations: [TileOperation] = []
  /// Reductions, in the cluster's order.
  var reductions: [TileReduction] = []
}

/// One operation on tiles, each known by its buffer.
struct TileOperation: Sendable {
  var function: TileFunction
  var result: Buffer
  var operands: [Buffer]
}

/// A reduction of a tile.
struct TileReduction: Sendable {
  enum Kind { case sum, maximum, sumOfSquares }
  var kind: Kind
  var source: Buffer
}

/// An elementwise function that kernels have a loop for.
enum TileFunction: Hashable, Sendable {
  case unary(Unary)
  case binary(Binary)
  case select
  case copy
  /// a b + c.
  case multiplyAdd
  /// a b - c.
  case multiplySubtract
  /// c - a b.
  case subtractProduct
  /// a sigmoid(a).
  case silu
  /// a times the derivative of SiLU at b.
  case siluGradient
}

extension Primitive {
  /// The tile function of elementwise arithmetic; nil for everything else.
  var tileFunction: TileFunction? {
    switch self {
    case .unary(let function): .unary(function)
    case .binary(let function): .binary(function)
    case .select: .select
    case .input, .variable, .constant, .literal, .draw, .angle, .byteRows, .special, .reshape,
      .broadcast, .transpose, .slice, .pad, .concatenate, .blocks, .gather, .scatter, .sum,
      .maximum, .argmax, .cumulativeSum, .matmul, .convolution, .convolutionInput,
      .convolutionFilter, .stop:
      nil
    }
  }
}
