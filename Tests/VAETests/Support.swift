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

  /// Numbers that Float can hold, uniform in a range.
  mutating func values(_ count: Int, in range: ClosedRange<Double> = -1...1) -> [Double] {
    (0..<count).map { _ in Double(Float(Double.random(in: range, using: &self))) }
  }
}

/// The largest |a - b| / max(|b|, 1e-3 max |b|); infinite where one is not finite.
func relativeError(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let floor = 1e-3 * (b.map { abs($0) }.max() ?? 0)
  let errors = zip(a, b).map { abs($0 - $1) / max(abs($1), floor, .leastNormalMagnitude) }
  return errors.allSatisfy(\.isFinite) ? errors.max() ?? 0 : .infinity
}
