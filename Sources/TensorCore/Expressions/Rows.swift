extension Tensor {
  /// The first operation by which one example of the batch `x`, [n, ...], reaches the result of
  /// another, or nil where there is none: then each row depends on its own example alone.
  ///
  /// Row i of an array is its i-th part of n equal parts in memory, however the array is shaped.
  public func operationThatMixesRows(of x: Tensor) -> String? {
    guard let count = x.shape.first, count > 1 else { return nil }
    let parts = EqualParts(count: count)
    var dependent: Set<Node> = [x.node]
    for node in topologicalOrder([self.node]) where node != x.node {
      let isDependent = node.inputs.map { dependent.contains($0) }
      guard isDependent.contains(true) else { continue }
      let shapes = node.inputs.map(\.shape)
      guard parts.correspond(node.operation, node.shape, of: shapes, isDependent: isDependent)
      else {
        return node.path.isEmpty
          ? node.operation.label : "\(node.operation.label) in \(node.path)"
      }
      dependent.insert(node)
    }
    return nil
  }
}

/// The iteration space of a reduction over neighbouring axes, as three axes.
package struct ReductionForm: Hashable, Sendable {
  package var outer, reduced, inner: Int

  init(outer: Int, reduced: Int, inner: Int) {
    (self.outer, self.reduced, self.inner) = (outer, reduced, inner)
  }

  /// - Parameter axes: Between two of them that are longer than one, there is none that is not reduced and longer
  ///   than one: `simplify` sees to it. Otherwise `reduced` has such axes, too.
  init(_ shape: [Int], reducing axes: [Int]) {
    let long = axes.filter { shape[$0] > 1 }
    guard let first = long.min(), let last = long.max() else {
      self.init(outer: shape.product, reduced: 1, inner: 1)
      return
    }
    self.init(
      outer: shape[..<first].reduce(1, *), reduced: shape[first...last].reduce(1, *),
      inner: shape[(last + 1)...].reduce(1, *))
  }
}

/// Arrays cut into equal parts along their outermost axes, and whether an operation keeps the parts apart.
///
/// A critic's score, blocks of examples that run through several phases, and the pieces that threads share are all
/// cut in this way.
struct EqualParts {
  let count: Int

  /// The number of leading axes of `shape` that together hold the parts, or nil where parts are not apart.
  private func leading(_ shape: [Int]) -> Int? {
    var product = 1
    for (axis, length) in shape.enumerated() {
      if product == count { return axis }
      product *= length
      if product > count { return product % count == 0 ? axis + 1 : nil }
    }
    return product == count ? shape.count : nil
  }

  /// True if each part of the result of `operation` is computed from the same part of its dependent inputs alone.
  func correspond(
    _ operation: Primitive, _ shape: [Int], of shapes: [[Int]], isDependent: [Bool]
  ) -> Bool {
    guard isDependent.contains(true) else { return true }
    let sources = zip(shapes, isDependent).filter(\.1).map(\.0)
    guard let lead = leading(shape), sources.allSatisfy({ leading($0) != nil }) else {
      return false
    }
    /// True if the axes that hold the parts are the same before and after.
    func keepsLead(_ source: [Int]) -> Bool { source.prefix(lead) == shape.prefix(lead) }
    switch operation {
    case .input, .variable, .constant, .literal, .draw: return true
    case .unary, .binary, .select, .special, .angle, .stop, .reshape: return true
    case .broadcast, .slice, .pad: return sources.allSatisfy(keepsLead)
    case .transpose(let axes): return Array(axes.prefix(lead)) == Array(0..<lead)
    case .concatenate(let axis): return axis >= lead
    case .blocks(let starts):
      return sources.allSatisfy(keepsLead)
        && starts.allSatisfy { $0.prefix(lead).allSatisfy { $0 == 0 } }
    case .gather: return !isDependent[0]
    case .byteRows: return true
    case .scatter: return false
    case .argmax(let axis), .cumulativeSum(let axis, _): return axis >= lead
    case .sum(let axes), .maximum(let axes):
      return ReductionForm(shapes[0], reducing: axes).outer % count == 0
    case .matmul(let transposedLeft, _):
      // Rows of the left side, or matrices of a batch.
      let matrices = shape.count - 2
      if lead <= matrices {
        return isDependent.indices.allSatisfy { keepsLead(shapes[$0]) || !isDependent[$0] }
      }
      return !isDependent[1] && !transposedLeft && lead == matrices + 1
    case .convolution, .convolutionInput: return !isDependent[1]
    case .convolutionFilter: return false
    }
  }
}
