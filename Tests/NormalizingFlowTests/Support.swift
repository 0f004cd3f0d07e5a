import NormalizingFlow
import TensorCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A flow of some size, with weights for which no step is the identity.
struct SmallFlow: CustomTestStringConvertible {
  let shape: [Int]
  let couplings: Int
  let hidden: [Int]

  /// One coupling and many, networks without hidden layers, with narrow and with wide ones, an odd dimension, images.
  static let all = [
    SmallFlow(shape: [2], couplings: 1, hidden: [8]),
    SmallFlow(shape: [2], couplings: 4, hidden: [16, 16]),
    SmallFlow(shape: [2], couplings: 9, hidden: [5]),
    SmallFlow(shape: [2], couplings: 3, hidden: []),
    SmallFlow(shape: [3], couplings: 4, hidden: [7, 6]),
    SmallFlow(shape: [5], couplings: 3, hidden: [40]),
    SmallFlow(shape: [2, 2, 1], couplings: 2, hidden: [6]),
  ]

  var testDescription: String { "\(shape), \(couplings) couplings, hidden \(hidden)" }
  var dimensions: Int { shape.reduce(1, *) }

  func model(_ parameters: Parameters = Parameters("flow")) throws -> CouplingFlow {
    try CouplingFlow(shape: shape, couplings: couplings, hidden: hidden, parameters)
  }

  /// Weights that are exact in Float: scales of a number from exp(-0.3) to exp(0.3), networks whose layers keep
  /// the size of what they are given where the gain is 1.
  static func weights(_ parameters: Parameters, seed: Int, gain: Double = 1) -> [String: [Double]] {
    var numbers = SplitMix64(seed: seed)
    return Dictionary(
      uniqueKeysWithValues: parameters.variables.map { variable in
        let inputs = variable.shape.dropLast().reduce(1, *)
        let limit = variable.shape.count > 1 ? gain * (3 / Double(inputs)).squareRoot() : 0.3
        return (variable.name, numbers.values(variable.shape.reduce(1, *), in: -limit...limit))
      })
  }

  /// The reference with such weights.
  static func reference(_ parameters: Parameters, seed: Int) -> Reference {
    var reference = Reference(seed: UInt64(seed))
    reference.variables = weights(parameters, seed: seed)
    return reference
  }

  /// A runtime with such weights.
  static func runtime(_ parameters: Parameters, seed: Int, gain: Double = 1) throws -> Runtime {
    let runtime = try Runtime(seed: UInt64(seed), threads: 1)
    let weights = weights(parameters, seed: seed, gain: gain)
    for variable in parameters.variables {
      let values = (weights[variable.name] ?? []).map { Float($0) }
      try runtime.restore(variable: variable.name, shape: variable.shape, values)
    }
    return runtime
  }
}

/// A matrix by rows: the logarithm of its determinant's magnitude, by elimination with the largest pivots.
func logDeterminant(_ matrix: [[Double]]) -> Double {
  var (a, sum) = (matrix, 0.0)
  for i in a.indices {
    let pivot = (i..<a.count).max { abs(a[$0][i]) < abs(a[$1][i]) } ?? i
    a.swapAt(i, pivot)
    sum += log(abs(a[i][i]))
    for j in i + 1..<a.count {
      let factor = a[j][i] / a[i][i]
      for k in i..<a.count { a[j][k] -= factor * a[i][k] }
    }
  }
  return sum
}
