import Glibc
import TensorCore

/// Numbers for tests, the same in every run (Steele, Lea and Flood 2014, SplitMix64).
package struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  /// Numbers from a state on.
  package init(state: UInt64) { self.state = state }

  /// Numbers of a case: near seeds give unlike numbers.
  package init(seed: Int) {
    state = UInt64(truncatingIfNeeded: seed) &* 0xD134_2543_DE82_EF95
  }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension SplitMix64 {
  /// Uniform in a range.
  package mutating func float(_ range: ClosedRange<Float>) -> Float {
    Float.random(in: range, using: &self)
  }

  /// Uniform in a range.
  package mutating func int(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &self)
  }

  /// Numbers that Float can hold, uniform in a range.
  package mutating func values(_ count: Int, in range: ClosedRange<Double> = -1...1) -> [Double] {
    (0..<count).map { _ in Double(Float(Double.random(in: range, using: &self))) }
  }

  /// A standard normal number.
  package mutating func normal() -> Double {
    let u = Double.random(in: Double.leastNormalMagnitude..<1, using: &self)
    return (-2 * log(u)).squareRoot() * cos(2 * .pi * Double.random(in: 0..<1, using: &self))
  }

  /// Numbers that Float can hold, normal with a given standard deviation.
  package mutating func normals(_ count: Int, deviation: Double = 1) -> [Double] {
    (0..<count).map { _ in Double(Float(deviation * normal())) }
  }

  /// One of the elements.
  package mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int(next() % UInt64(elements.count))]
  }

  /// True in so many of a hundred cases.
  package mutating func chance(_ percent: Int) -> Bool { Int(next() % 100) < percent }
}
