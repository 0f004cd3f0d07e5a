/// Keeps an exponential moving average of each parameter, as `ema.NAME` in a checkpoint; the change
/// passes unaltered.
///
/// The decay at step t is min(decay, (1 + t) / (10 + t)), so that a young average is not its random
/// start. Put it last.
public func average(decay: Double) -> Transformation {
  { change, slots in
    slots.replace { slots, value in
      let (name, t) = (averageName(slots.parameter), slots.step)
      _ = slots.keep(as: name, initially: slots.parameter.value) { old in
        let d = minimum((1 + t) / (10 + t), decay)
        return old + (1 - d) * (value - old)
      }
      return value
    }
    return change
  }
}

private func averageName(_ parameter: Variable) -> String { "ema.\(parameter.name)" }

extension Tensor {
  /// This expression with each of `variables` read from its average: what to sample and evaluate
  /// with.
  public func averaged(_ variables: [Variable]) -> Tensor {
    substituting(
      Dictionary(
        uniqueKeysWithValues: variables.map {
          ($0, Variable(averageName($0), initially: $0.value).value)
        }))
  }

  /// This expression with each variable of `values` replaced by an expression of its shape.
  package func substituting(_ values: [Variable: Tensor]) -> Tensor {
    var replaced: [Node: Node] = [:]
    for node in topologicalOrder([self.node]) {
      if case .variable(let variable) = node.operation, let value = values[variable] {
        replaced[node] = value.node
      } else if node.inputs.contains(where: { replaced[$0] != nil }) {
        replaced[node] = Scope.$path.withValue(node.path) {
          Node(
            node.operation, node.inputs.map { replaced[$0] ?? $0 }, node.shape,
            failure: node.failure)
        }
      }
    }
    return replaced[self.node].map { Tensor($0) } ?? self
  }
}
