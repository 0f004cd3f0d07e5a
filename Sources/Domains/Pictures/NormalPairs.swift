import TensorCore

/// Seeded generator of standard normal numbers, for pictures.
package struct NormalPairs {
  private var generator: Philox
  private var block: UInt32 = 0
  private var pending: [Double] = []

  package init(seed: UInt64) { generator = Philox(seed: seed, site: 0, run: 0) }

  package mutating func next() -> Double {
    if pending.isEmpty {
      pending = generator.normals(block)
      block += 1
    }
    return pending.removeLast()
  }
}
