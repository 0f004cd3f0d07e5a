import CKernels
import Foundation
import TestSupport
import Testing

/// A cluster whose memory lives as long as it does, and what it should compute.
private final class Case {
  var sizes: [Int] = []
  var (outer, reduced, inner) = (1, 1, 1)
  var registers: [fk_register] = []
  var operations: [fk_operation] = []
  var reductions: [(kind: fk_reduction_kind, source: Int)] = []
  var tile = 1024
  var pieces = 1
  var splits = false
  var gate: Floats?

  /// The exact values of each register that has some.
  var exact: [Int: [Double]] = [:]
  /// The values that each register writes to memory.
  var stored: [Int: any Memory] = [:]
  private var memory: [any Memory] = []
  private var slots: Int32 = 0

  var count: Int { sizes.reduce(1, *) }

  func newSlot() -> Int32 {
    slots += 1
    return slots - 1
  }

  /// A new register over new memory.
  private func add(
    _ home: fk_home, _ type: fk_type, _ base: any Memory, _ strides: [Int] = []
  ) -> Int {
    memory.append(base)
    let needsSlot = home == FK_STRIDED || type == FK_BF16
    registers.append(
      plainRegister(home, type, slot: needsSlot ? newSlot() : -1, base.address, six(strides)))
    return registers.count - 1
  }

  func strided(_ values: [Float], _ strides: [Int], type: fk_type = FK_FP32) -> Int {
    let base = array(values, type), held = base.values
    let register = add(FK_STRIDED, type, base, strides)
    exact[register] = (0..<count).map { Double(held[offset(index($0, sizes), strides)]) }
    return register
  }

  func dense(_ values: [Float], type: fk_type = FK_FP32) -> Int {
    let base = array(values, type)
    let register = add(FK_DENSE, type, base)
    exact[register] = base.values.map(Double.init)
    return register
  }

  /// Rows of `width` from one array, the rest of each row from another.
  func joined(_ values: [Float], width: Int, of row: Int, type: fk_type = FK_FP32) -> Int {
    let rows = stride(from: 0, to: values.count, by: row).map { values[$0..<$0 + row] }
    let first = array(rows.flatMap { $0.prefix(width) }, type)
    let second = array(rows.flatMap { $0.dropFirst(width) }, type)
    let register = add(FK_JOINED, type, first)
    memory.append(second)
    registers[register].slot = newSlot()
    registers[register].second = UnsafeRawPointer(second.address)
    registers[register].width = Int64(width)
    registers[register].second_width = Int64(row - width)
    exact[register] = array(values, type).values.map(Double.init)
    return register
  }

  func scalar(_ value: Float) -> Int {
    let register = add(FK_SCALAR, FK_FP32, Floats([value]))
    exact[register] = [Double](repeating: Double(value), count: count)
    return register
  }

  func scratch(slot: Int32? = nil) -> Int {
    registers.append(plainRegister(FK_SCRATCH, FK_FP32, slot: slot ?? newSlot(), nil, six([])))
    return registers.count - 1
  }

  func output(type: fk_type = FK_FP32) -> Int {
    let base = array([Float](repeating: .nan, count: count), type)
    let register = add(FK_DENSE, type, base)
    stored[register] = base
    return register
  }

  func apply(_ function: fk_function, _ out: Int, _ a: Int, _ b: Int = 0, _ c: Int = 0) {
    operations.append(
      fk_operation(
        function: Int32(function.rawValue), out: Int32(out), a: Int32(a), b: Int32(b), c: Int32(c)))
    let (x, y, z) = (exact[a] ?? [], exact[b] ?? [], exact[c] ?? [])
    exact[out] = x.indices.map { i in
      switch function {
      case FK_ADD: x[i] + y[i]
      case FK_SUBTRACT: x[i] - y[i]
      case FK_MULTIPLY: x[i] * y[i]
      case FK_DIVIDE: x[i] / y[i]
      case FK_MAXIMUM: x[i] < y[i] ? y[i] : x[i]
      case FK_SELECT: x[i] != 0 ? y[i] : z[i]
      case FK_MULTIPLY_ADD: x[i] * y[i] + z[i]
      case FK_MULTIPLY_SUBTRACT: x[i] * y[i] - z[i]
      case FK_SUBTRACT_PRODUCT: z[i] - x[i] * y[i]
      case FK_TANH: tanh(x[i])
      case FK_COPY: x[i]
      default: fatalError("not in these tests")
      }
    }
  }

