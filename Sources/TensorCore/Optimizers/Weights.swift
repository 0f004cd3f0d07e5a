import Synchronization

/// A copy of a model's weights, which sampling and evaluation may read in place of those that are trained.
public enum Weights: String, Hashable, Sendable {
  /// The weights that are trained.
  case raw = ""
  /// The slow weights of `lookahead`.
  case slow = "slow."
  /// The exponential moving averages of `average`.
  case averaged = "ema."
  /// The weights that were best on validation data, where training keeps them.
  case best = "best."

  /// The name of a parameter's copy in a checkpoint.
  public func name(_ parameter: Variable) -> String { rawValue + parameter.name }

  /// The copy of a parameter; its initial value is the parameter's.
  package func variable(_ parameter: Variable) -> Variable {
    self == .raw ? parameter : Variable(name(parameter), initially: parameter.value)
  }

  /// A function that makes expressions of raw weights read these copies of `variables` instead.
  ///
  /// Subexpressions that two expressions share stay shared, draws above all.
  public func reading(_ variables: [Variable]) -> @Sendable (Tensor) -> Tensor {
    guard self != .raw else { return { $0 } }
    let substitution = Substitution(
      Dictionary(uniqueKeysWithValues: variables.map { ($0, variable($0).value) }))
    return { substitution($0) }
  }
}

/// Replaces variables by expressions of their shape, in any number of expressions.
///
/// The replacement of each node is remembered: a draw whose parameters change would otherwise become a different
/// draw in each expression that reads it, for example in a point on the sphere and in its density.
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
