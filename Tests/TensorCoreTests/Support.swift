import TensorCore

/// Numbers for tests (SplitMix64): the same in every run.
struct Numbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) &* 0xD134_2543_DE82_EF95 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Numbers that Float can hold, in a range.
  mutating func values(_ count: Int, in range: ClosedRange<Double> = -1...1) -> [Double] {
    (0..<count).map { _ in Double(Float(Double.random(in: range, using: &self))) }
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int(next() % UInt64(elements.count))]
  }

  mutating func chance(_ percent: Int) -> Bool { Int(next() % 100) < percent }
}

/// The largest |a - b| / max(|b|, 1e-3 max|b|); where b is zero throughout, the largest |a|.
func relativeError(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let largest = b.reduce(0) { max($0, abs($1)) }
  let errors = zip(a, b).map { a, b in
    largest == 0 ? abs(a) : abs(a - b) / max(abs(b), 1e-3 * largest)
  }
  return errors.contains { $0.isNaN } ? .infinity : errors.max() ?? 0
}

extension Program {
  /// Runs once with these inputs and gives the outputs.
  func outputs(_ outputs: [Tensor], _ inputs: [(Tensor, [Double])] = []) throws -> [[Double]] {
    for (x, values) in inputs { fill(x, with: values.map { Float($0) }) }
    run()
    return try outputs.map { try values($0).map { Double($0) } }
  }
}

extension Runtime {
  /// The bits of every variable, by name.
  func bits() throws -> [String: [UInt32]] {
    var result: [String: [UInt32]] = [:]
    for name in variableNames {
      result[name] = try read(variable: name) { span in
        (0..<span.count).map { span[$0].bitPattern }
      }
    }
    return result
  }
}
