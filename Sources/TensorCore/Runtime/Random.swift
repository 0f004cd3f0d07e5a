/// Philox4x32-10: a draw is a pure function of the seed, its site, the run and the element.
///
/// See Salmon et al. 2011.
///
/// The kernels draw by the same rules in single precision.
package struct Philox: Sendable {
  package var seed: UInt64
  package var site: UInt32
  package var run: UInt64

  package init(seed: UInt64, site: UInt32, run: UInt64) {
    self.seed = seed
    self.site = site
    self.run = run
  }

  /// The four words of a block.
  package func block(_ index: UInt32) -> [UInt32] {
    Self.encrypt(
      [index, site, UInt32(truncatingIfNeeded: run), UInt32(truncatingIfNeeded: run >> 32)],
      key: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  package static func encrypt(_ counter: [UInt32], key: (UInt32, UInt32)) -> [UInt32] {
    var (x, k) = (counter, key)
    for round in 0..<10 {
      if round > 0 { k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85) }
      let (a, b) = (
        x[0].multipliedFullWidth(by: 0xD251_1F53), x[2].multipliedFullWidth(by: 0xCD9E_8D57)
      )
      x = [b.high ^ x[1] ^ k.0, b.low, a.high ^ x[3] ^ k.1, a.low]
    }
    return x
  }

  /// Four normal numbers from a block.
  package func normals(_ index: UInt32) -> [Double] {
    let words = block(index)
    return pair(words[0], words[1]) + pair(words[2], words[3])
  }

  /// The first `count` elements of a row.
  func row(_ distribution: Distribution, _ count: Int) -> [Double] {
    (0..<(count + 3) / 4).flatMap { index -> [Double] in
      let words = block(UInt32(truncatingIfNeeded: index))
      let values =
        switch distribution {
        case .uniform: words.map { Double($0 >> 8) * 0x1p-24 }
        case .normal: normals(UInt32(truncatingIfNeeded: index))
        }
      return Array(values.prefix(count - 4 * index))
    }
  }

  /// Box and Muller 1958.
  ///
  /// The radius comes from a number rounded as the kernels round it, so that tails agree.
  private func pair(_ first: UInt32, _ second: UInt32) -> [Double] {
    let u = Float(first) * 0x1p-32 + 0x1p-33
    let radius = (-2 * Double(u).logarithm).squareRoot()
    let angle = 2 * Double.pi * Double(second >> 8) * 0x1p-24
    return [radius * angle.cosine, radius * angle.sine]
  }
}