  /// Runs it, pieces in reverse; returns the results of the reductions.
  func run(pieces: Int? = nil) -> [[Float]] {
    let pieces = pieces ?? self.pieces
    return withCluster(pieces: pieces) { cluster, results in
      for piece in (0..<pieces).reversed() {
        fk_run_cluster(&cluster, Int32(piece), Int32(piece % 2))
      }
      if splits { fk_run_combine(&cluster, 0, 0) }
      return results.map(\.values)
    }
  }

  /// Runs it as a chain of one phase.
  func runChain(blocks: Int, pieces: Int) -> [[Float]] {
    withCluster(pieces: 1) { cluster, results in
      runPhases([cluster], blocks: blocks, pieces: pieces, localBytes: 0)
      return results.map(\.values)
    }
  }

  /// Hands the cluster to `body`, with the memory of its reductions' results.
  func withCluster<R>(
    pieces: Int, scratch: Floats? = nil, _ body: (inout fk_cluster, [Floats]) -> R
  ) -> R {
    let results = reductions.map { _ in Floats(count: outer * inner) }
    let partials = reductions.map { _ in Floats(count: pieces * outer * inner) }
    let scratch = scratch ?? Floats(count: 2 * Int(slots) * Int(FK_TILE))
    let arguments = reductions.indices.map {
      fk_reduction(
        kind: reductions[$0].kind, source: Int32(reductions[$0].source),
        is_local: 0, offset: 0, block_count: 0, result: results[$0].pointer,
        partials: splits ? partials[$0].pointer : nil)
    }
    return withExtendedLifetime((scratch, partials)) {
      // A register or operation too many: an array may not be empty.
      withUnsafe(registers + [fk_register()], operations + [fk_operation()], arguments) {
        var cluster = fk_cluster(
          rank: Int32(sizes.count), sizes: six(sizes), outer: Int64(outer),
          reduced: Int64(reduced),
          inner: Int64(inner), tile: Int64(tile), pieces: Int32(pieces),
          splits_reduced: splits ? 1 : 0,
          register_count: Int32(registers.count),
          operation_count: Int32(operations.count),
          reduction_count: Int32(arguments.count), registers: $0, operations: $1,
          reductions: $2,
          gate: gate.map { UnsafePointer($0.pointer) }, scratch: scratch.pointer,
          scratch_slots: slots)
        return body(&cluster, results)
      }
    }
  }

  /// The first disagreement with the exact values.
  func disagreement(_ results: [[Float]]) -> String? {
    for (register, memory) in stored {
      let (exact, values) = (exact[register] ?? [], memory.values)
      // Half a unit in the last place of eight bits.
      let rounding = memory is Halves ? 0x1p-8 : 0
      for i in exact.indices
      where
        !(abs(Double(values[i]) - exact[i])
        <= 2e-5 * max(1, abs(exact[i])) + rounding * abs(exact[i]))
      {
        return "register \(register)[\(i)] = \(values[i]) rather than \(exact[i])"
      }
    }
    for (r, reduction) in reductions.enumerated() {
      let isSquared = reduction.kind == FK_SUM_OF_SQUARES
      let exact = (exact[reduction.source] ?? []).map { isSquared ? $0 * $0 : $0 }
      for o in 0..<outer {
        for i in 0..<inner {
          let terms = (0..<reduced).map { exact[(o * reduced + $0) * inner + i] }
          let sum = reduction.kind != FK_MAX
          let wanted = sum ? terms.reduce(0, +) : terms.reduce(-.infinity, max)
          let allowed =
            sum ? terms.reduce(0) { $0 + 2e-5 * max(1, abs($1)) } : 2e-5 * max(1, abs(wanted))
          let value = results[r][o * inner + i]
          if !(abs(Double(value) - wanted) <= allowed) {
            return "reduction \(r) at [\(o), \(i)] = \(value) rather than \(wanted)"
          }
        }
      }
    }
    return nil
  }

