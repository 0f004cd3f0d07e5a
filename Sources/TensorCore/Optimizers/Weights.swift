/// Which copy of a model's weights an expression reads: the one way to sample and evaluate with others
/// than those that are trained.
public enum Weights: String, Hashable, Sendable {
  /// Those that are trained.
  case raw = ""
  /// Those that `lookahead` keeps behind them.
  case slow = "slow."
  /// Their moving averages, which `average` keeps.
  case averaged = "ema."
  /// Those that were best on other data, which whoever trains them may keep.
  case best = "best."

  /// What the array of a parameter is called in a checkpoint.
  public func name(_ parameter: Variable) -> String { rawValue + parameter.name }

  /// The copy of a parameter, which starts as the parameter's value.
  package func variable(_ parameter: Variable) -> Variable {
    self == .raw ? parameter : Variable(name(parameter), initially: parameter.value)
  }

  /// From an expression of raw weights to that in which these copies of `variables` are read instead.
  public func reading(_ variables: [Variable]) -> @Sendable (Tensor) -> Tensor {
    guard self != .raw else { return { $0 } }
    let values = Dictionary(
      uniqueKeysWithValues: variables.map { ($0, variable($0).value) })
    return { $0.substituting(values) }
  }
}

extension Tensor {
  /// This expression with each variable of `values` replaced by an expression of its shape.
  package func substituting(_ values: [Variable: Tensor]) -> Tensor {
    var replaced: [Node: Node] = [:]
    for node in topologicalOrder([self.node]) {
      if case .variable(let variable) = node.operation, let value = values[variable] {
        replaced[node] = value.node
      } else if node.inputs.contains(where: { replaced[$0] != nil }) {
        let failure = node.failure ?? node.inputs.lazy.compactMap { replaced[$0]?.failure }.first
        replaced[node] = Scope.$path.withValue(node.path) {
          Node(
            node.operation, node.inputs.map { replaced[$0] ?? $0 }, node.shape, failure: failure)
        }
      }
    }
    return replaced[self.node].map { Tensor($0) } ?? self
  }
}
