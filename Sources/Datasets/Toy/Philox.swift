import Foundation

/// The four random words of one point: Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011).
///
/// The words are a pure function of (seed, step, index): points can be drawn in any order and on
/// any thread, and repeating a step gives the same points.
public struct Words: Sendable {
  public var x0, x1, x2, x3: UInt32

  /// The words for point `index`, which is below 2^32, of a step.
  init(seed: UInt64, step: Int, index: Int) {
    let step = UInt64(bitPattern: Int64(step))
    // The second word is where compiled programs have the site of a draw: "toy2" keeps the two
    // streams apart.
    self.init(
      counter: (
        UInt32(truncatingIfNeeded: index), 0x746f_7932, UInt32(truncatingIfNeeded: step),
        UInt32(truncatingIfNeeded: step >> 32)
      ),
      key: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  /// Applies the cipher to a counter with a key.
  public init(counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)) {
    (x0, x1, x2, x3) = counter
    var (k0, k1) = key
    for _ in 0..<10 {
      let a = UInt64(x0) &* 0xd251_1f53
      let b = UInt64(x2) &* 0xcd9e_8d57
      (x0, x1, x2, x3) = (
        UInt32(truncatingIfNeeded: b >> 32) ^ x1 ^ k0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ x3 ^ k1, UInt32(truncatingIfNeeded: a)
      )
      k0 &+= 0x9e37_79b9
      k1 &+= 0xbb67_ae85
    }
  }

  /// A uniform number in 0 ..< count, from the first word.
  func choice(of count: Int) -> Int {
    Int((UInt64(x0) &* UInt64(count)) >> 32)
  }

  /// A uniform number in (0, 1), from the second word.
  var uniform: Double { Self.unit(x1) }

  /// Two independent standard normals, from the last two words.
  var normals: Point {
    let radius = (-2 * log(Self.unit(x2))).squareRoot()
    let angle = 2 * Double.pi * Self.unit(x3)
    return Point(x: radius * cos(angle), y: radius * sin(angle))
  }

  /// The midpoint of one of 2^32 equal subintervals of the unit interval.
  static func unit(_ word: UInt32) -> Double {
    (Double(word) + 0.5) * 0x1p-32
  }
}