  var description: String {
    let strides = registers.filter { $0.home == FK_STRIDED }.map { "\($0.strides)" }
    return
      "sizes \(sizes) as [\(outer), \(reduced), \(inner)], tile \(tile), pieces \(pieces), splits \(splits), "
      + "strides \(strides), \(operations.count) operations"
  }
}

private func randomCase(_ seed: Int) -> Case {
  var random = SplitMix64(seed: seed)
  let test = Case()
  let rank = random.int(1...4)
  let largest = [5000, 70, 20, 9][rank - 1]
  test.sizes = (0..<rank).map { _ in
    random.int(0...4) == 0 ? random.int(1...4) : random.int(1...largest)
  }
  let values = { (random: inout SplitMix64, count: Int) in
    (0..<count).map { _ in random.int(0...5) == 0 ? 0 : random.float(-2...2) }
  }

  // Strides: those of a dense array of some of the axes, in some order, the others repeated.
  let type = { (random: inout SplitMix64) in random.int(0...2) == 0 ? FK_BF16 : FK_FP32 }
  var readable = [
    test.dense(values(&random, test.count), type: type(&random)), test.scalar(random.float(-2...2)),
  ]
  if random.int(0...3) == 0 {
    let row = test.sizes[random.int(0...rank - 1)...].reduce(1, *)
    if row > 1 {
      readable.append(
        test.joined(
          values(&random, test.count), width: random.int(1...row - 1), of: row, type: type(&random))
      )
    }
  }
  for _ in 0..<random.int(0...4) {
    var strides = [Int](repeating: 0, count: rank)
    var extent = 1
    var axes = Array((0..<rank).reversed())
    if random.int(0...2) == 0 { axes.shuffle(using: &random) }
    for d in axes where random.int(0...1) == 0 {
      strides[d] = extent
      extent *= test.sizes[d] + (random.int(0...9) == 0 ? 3 : 0)
    }
    readable.append(test.strided(values(&random, extent), strides, type: type(&random)))
  }
  for _ in 0..<random.int(1...7) {
    var operands = (0..<3).compactMap { _ in readable.randomElement(using: &random) }
    let functions = [FK_ADD, FK_SUBTRACT, FK_MULTIPLY, FK_MAXIMUM, FK_TANH, FK_COPY]
    var function = functions.randomElement(using: &random) ?? FK_COPY
    // A condition must be exact.
    let condition = readable.filter {
      $0 <= 5 && test.registers[$0].home != FK_SCRATCH && test.stored[$0] == nil
    }
    if random.int(0...4) == 0, let first = condition.randomElement(using: &random) {
      function = FK_SELECT
      operands[0] = first
    }
    let used = function == FK_SELECT ? 3 : function == FK_TANH || function == FK_COPY ? 1 : 2
    // Not all operands may be scalars. The first readable may be no condition.
    if operands[..<used].allSatisfy({ test.registers[$0].home == FK_SCALAR }) && function != FK_COPY
    {
      operands[0] = readable[0]
    }
    if function == FK_SELECT && !condition.contains(operands[0]) { function = FK_MAXIMUM }
    let out: Int
    if random.int(0...2) == 0 {
      out = test.output(type: type(&random))
    } else if let dying = operands[..<used].first(where: { test.registers[$0].slot >= 0 }),
      random.int(0...2) == 0
    {
      // In the place of an operand, which is not read again.
      out = test.scratch(slot: test.registers[dying].slot)
      readable.removeAll { test.registers[$0].slot == test.registers[dying].slot }
    } else {
      out = test.scratch()
    }
    test.apply(function, out, operands[0], operands[1], operands[2])
    readable.append(out)
  }

  if random.int(0...3) == 0 {
    (test.outer, test.reduced, test.inner) = (test.count, 1, 1)
    if test.stored.isEmpty { test.apply(FK_COPY, test.output(), readable[readable.count - 1]) }
  } else {
    let cuts = [random.int(0...rank), random.int(0...rank)].sorted()
    test.outer = test.sizes[..<cuts[0]].reduce(1, *)
    test.reduced = test.sizes[cuts[0]..<cuts[1]].reduce(1, *)
    test.inner = test.sizes[cuts[1]...].reduce(1, *)
    for _ in 0..<random.int(1...3) {
      guard
        let source = readable.filter({ test.registers[$0].home != FK_SCALAR }).randomElement(
          using: &random)
      else { continue }
      let kinds = [FK_SUM, FK_SUM_OF_SQUARES, FK_MAX]
      test.reductions.append((kinds.randomElement(using: &random) ?? FK_SUM, source))
    }
    test.splits = random.int(0...2) == 0
  }
  test.pieces = random.int(1...6)
  test.tile =
    [1024, 512, 96, random.int(1...1024), random.int(1...64)].randomElement(using: &random) ?? 1024
  return test
}

