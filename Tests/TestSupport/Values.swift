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
