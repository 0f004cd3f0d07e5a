import Synchronization

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
  ///
  /// What two expressions share, their images under the result share, too: the same draw above all.
  public func reading(_ variables: [Variable]) -> @Sendable (Tensor) -> Tensor {
    guard self != .raw else { return { $0 } }
    let substitution = Substitution(
      Dictionary(uniqueKeysWithValues: variables.map { ($0, variable($0).value) }))
    return { substitution($0) }
  }
}

/// Replaces variables by expressions of their shape, in any number of expressions.
///
/// It remembers what became of each node. A draw whose parameters change would else be another draw in each
/// expression that holds it: a point on the sphere, say, and its density.
package final class Substitution: Sendable {
  private let values: [Variable: Tensor]
  private let memory = Mutex<[Node: Node]>([:])

  package init(_ values: [Variable: Tensor]) { self.values = values }

  package func callAsFunction(_ x: Tensor) -> Tensor {
    memory.withLock { memory in
      var replaced = memory
      defer { memory = replaced }
      for node in topologicalOrder([x.node]) where replaced[node] == nil {
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
      return replaced[x.node].map { Tensor($0) } ?? x
    }
  }
}

extension Tensor {
  /// This expression with each variable of `values` replaced by an expression of its shape.
  package func substituting(_ values: [Variable: Tensor]) -> Tensor { Substitution(values)(self) }
}