@Suite(.serialized) struct ClusterTests {
  /// Forty seeds each, so that a failure names few.
  @Test(arguments: 0..<50) func randomClusters(_ group: Int) {
    for seed in group * 40..<(group + 1) * 40 {
      let test = randomCase(seed)
      let results = test.run()
      let disagreement = test.disagreement(results)
      #expect(disagreement == nil, "seed \(seed): \(test.description)")
      if disagreement != nil { return }
    }
  }

  /// Unless the reduced axis itself is split, the number of pieces changes nothing, bit for bit.
  @Test(arguments: 0..<10) func piecesDoNotMatter(_ group: Int) {
    for seed in 10_000 + group * 20..<10_000 + (group + 1) * 20 {
      let test = randomCase(seed)
      test.splits = false
      let one = test.run(pieces: 1)
      let stored = test.stored.mapValues(\.values)
      for pieces in [2, 3, 7] {
        let several = test.run(pieces: pieces)
        let same =
          zip(one, several).allSatisfy(identical)
          && test.stored.allSatisfy { identical($0.value.values, stored[$0.key] ?? []) }
        #expect(same, "seed \(seed), \(pieces) pieces: \(test.description)")
        if !same { return }
      }
    }
  }

  /// Nor does running in blocks.
  @Test(arguments: 0..<10) func chainsOfOnePhase(_ group: Int) {
    for seed in 20_000 + group * 20..<20_000 + (group + 1) * 20 {
      let test = randomCase(seed)
      test.splits = false
      let one = test.run(pieces: 1)
      let stored = test.stored.mapValues(\.values)
      let divisors = (1...7).filter { test.outer % $0 == 0 } + [test.outer]
      for blocks in divisors {
        let results = test.runChain(blocks: blocks, pieces: min(blocks, 3))
        let same =
          zip(one, results).allSatisfy(identical)
          && test.stored.allSatisfy { identical($0.value.values, stored[$0.key] ?? []) }
        #expect(same, "seed \(seed), \(blocks) blocks: \(test.description)")
        if !same { return }
      }
    }
  }

