import Datasets
import Testing

@Suite struct BatchesTests {
  @Test(arguments: [1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097, 50_000])
  func everyEpochVisitsEveryRowOnce(count: Int) {
    for seed: UInt64 in [0, 1, .max] {
      for epoch in [0, 1, 1000] {
        let rows = Batches.rows(step: epoch, batch: count, count: count, seed: seed)
        #expect(rows.sorted() == Array(0..<count), "seed \(seed), epoch \(epoch)")
      }
    }
  }

  @Test func epochsAndSeedsDiffer() {
    func epoch(_ index: Int, _ seed: UInt64) -> [Int] {
      Batches.rows(step: index, batch: 1000, count: 1000, seed: seed)
    }
    let orders = [
      epoch(0, 0), epoch(1, 0), epoch(2, 0), epoch(0, 1), epoch(1, 1), epoch(0, 1 << 40),
    ]
    for (i, first) in orders.enumerated() {
      for second in orders[..<i] {
        // Two independent permutations agree in one position on average.
        let agreements = zip(first, second).count { $0 == $1 }
        #expect(agreements < 10)
      }
    }
  }

  @Test func batchesContinueOneSequence() {
    let (count, batch) = (50, 16)
    let all = (0..<4).flatMap { Batches.rows(step: $0, batch: count, count: count, seed: 3) }
    let pieces = (0..<12).flatMap { Batches.rows(step: $0, batch: batch, count: count, seed: 3) }
    #expect(pieces == Array(all[..<192]))
    // A batch larger than the data set passes through whole epochs.
    #expect(Batches.rows(step: 0, batch: 200, count: count, seed: 3) == all)
  }

  /// Each row is at each position equally often over epochs: chi-squared with (6 - 1)^2 degrees of
  /// freedom.
  @Test func positionsAreUniform() {
    let (count, epochs) = (6, 6000)
    var table = [Int](repeating: 0, count: count * count)
    for epoch in 0..<epochs {
      for (place, row) in Batches.rows(step: epoch, batch: count, count: count, seed: 9)
        .enumerated()
      {
        table[place * count + row] += 1
      }
    }
    let expected = Double(epochs) / Double(count)
    let statistic =
      table.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) } / expected
    // 25 degrees of freedom: 99.99 % of samples are below 63.
    #expect(statistic < 63)
  }

  /// The order determines the results of runs: these rows may change only for a good reason.
  @Test func theOrderIsPinned() {
    #expect(
      Batches.rows(step: 0, batch: 6, count: 50_000, seed: 0) == [
        31799, 44814, 20755, 41190, 5470, 21823,
      ])
  }
}
