extension Tensor {
  /// The first operation by which one example of the batch `x`, [n, ...], reaches what this tensor says of
  /// another, or nil where there is none: then each row depends on its own example alone.
  ///
  /// Row i of an array is its i-th part of n equal parts in memory, however the array is shaped.
  public func operationThatMixesRows(of x: Tensor) -> String? {
    guard let count = x.shape.first, count > 1 else { return nil }
    let rows = RowAnalysis(count: count)
    var dependent: Set<Node> = [x.node]
    for node in topologicalOrder([self.node]) where node != x.node {
      let inputs = node.inputs.map { dependent.contains($0) }
      guard inputs.contains(true) else { continue }
      guard rows.keepsRows(node, isDependent: inputs) else {
        return node.path.isEmpty
          ? node.operation.label : "\(node.operation.label) in \(node.path)"
      }
      dependent.insert(node)
    }
    return nil
  }
}

private struct RowAnalysis {
  /// Rows of the batch.
  let count: Int

  /// How many leading axes of `shape` together hold the rows, or nil where rows are not apart.
  private func leading(_ shape: [Int]) -> Int? {
    var product = 1
    for (axis, length) in shape.enumerated() {
      if product == count { return axis }
      product *= length
      if product > count { return product % count == 0 ? axis + 1 : nil }
    }
    return product == count ? shape.count : nil
  }

  func keepsRows(_ node: Node, isDependent: [Bool]) -> Bool {
    let shape = node.shape
    let shapes = node.inputs.map(\.shape)
    guard let lead = leading(shape) else { return false }
    let sources = zip(shapes, isDependent).filter(\.1).map(\.0)
    let leads = sources.compactMap { leading($0) }
    guard leads.count == sources.count else { return false }
    /// Whether the axes that hold the rows are the same before and after.
    func keepsLead(_ source: [Int]) -> Bool { source.prefix(lead) == shape.prefix(lead) }
    switch node.operation {
    case .input, .variable, .constant, .literal, .draw: return true
    case .unary, .binary, .select, .special, .angle, .stop, .reshape: return true
    case .broadcast: return sources.allSatisfy(keepsLead)
    case .transpose(let axes): return Array(axes.prefix(lead)) == Array(0..<lead)
    case .slice, .pad: return sources.allSatisfy(keepsLead)
    case .concatenate(let axis): return axis >= lead
    case .blocks(let starts):
      return sources.allSatisfy(keepsLead)
        && starts.allSatisfy { $0.prefix(lead).allSatisfy { $0 == 0 } }
    case .gather: return !isDependent[0]
    case .byteRows: return true
    case .scatter: return false
    case .sum(let axes), .maximum(let axes):
      return axes.allSatisfy { $0 >= leads[0] }
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