  /// A group norm: sums over pixels, a few numbers for each channel, and the map.
  ///
  /// The numbers between the phases are in local memory, scratch slots are shared or not. The bytes are those of one
  /// cluster after the other, in memory.
  @Test(arguments: [(6, 50, 8), (4, 784, 32), (3, 7, 96), (1, 200, 5)], [false, true])
  func chainOfPhases(_ shape: (images: Int, pixels: Int, channels: Int), apart: Bool) {
    let (n, p, c) = shape
    var random = SplitMix64(seed: n)
    let x = (0..<n * p * c).map { _ in random.float(-2...2) }
    let gains = (0..<c).map { _ in random.float(-2...2) }
    let sums = Floats(count: n * c), squares = Floats(count: n * c)
    let scales = Floats(count: n * c), shifts = Floats(count: n * c)

    let statistics = Case()
    (statistics.sizes, statistics.outer) = ([n, p, c], n)
    (statistics.reduced, statistics.inner) = (p, c)
    let read = statistics.dense(x, type: FK_BF16), square = statistics.scratch()
    statistics.apply(FK_MULTIPLY, square, read, read)
    statistics.reductions = [(FK_SUM, read), (FK_SUM, square)]

    let middle = Case()
    (middle.sizes, middle.outer) = ([n, c], n * c)
    let sum = middle.dense(sums.values), total = middle.dense(squares.values)
    let gain = middle.strided(gains, [0, 1])
    let scale = middle.output(), shift = middle.output()
    middle.apply(FK_TANH, scale, total)
    middle.apply(FK_MULTIPLY, scale, scale, gain)
    middle.apply(FK_MULTIPLY, shift, sum, scale)

    let map = Case()
    (map.sizes, map.outer, map.tile) = ([n, p, c], n * p * c, 1024 / c * c)
    let input = map.dense(x, type: FK_BF16)
    let a = map.strided(scales.values, [c, 0, 1]), b = map.strided(shifts.values, [c, 0, 1])
    let y = map.scratch(), out = map.output(), rounded = map.output(type: FK_BF16)
    map.apply(FK_MULTIPLY, y, input, a)
    map.apply(FK_ADD, out, y, b)
    map.apply(FK_COPY, rounded, out)
    guard let outMemory = map.stored[out], let roundedMemory = map.stored[rounded] else { return }
    if apart {
      // No two phases share a slot: expansions may be kept.
      for i in middle.registers.indices { middle.registers[i].slot += 10 }
      for i in map.registers.indices { map.registers[i].slot += 20 }
    }

    // In memory, one after the other.
    middle.registers[sum].base = UnsafeMutableRawPointer(sums.pointer)
    middle.registers[total].base = UnsafeMutableRawPointer(squares.pointer)
    middle.registers[scale].base = UnsafeMutableRawPointer(scales.pointer)
    middle.registers[shift].base = UnsafeMutableRawPointer(shifts.pointer)
    map.registers[a].base = UnsafeMutableRawPointer(scales.pointer)
    map.registers[b].base = UnsafeMutableRawPointer(shifts.pointer)
    let scratch = Floats(count: 2 * 40 * Int(FK_TILE))
    func withPhases(_ body: ([fk_cluster], [fk_reduction]) -> Void) {
      statistics.withCluster(pieces: 1, scratch: scratch) { first, results in
        middle.withCluster(pieces: 1, scratch: scratch) { second, _ in
          map.withCluster(pieces: 1, scratch: scratch) { third, _ in
            var reductions = UnsafeBufferPointer(start: first.reductions, count: 2).map { $0 }
            reductions[0].result = sums.pointer
            reductions[1].result = squares.pointer
            var phases = [first, second, third]
            for i in phases.indices { phases[i].scratch_slots = 40 }
            body(phases, reductions)
          }
        }
      }
    }
    func with(_ reductions: [fk_reduction], _ body: (UnsafePointer<fk_reduction>?) -> Void) {
      reductions.withUnsafeBufferPointer { body($0.baseAddress) }
    }
    withPhases { phases, reductions in
      with(reductions) { reductions in
        for var phase in phases {
          if phase.reduction_count > 0 { phase.reductions = reductions }
          fk_run_cluster(&phase, 0, 0)
        }
      }
    }
    let plain = (outMemory.values, roundedMemory.values)
    // Against the exact sums.
    for image in 0..<n {
      for channel in 0..<c {
        let exact = (0..<p).reduce(0.0) {
          $0 + (statistics.exact[read]?[(image * p + $1) * c + channel] ?? .nan)
        }
        #expect(abs(Double(sums[image * c + channel]) - exact) < 2e-5 * Double(p))
      }
    }

    // A chain keeps sums, squares, scales and shifts of a block one after the other in local memory.
    for blocks in 1...n where n % blocks == 0 {
      let count = n / blocks * c, bytes = (count * 4 + 63) / 64 * 64
      func place(_ register: inout fk_register, _ position: Int) {
        (register.is_local, register.base) = (1, nil)
        (register.offset, register.block_count) = (Int64(position * bytes), Int64(count))
      }
      for (position, register) in [sum, total, scale, shift].enumerated() {
        place(&middle.registers[register], position)
      }
      place(&map.registers[a], 2)
      place(&map.registers[b], 3)
      for pieces in [1, 2, 3] {
        for i in 0..<outMemory.count {
          outMemory.clear(i)
          roundedMemory.clear(i)
        }
        withPhases { phases, reductions in
          var (reductions, phases) = (reductions, phases)
          for i in 0..<2 {
            (reductions[i].is_local, reductions[i].block_count) = (1, Int64(count))
            reductions[i].offset = Int64(i * bytes)
          }
          with(reductions) {
            phases[0].reductions = $0
            runPhases(phases, blocks: blocks, pieces: pieces, localBytes: 4 * bytes)
          }
        }
        #expect(
          identical(outMemory.values, plain.0) && identical(roundedMemory.values, plain.1),
          "\(blocks) blocks, \(pieces) pieces")
      }
    }
  }

  /// Ties go to even, what is beyond the largest bf16 to infinity, and NaN stays NaN whatever its bits.
  @Test func roundsToBF16() {
    let table: [(UInt32, UInt16)] = [
      (0x3f80_0000, 0x3f80), (0x3f80_8000, 0x3f80), (0x3f80_8001, 0x3f81), (0x3f81_8000, 0x3f82),
      (0x3f81_7fff, 0x3f81), (0xbf81_8000, 0xbf82), (0x0000_0000, 0), (0x8000_0000, 0x8000),
      (0x7f7f_ffff, 0x7f80), (0x7f7f_7fff, 0x7f7f), (0x7f80_0000, 0x7f80), (0xff80_0000, 0xff80),
      (0x0080_0000, 0x0080), (0x3fff_ffff, 0x4000),
    ]
    for copies in [1, 67] {
      for (bits, half) in table {
        let test = Case()
        test.sizes = [copies]
        test.outer = copies
        let x = test.dense([Float](repeating: Float(bitPattern: bits), count: copies))
        let out = test.output(type: FK_BF16)
        test.apply(FK_COPY, out, x)
        _ = test.run()
        let stored = (test.stored[out] as? Halves)?.bits ?? []
        #expect(stored.allSatisfy { $0 == half }, "\(String(bits, radix: 16))")
      }
      for bits: UInt32 in [0x7fc0_0000, 0xffc0_0000, 0x7fff_ffff, 0x7f80_0001, 0xffff_ffff] {
        let test = Case()
        test.sizes = [copies]
        test.outer = copies
        let x = test.dense([Float](repeating: Float(bitPattern: bits), count: copies))
        let out = test.output(type: FK_BF16)
        test.apply(FK_COPY, out, x)
        _ = test.run()
        #expect(test.stored[out]?.values.allSatisfy { $0.isNaN } ?? false)
      }
    }
    // Every bf16 passes through fp32 as it is; NaN becomes quiet, and subnormals may become 0.
    let all = Halves(bits: (0...UInt16.max).map { $0 })
    let test = Case()
    test.sizes = [1 << 16]
    test.outer = 1 << 16
    let x = test.dense(all.values, type: FK_BF16), out = test.output(type: FK_BF16)
    test.apply(FK_COPY, out, x)
    _ = test.run()
    for (from, to) in zip(all.bits, (test.stored[out] as? Halves)?.bits ?? []) {
      let magnitude = from & 0x7fff
      let same = from == to || magnitude < 0x80 && to & 0x7fff == 0
      #expect(magnitude > 0x7f80 ? to & 0x7fff > 0x7f80 : same, "\(from) became \(to)")
    }
  }

  /// Statistics, gains and biases as group norm reads them; tiles that are and are not multiples of the period.
  @Test(arguments: [1024, 1000, 36, 35, 7], [1, 4]) func groupNorm(_ tile: Int, pieces: Int) {
    var random = SplitMix64(seed: tile)
    let test = Case()
    test.sizes = [3, 50, 6, 6]
    let x = test.dense((0..<test.count).map { _ in random.float(-2...2) })
    let mean = test.strided((0..<18).map { _ in random.float(-1...1) }, [6, 0, 1, 0])
    let scale = test.strided((0..<18).map { _ in random.float(0...2) }, [6, 0, 1, 0])
    let gain = test.strided((0..<36).map { _ in random.float(0...2) }, [0, 0, 6, 1])
    let bias = test.strided((0..<36).map { _ in random.float(-1...1) }, [0, 0, 6, 1])
    let (y, out) = (test.scratch(), test.output())
    test.apply(FK_SUBTRACT, y, x, mean)
    test.apply(FK_MULTIPLY, y, y, scale)
    test.apply(FK_MULTIPLY, y, y, gain)
    test.apply(FK_ADD, out, y, bias)
    (test.outer, test.tile, test.pieces) = (test.count, tile, pieces)
    #expect(test.disagreement(test.run()) == nil)
  }

  /// Every path: rows shorter and longer than the lanes, columns, tiles of blocks, of rows and of parts of rows.
  @Test(
    arguments: [1, 2, 3, 4, 5, 8, 15, 16, 31, 49, 64, 65, 130, 784, 1023, 1025, 3000],
    [1, 2, 3, 4, 7, 16, 21, 64, 85, 1025])
  func reductionShapes(_ reduced: Int, inner: Int) {
    guard reduced * inner <= 70_000 else { return }
    var random = SplitMix64(seed: reduced * 10_000 + inner)
    let test = Case()
    test.sizes = [reduced * inner > 3000 ? 2 : 37, reduced, inner]
    (test.outer, test.reduced, test.inner) = (test.sizes[0], reduced, inner)
    let x = test.dense((0..<test.count).map { _ in random.float(-2...2) })
    test.apply(FK_COPY, test.output(), x)
    test.reductions = [(FK_SUM, x), (FK_SUM_OF_SQUARES, x), (FK_MAX, x)]
    for (pieces, splits) in [(1, false), (5, false), (1, true), (4, true), (7, true)] {
      (test.pieces, test.splits) = (pieces, splits)
      let disagreement = test.disagreement(test.run())
      #expect(disagreement == nil, "\(pieces) pieces, splits \(splits)")
    }
  }

  @Test(arguments: [3, 17, 70, 200, 1100], [1, 5, 80]) func maximumPropagatesNaN(
    _ reduced: Int, inner: Int
  ) {
    for position in [0, reduced / 2, reduced - 1] {
      let test = Case()
      test.sizes = [2, reduced, inner]
      (test.outer, test.reduced, test.inner) = (2, reduced, inner)
      var values = [Float](repeating: -1, count: test.count)
      values[position * inner + inner - 1] = .nan
      let x = test.dense(values)
      test.apply(FK_COPY, test.output(), x)
      test.reductions = [(FK_MAX, x)]
      let result = test.run()[0]
      for (i, value) in result.enumerated() {
        #expect(
          i == inner - 1 ? value.isNaN : value == -1, "position \(position), element \(i): \(value)"
        )
      }
    }
  }

  /// Float sums one after the other would be off by 1e-3 here.
  @Test func longSumsAreAccurate() {
    let test = Case()
    test.sizes = [1 << 21]
    (test.outer, test.reduced, test.inner) = (1, 1 << 21, 1)
    let x = test.dense([Float](repeating: 0.1, count: 1 << 21))
    test.apply(FK_COPY, test.output(), x)
    test.reductions = [(FK_SUM, x)]
    let exact = Double(Float(0.1)) * Double(1 << 21)
    for pieces in [1, 4] {
      (test.splits, test.pieces) = (pieces > 1, pieces)
      #expect(abs(Double(test.run()[0][0]) - exact) < 1e-5 * exact)
    }
  }

  @Test(arguments: [1, 4], [0, -0.0, 1, .nan] as [Float]) func aGateOfZeroIsClosed(
    pieces: Int, gate: Float
  ) {
    let test = Case()
    test.sizes = [5000]
    test.outer = 5000
    test.pieces = pieces
    let x = test.dense((0..<5000).map { Float($0) })
    test.apply(FK_ADD, test.output(), x, x)
    let number = Floats([gate])
    test.gate = number
    let isOpen = test.disagreement(test.run()) == nil
    #expect(isOpen == (gate != 0))
    let isUntouched = test.stored.values.allSatisfy { $0.values.allSatisfy { $0.isNaN } }
    #expect(isUntouched == (gate == 0))
  }

  /// Pairs of any bits, and pairs near each other, whose quotients come closest to a rounding boundary.
  @Test(arguments: 0..<4) func divisionByANumberIsExact(_ seed: Int) {
    var random = SplitMix64(seed: seed)
    func float(isNear: Bool) -> Float {
      let bits = UInt32(truncatingIfNeeded: random.next())
      return Float(bitPattern: isNear ? 0x3f00_0000 | bits & 0x1ff_ffff : bits)
    }
    let special: [Float] = [
      0, -0.0, 1, -3, 0.999, .infinity, .nan, .leastNormalMagnitude, .greatestFiniteMagnitude,
    ]
    let divisors = special + (0..<200).map { float(isNear: $0 % 2 == 0) }
    for (i, divisor) in divisors.enumerated() where !divisor.isSubnormal {
      let test = Case()
      test.sizes = [4000]
      test.outer = 4000
      let values = (special + (0..<4000).map { _ in float(isNear: i % 2 == 1) }).prefix(4000)
        .map { $0.isSubnormal ? 0 : $0 }
      let out = test.output()
      test.apply(FK_DIVIDE, out, test.dense(values), test.scalar(divisor))
      _ = test.run()
      let quotients = test.stored[out]?.values ?? []
      let wrong = values.indices.first {
        let exact = values[$0] / divisor
        // Where workers flush to zero, one in the last place is allowed here.
        if exact.isSubnormal || exact.magnitude == .leastNormalMagnitude {
          return !(abs(quotients[$0] - exact) <= .leastNonzeroMagnitude)
        }
        return exact.isNaN ? !quotients[$0].isNaN : exact.bitPattern != quotients[$0].bitPattern
      }
      if let wrong {
        Issue.record("seed \(seed): \(values[wrong]) / \(divisor) = \(quotients[wrong])")
      }
    }
  }

  @Test func scalarOperandsOfEveryKind() {
    let functions = [FK_ADD, FK_SUBTRACT, FK_MULTIPLY, FK_MAXIMUM]
    for function in functions {
      for order in 0..<2 {
        let test = Case()
        test.sizes = [333]
        test.outer = 333
        let x = test.dense((0..<333).map { Float($0) - 100 }), s = test.scalar(3)
        test.apply(function, test.output(), order == 0 ? x : s, order == 0 ? s : x)
        #expect(test.disagreement(test.run()) == nil, "\(function), order \(order)")
      }
    }
    for function in [FK_SELECT, FK_MULTIPLY_ADD, FK_MULTIPLY_SUBTRACT, FK_SUBTRACT_PRODUCT] {
      for mask in 0..<7 {
        for condition: Float in [0, 1] {
          let test = Case()
          test.sizes = [333]
          test.outer = 333
          let operands = (0..<3).map { i -> Int in
            if mask >> i & 1 == 1 { return test.scalar(i == 0 ? condition : Float(i)) }
            return test.dense((0..<333).map { (j: Int) -> Float in Float(j * (i + 7) % 3) })
          }
          test.apply(function, test.output(), operands[0], operands[1], operands[2])
          let disagreement = test.disagreement(test.run())
          #expect(disagreement == nil, "\(function), scalars \(mask), condition \(condition)")
        }
      }
    }
    let test = Case()
    test.sizes = [333]
    test.outer = 333
    test.apply(FK_COPY, test.output(), test.scalar(3))
    #expect(test.disagreement(test.run()) == nil)
  }
}

