import TensorCore
import Testing

/// Draws: the block cipher, and kernels that follow it.
@Suite struct RandomTests {
  /// Known answers of Random123 for philox4x32-10.
  @Test(
    arguments: [
      ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ] as [([UInt32], [UInt32], [UInt32])])
  func knownAnswers(counter: [UInt32], key: [UInt32], answer: [UInt32]) {
    #expect(Philox.encrypt(counter, key: (key[0], key[1])) == answer)
  }

  @Test(arguments: [1, 2, 3, 4, 5, 63, 1024, 70_001], [0, 1, (1 << 40) + 3] as [UInt64])
  func kernelsDrawWhatTheReferenceDraws(count: Int, run: UInt64) throws {
    let seed: UInt64 = 0x1234_5678_9abc_def0
    let (uniform, normal) = (Tensor.uniform([count], "u"), Tensor.normal([count], "n"))
    let program = try Runtime(seed: seed, threads: 2).compile("draws", [uniform, normal])
    program.run(at: run)
    var reference = Reference(seed: seed)
    reference.run = run
    let expected = try reference.evaluate([uniform, normal], as: "draws")
    #expect(try program.values(uniform).map { Double($0) } == expected[0])
    let worst = zip(try program.values(normal), expected[1]).map { abs(Double($0) - $1) }.max() ?? 0
    #expect(worst < 2e-6)
  }

  @Test func aRowOfDrawsDependsOnItsSeedAlone() throws {
    let seeds: [UInt64] = [7, 0, .max, 0x1234_5678_9abc_def0, 7]
    func rows(_ seeds: [UInt64]) throws -> [[Float]] {
      let keys = Tensor.seeds("seeds", seeds.count)
      let y = concatenate(
        [
          .normal([seeds.count, 7], "n", keys: keys), .uniform([seeds.count, 6], "u", keys: keys),
        ], axis: 1)
      let program = try Runtime(seed: 1, threads: 2).compile("rows", [y])
      try program.fill(seeds: keys, with: seeds)
      program.run(at: 5)
      let values = try program.values(y)
      return (0..<seeds.count).map { Array(values[$0 * 13..<$0 * 13 + 13]) }
    }
    let together = try rows(seeds)
    #expect(together[0] == together[4])
    #expect(Set(together).count == 4)
    for (i, seed) in seeds.enumerated() {
      #expect(try rows([seed])[0] == together[i], "seed \(seed)")
    }
    // A row is what a runtime of that seed draws.
    let y = Tensor.normal([7], "n")
    let program = try Runtime(seed: seeds[3], threads: 1).compile("rows", [y])
    program.run(at: 5)
    #expect(try program.values(y) == Array(together[3][..<7]))
  }

  @Test func momentsAndDistribution() throws {
    let n = 100_000
    let (u, z) = (Tensor.uniform([n], "u"), Tensor.normal([n], "n"))
    // The distribution function makes normal draws uniform.
    let level = 0.5 + 0.5 * erf(z / 2.0.squareRoot())
    let program = try Runtime(seed: 2, threads: 1).compile("moments", [u, level, z])
    program.run()
    for y in [u, level] {
      let sorted = try program.values(y).map { Double($0) }.sorted()
      let distance = sorted.enumerated().map { abs($1 - (Double($0) + 0.5) / Double(n)) }.max() ?? 1
      // Kolmogorov and Smirnov, one in a thousand.
      #expect(distance < 1.95 / Double(n).squareRoot())
    }
    let normal = try program.values(z).map { Double($0) }
    let mean = normal.reduce(0, +) / Double(n)
    let variance = normal.reduce(0) { $0 + $1 * $1 } / Double(n) - mean * mean
    let fourth = normal.reduce(0) { $0 + $1 * $1 * $1 * $1 } / Double(n)
    // Within four standard errors.
    #expect(abs(mean) < 4 / Double(n).squareRoot())
    #expect(abs(variance - 1) < 4 * (2 / Double(n)).squareRoot())
    #expect(abs(fourth - 3) < 4 * (96 / Double(n)).squareRoot())
  }
}
