import TensorCore

/// Random weights for which no layer is zero and activations keep their scale.
package func randomWeights(
  _ parameters: Parameters, seed: Int
) -> [(variable: Variable, values: [Double])] {
  var numbers = SplitMix64(seed: seed)
  return parameters.variables.map { variable in
    let shape = variable.shape
    let limit = shape.count > 1 ? (3 / Double(shape.dropLast().reduce(1, *))).squareRoot() : 0.3
    let values = numbers.values(shape.reduce(1, *), in: -limit...limit)
    return (
      variable, variable.name.hasSuffix("/scale") ? values.map { Double(Float($0 + 1)) } : values
    )
  }
}

extension Runtime {
  /// Creates a runtime whose variables have `randomWeights`.
  package static func random(_ parameters: Parameters, seed: Int, threads: Int) throws -> Runtime {
    let runtime = try Runtime(seed: UInt64(seed), threads: threads)
    for (variable, values) in randomWeights(parameters, seed: seed) {
      try runtime.restore(variable: variable.name, shape: variable.shape, values.map { Float($0) })
    }
    return runtime
  }
}