/// A register of memory that all workers share.
private func plainRegister(
  _ home: fk_home, _ type: fk_type, slot: Int32, _ base: UnsafeMutableRawPointer?, _ strides: Six
) -> fk_register {
  fk_register(
    home: home, type: type, slot: slot, is_local: 0, base: base, strides: strides, second: nil,
    width: 0, second_width: 0, offset: 0, block_count: 0)
}

private func array(_ values: [Float], _ type: fk_type) -> any Memory {
  type == FK_BF16 ? Halves(values) : Floats(values)
}

private func withUnsafe<A, B, C, R>(
  _ a: [A], _ b: [B], _ c: [C],
  _ body: (UnsafePointer<A>, UnsafePointer<B>, UnsafePointer<C>?) -> R
) -> R {
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      c.withUnsafeBufferPointer { c in
        guard let a = a.baseAddress, let b = b.baseAddress else { fatalError("empty") }
        return body(a, b, c.baseAddress)
      }
    }
  }
}

/// Runs phases as a chain, the pieces in reverse and by two workers.
private func runPhases(_ phases: [fk_cluster], blocks: Int, pieces: Int, localBytes: Int) {
  let local = Floats(count: 2 * localBytes / 4)
  phases.withUnsafeBufferPointer { phases in
    guard let address = phases.baseAddress else { return }
    local.pointer.withMemoryRebound(to: CChar.self, capacity: 2 * localBytes) { memory in
      var chain = fk_chain(
        phase_count: Int32(phases.count), phases: address, blocks: Int64(blocks),
        pieces: Int32(pieces), local: memory, local_bytes: Int64(localBytes))
      for piece in (0..<pieces).reversed() {
        fk_run_chain(&chain, Int32(piece), Int32(piece % 2))
      }
    }
  }
  withExtendedLifetime(local) {}
}
