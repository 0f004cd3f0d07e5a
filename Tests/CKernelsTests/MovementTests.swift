import CKernels
import TestSupport
import Testing

/// Runs `body` for each piece, last first.
private func pieces<T>(
  _ arguments: inout T, _ count: Int, _ body: (UnsafeRawPointer, Int32, Int32) -> Void
) {
  withUnsafePointer(to: &arguments) { arguments in
    for piece in (0..<count).reversed() { body(arguments, Int32(piece), 0) }
  }
}

@Suite(.serialized) struct MovementTests {
  @Test(arguments: 0..<30) func randomCopies(_ group: Int) {
    for seed in group * 20..<(group + 1) * 20 {
      var random = SplitMix64(seed: seed)
      let rank = random.int(0...4)
      let sizes = (0..<rank).map { _ in random.int(1...[1, 300, 70, 20, 9][rank]) }
      // The strides of arrays that hold the axes in some order, with room between (slices, paddings) or, on the side
      // that is read, without some of the axes (broadcasts).
      let strides = { (random: inout SplitMix64, drops: Bool) in
        var strides = [Int](repeating: 0, count: rank)
        var extent = 1
        var axes = Array((0..<rank).reversed())
        if random.int(0...1) == 0 { axes.shuffle(using: &random) }
        if random.int(0...5) == 0 { extent = 2 }
        for d in axes where !(drops && random.int(0...3) == 0) {
          strides[d] = extent
          extent *= sizes[d] + (random.int(0...3) == 0 ? 2 : 0)
        }
        return (strides, extent + 1)
      }
      let (from, read) = strides(&random, true), (to, written) = strides(&random, false)
      let narrow = random.int(0...1) == 0
      let numbers = (0..<read).map { _ in random.float(-1...1) }
      let sevens = [Float](repeating: 7, count: written)
      let source: any Memory = narrow ? Halves(numbers) : Floats(numbers)
      let target: any Memory = narrow ? Halves(sevens) : Floats(sevens)
      let start = random.int(0...1)
      var expected = target.values
      let given = source.values
      for flat in 0..<sizes.reduce(1, *) {
        let i = index(flat, sizes)
        expected[start + offset(i, to)] = given[offset(i, from)]
      }
      let count = random.int(1...4)
      var copy = fk_copy(
        type: narrow ? FK_BF16 : FK_FP32, rank: Int32(rank), sizes: six(sizes),
        from_strides: six(from), to_strides: six(to), from: source.address,
        to: target.address + start * (narrow ? 2 : 4), pieces: Int32(count))
      pieces(&copy, count, fk_run_copy)
      let same = identical(target.values, expected)
      #expect(same, "seed \(seed): sizes \(sizes), from \(from), to \(to), \(count) pieces")
      withExtendedLifetime(source) {}
      if !same { return }
    }
  }

  @Test(arguments: [1, 3, 8]) func fills(_ count: Int) {
    let target = Floats(count: 101)
    var fill = fk_fill(
      type: FK_FP32, to: target.pointer, count: 100, value: 2.5, pieces: Int32(count))
    pieces(&fill, count, fk_run_fill)
    #expect(target.values[..<100].allSatisfy { $0 == 2.5 } && target[100].isNaN)
    let halves = Halves([Float](repeating: 7, count: 101))
    fill = fk_fill(
      type: FK_BF16, to: halves.pointer, count: 100, value: 2.5, pieces: Int32(count))
    pieces(&fill, count, fk_run_fill)
    #expect(halves.values[..<100].allSatisfy { $0 == 2.5 } && halves.values[100] == 7)
  }

  private static let rows: [Float] = [
    0, 6, 3, 3, -1, 7, .nan, .infinity, -.infinity, 1, 1e30, 6, -0.5, -0.0, 2.5, 6.999_999,
    0.999_999_9,
    -.leastNonzeroMagnitude, .leastNonzeroMagnitude,
  ]

  /// True for an integer of 0 ..< 7.
  private static func isRow(_ row: Float) -> Bool { (0..<7).contains { Float($0) == row } }

  @Test(arguments: [1, 2, 17, 100], [1, 5]) func gathers(_ width: Int, count: Int) {
    let table = Floats((0..<7 * width).map { Float($0) + 0.5 })
    let bytes = (0..<7 * width).map { UInt8(truncatingIfNeeded: $0 * 37) }
    let rows = Floats(Self.rows)
    let to = Floats([Float](repeating: 9, count: Self.rows.count * width))
    let toBytes = Floats([Float](repeating: 9, count: Self.rows.count * width))
    var gather = fk_gather(
      table: table.pointer, rows: rows.pointer, to: to.pointer, table_rows: 7,
      row_count: Int64(Self.rows.count),
      width: Int64(width), pieces: Int32(count))
    pieces(&gather, count, fk_run_gather)
    bytes.withUnsafeBufferPointer { bytes in
      guard let address = bytes.baseAddress else { return }
      var gather = fk_gather_bytes(
        table: address, rows: rows.pointer, to: toBytes.pointer, table_rows: 7,
        row_count: Int64(Self.rows.count),
        width: Int64(width), pieces: Int32(count))
      pieces(&gather, count, fk_run_gather_bytes)
    }
    for (i, row) in Self.rows.enumerated() {
      let inside = Self.isRow(row)
      for j in 0..<width {
        let (value, byte) = (to[i * width + j], toBytes[i * width + j])
        #expect(inside ? value == table[Int(row) * width + j] : value.isNaN)
        #expect(inside ? byte == Float(bytes[Int(row) * width + j]) : byte.isNaN)
      }
    }
    withExtendedLifetime((table, rows)) {}
  }

  @Test(arguments: [1, 2, 17, 100], [1, 3, 9]) func scatters(_ width: Int, count: Int) {
    var random = SplitMix64(seed: width)
    let values = Floats((0..<Self.rows.count * width).map { _ in random.float(-1...1) })
    let rows = Floats(Self.rows), table = Floats(count: 7 * width)
    var expected = [Float](repeating: 0, count: 7 * width)
    for (i, row) in Self.rows.enumerated() where Self.isRow(row) {
      for j in 0..<width { expected[Int(row) * width + j] += values[i * width + j] }
    }
    var scatter = fk_scatter(
      values: values.pointer, rows: rows.pointer, table: table.pointer, table_rows: 7,
      row_count: Int64(Self.rows.count), width: Int64(width), pieces: Int32(count))
    pieces(&scatter, count, fk_run_scatter)
    #expect(identical(table.values, expected))
    let kept = Floats([Float](repeating: 8, count: 7 * width))
    var replaced = kept.values
    for (i, row) in Self.rows.enumerated() where Self.isRow(row) {
      for j in 0..<width { replaced[Int(row) * width + j] = values[i * width + j] }
    }
    scatter.table = kept.pointer
    fk_run_put_rows(&scatter, 0, 0)
    #expect(identical(kept.values, replaced))
    withExtendedLifetime((values, rows)) {}
  }
}
