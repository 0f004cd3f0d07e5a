/// Composite Gauss-Legendre quadrature with eight nodes on each panel of an interval.
public struct Quadrature: Sendable {
  /// Abscissae, in increasing order.
  public let nodes: [Double]
  /// Weight of each node.
  public let weights: [Double]

  /// Creates the rule on panels of equal length.
  public init(from lower: Double, to upper: Double, panels: Int) {
    let width = (upper - lower) / Double(panels)
    self.init(edges: (0...panels).map { lower + width * Double($0) })
  }

  /// Creates the rule on the panels between consecutive edges.
  init(edges: [Double]) {
    var (nodes, weights): ([Double], [Double]) = ([], [])
    for (start, end) in zip(edges, edges.dropFirst()) {
      let (middle, half) = (0.5 * (start + end), 0.5 * (end - start))
      for (node, weight) in Self.rule {
        nodes += [middle - half * node, middle + half * node]
        weights += [half * weight, half * weight]
      }
    }
    self.nodes = nodes
    self.weights = weights
  }

  /// The positive nodes on [-1, 1] and their weights (Abramowitz and Stegun, table 25.4).
  private static let rule: [(Double, Double)] = [
    (0.183434642495649805, 0.362683783378361983),
    (0.525532409916328986, 0.313706645877887287),
    (0.796666477413626740, 0.222381034453374471),
    (0.960289856497536232, 0.101228536290376259),
  ]
}
