import TensorCore
import TestSupport
import Testing

/// Rows by batches give what each row gives by itself.
@Suite struct BatchedProgramTests {
  /// Twice the values plus a draw of the row's seed.
  private struct Doubled {
    let program: BatchedProgram
    let x, keys, y: Tensor

    init(batch: Int) throws {
      let batch = BatchedProgram.batch(atLeast: batch)
      x = .input("x", [batch, 3])
      keys = .seeds("keys", batch)
      y = 2 * x + Tensor.normal([batch, 3], "noise", keys: keys)
      let runtime = try Runtime(seed: 3, threads: 2)
      program = BatchedProgram(try runtime.compile("doubled", [y]), batch: batch)
    }

    func callAsFunction(_ values: [Float], _ seeds: [UInt64]) throws -> [Float] {
      try program.values(y, for: [.values(x, values), .seeds(keys, seeds)])
    }
  }

  @Test(arguments: [(1, 4), (4, 4), (5, 8), (64, 64), (2047, 2048)])
  func batchesAreMultiplesOfFour(rows: Int, batch: Int) {
    #expect(BatchedProgram.batch(atLeast: rows) == batch)
  }

  @Test(arguments: [0, 1, 7, 8, 9, 21], [1, 8])
  func rowsDoNotDependOnTheirNumber(count: Int, batch: Int) throws {
    let doubled = try Doubled(batch: batch)
    let values = (0..<3 * count).map { Float($0) / 7 - 2 }
    let seeds = (0..<count).map { UInt64(100 + 3 * $0) }
    let together = try doubled(values, seeds)
    #expect(together.count == 3 * count)
    let alone = try (0..<count).flatMap {
      try doubled(Array(values[3 * $0..<3 * $0 + 3]), [seeds[$0]])
    }
    #expect(together == alone)
    for i in together.indices { #expect(together[i] != 2 * values[i]) }
  }

  @Test func batchesCoverAllRows() throws {
    let program = try Doubled(batch: 8).program
    #expect(program.batches(of: 20) == [0..<8, 8..<16, 16..<20])
    #expect(program.batches(of: 0).isEmpty)
  }

  /// The rest of a batch holds copies of the last row, which are as harmless as that row.
  @Test func paddingRepeatsTheLastRow() throws {
    let doubled = try Doubled(batch: 8)
    let rows = BatchedProgram.Rows.values(doubled.x, (0..<30).map { Float($0) })
    try doubled.program.fill(rows, 8..<10)
    try doubled.program.fill(.seeds(doubled.keys, (0..<10).map { UInt64($0) }), 8..<10)
    doubled.program.program.run(at: 0)
    let all = try doubled.program.values(doubled.y, rows: 8)
    #expect(Array(all[0..<3]) != Array(all[3..<6]))
    for row in 2..<8 { #expect(Array(all[3 * row..<3 * row + 3]) == Array(all[3..<6])) }
    #expect(try doubled.program.values(doubled.y, rows: 2) == Array(all.prefix(6)))
  }

  @Test func inputsAreWholeRowsAndAsManyEach() throws {
    let doubled = try Doubled(batch: 8)
    #expect(throws: TensorError("4 numbers are not whole rows of 3")) {
      try doubled([1, 2, 3, 4], [1])
    }
    #expect(
      throws: TensorError("the inputs of program doubled have [1, 2] rows; expected as many each")
    ) { try doubled([1, 2, 3], [1, 2]) }
  }
}
