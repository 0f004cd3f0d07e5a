import TensorCore

/// The largest |a - b| / max(|b|, 1e-3 max|b|); where b is zero throughout, the largest |a|; infinite
/// where one is no number.
package func relativeError(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let largest = b.reduce(0) { max($0, abs($1)) }
  let errors = zip(a, b).map { a, b in
    largest == 0 ? abs(a) : abs(a - b) / max(abs(b), 1e-3 * largest)
  }
  return errors.contains { $0.isNaN } ? .infinity : errors.max() ?? 0
}

extension Runtime {
  /// The bits of every variable, by name.
  package func bits() throws -> [String: [UInt32]] {
    var result: [String: [UInt32]] = [:]
    for name in variableNames {
      result[name] = try read(variable: name) { span in
        (0..<span.count).map { span[$0].bitPattern }
      }
    }
    return result
  }
}

/// |a - b| / |b|.
package func relativeGap(_ a: Double, _ b: Double) -> Double { a == b ? 0 : abs(a - b) / abs(b) }

/// The largest |a - b|; infinite where one is not finite.
package func largestGap(_ a: [Float], _ b: [Float]) -> Double {
  guard a.count == b.count else { return .infinity }
  let gaps = zip(a, b).map { abs(Double($0) - Double($1)) }
  return gaps.allSatisfy { $0.isFinite } ? gaps.max() ?? 0 : .infinity
}

/// The standard deviation of some numbers.
package func standardDeviation(_ values: [Float]) -> Double {
  let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
  let squares = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
  return (squares / Double(values.count)).squareRoot()
}
