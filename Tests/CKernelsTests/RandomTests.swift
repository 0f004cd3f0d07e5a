import CKernels
import Foundation
import Testing

/// Random123's kat_vectors for philox4x32-10.
private let knownAnswers: [([UInt32], [UInt32], [UInt32])] = [
  ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
  (
    [.max, .max, .max, .max], [.max, .max],
    [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
  ),
  (
    [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
    [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
  ),
]

private func draw(
  _ distribution: fk_distribution, rows: Int = 1, width: Int, seed: UInt64 = 0,
  keys: [Float]? = nil,
  site: UInt32 = 5, run: UInt64 = 0, pieces: Int = 1
) -> [Float] {
  let out = Floats(count: rows * width)
  let keys = keys.map(Floats.init)
  withUnsafePointer(to: run) { run in
    var draw = fk_draw(
      distribution: distribution, out: out.pointer, keys: keys?.pointer, rows: Int64(rows),
      width: Int64(width),
      seed: seed, site: site, run: run, pieces: Int32(pieces))
    for piece in (0..<pieces).reversed() { fk_run_draw(&draw, Int32(piece), 0) }
  }
  return withExtendedLifetime(keys) { out.values }
}

/// The definition of random.h in Double, one element at a time.
private func expected(
  _ distribution: fk_distribution, element: Int, seed: UInt64, site: UInt32, run: UInt64
) -> Double {
  let half = { (word: UInt64) in
    (UInt32(truncatingIfNeeded: word), UInt32(truncatingIfNeeded: word >> 32))
  }
  var words = [UInt32](repeating: 0, count: 4)
  fk_philox(
    [UInt32(element / 4), site, half(run).0, half(run).1], [half(seed).0, half(seed).1], &words)
  let fraction = { (word: UInt32) in Double(word >> 8) * 0x1p-24 }
  if distribution == FK_UNIFORM { return fraction(words[element % 4]) }
  let pair = element % 4 / 2 * 2
  let u = Float(words[pair]) * 0x1p-32 + 0x1p-33
  let radius = (-2 * log(Double(u))).squareRoot(), angle = 2 * Double.pi * fraction(words[pair + 1])
  return element % 2 == 0 ? radius * cos(angle) : radius * sin(angle)
}

@Suite(.serialized) struct RandomTests {
  @Test(arguments: knownAnswers.indices) func philox(_ i: Int) {
    let (counter, key, answer) = knownAnswers[i]
    var result = [UInt32](repeating: 0, count: 4)
    fk_philox(counter, key, &result)
    #expect(result == answer)
  }

  @Test(arguments: [FK_UNIFORM.rawValue, FK_NORMAL.rawValue], [1, 4, 7, 1023, 1024, 4099])
  func elements(_ kind: UInt32, width: Int) {
    let distribution = fk_distribution(kind)
    let (seed, site, run) = (
      UInt64(0x0123_4567_89ab_cdef), UInt32(0xdead_beef), UInt64(0x0000_0007_0000_0009)
    )
    let values = draw(distribution, width: width, seed: seed, site: site, run: run)
    for (e, value) in values.enumerated() {
      let exact = expected(distribution, element: e, seed: seed, site: site, run: run)
      let close = abs(Double(value) - exact) <= (distribution == FK_UNIFORM ? 0 : 1e-6)
      #expect(close, "element \(e): \(value) rather than \(exact)")
      if !close { return }
    }
  }

  @Test(arguments: [FK_UNIFORM.rawValue, FK_NORMAL.rawValue], [1, 2, 4, 5, 49, 1500])
  func keyedRowsAreDrawsOfTheirOwn(_ kind: UInt32, width: Int) {
    let distribution = fk_distribution(kind)
    let seeds: [UInt64] = (0..<300).map { $0 < 2 ? $0 : $0 &* 0x9e37_79b9_7f4a_7c15 }
    let keys = seeds.flatMap { seed in (0..<4).map { Float(seed >> (16 * UInt64($0)) & 0xffff) } }
    let all = draw(distribution, rows: seeds.count, width: width, keys: keys, run: 3)
    for (i, seed) in seeds.enumerated() {
      let row = Array(all[i * width..<(i + 1) * width])
      #expect(identical(row, draw(distribution, width: width, seed: seed, run: 3)), "row \(i)")
    }
    let cut = draw(distribution, rows: seeds.count, width: width, keys: keys, run: 3, pieces: 7)
    #expect(identical(all, cut))
  }

  @Test(arguments: [FK_UNIFORM.rawValue, FK_NORMAL.rawValue], [2, 3, 4, 64])
  func piecesDoNotMatter(_ kind: UInt32, pieces: Int) {
    let distribution = fk_distribution(kind)
    let whole = draw(distribution, width: 10_007, seed: 4)
    #expect(identical(whole, draw(distribution, width: 10_007, seed: 4, pieces: pieces)))
  }

  @Test func everythingInTheCounterMatters() {
    let base = draw(FK_NORMAL, width: 64)
    #expect(base != draw(FK_NORMAL, width: 64, seed: 1))
    #expect(base != draw(FK_NORMAL, width: 64, seed: 1 << 32))
    #expect(base != draw(FK_NORMAL, width: 64, site: 6))
    #expect(base != draw(FK_NORMAL, width: 64, run: 1))
    #expect(base != draw(FK_NORMAL, width: 64, run: 1 << 32))
    #expect(base == draw(FK_NORMAL, width: 64))
  }

  @Test func digitsOutOfRangeAreHarmless() {
    let row = draw(FK_UNIFORM, rows: 1, width: 8, keys: [.nan, -1, 1e30, .infinity])
    #expect(identical(row, draw(FK_UNIFORM, width: 8, seed: 0)))
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func uniformDistribution(_ seed: UInt64) {
    let count = 200_000
    let values = draw(FK_UNIFORM, width: count, seed: seed).map(Double.init).sorted()
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    check(values, mean: 0.5, variance: 1.0 / 12, kurtosis: 1.8) { $0 }
  }

  @Test(arguments: [0, 1, 2] as [UInt64]) func normalDistribution(_ seed: UInt64) {
    let values = draw(FK_NORMAL, width: 200_000, seed: seed).map(Double.init).sorted()
    check(values, mean: 0, variance: 1, kurtosis: 3) { 0.5 * erfc(-$0 / 2.0.squareRoot()) }
    #expect(values.filter(\.isFinite).count == values.count)
  }

  /// Moments within five standard errors; the Kolmogorov-Smirnov distance below its value at p = 0.001.
  private func check(
    _ sorted: [Double], mean: Double, variance: Double, kurtosis: Double,
    distribution: (Double) -> Double
  ) {
    let n = Double(sorted.count)
    let average = sorted.reduce(0, +) / n
    let spread = sorted.reduce(0) { $0 + ($1 - average) * ($1 - average) } / n
    #expect(abs(average - mean) < 5 * (variance / n).squareRoot())
    #expect(abs(spread - variance) < 5 * variance * ((kurtosis - 1) / n).squareRoot())
    var distance = 0.0
    for (i, value) in sorted.enumerated() {
      let p = distribution(value)
      distance = max(distance, abs(p - Double(i) / n), abs(p - Double(i + 1) / n))
    }
    #expect(distance < 1.95 / n.squareRoot())
  }
}
