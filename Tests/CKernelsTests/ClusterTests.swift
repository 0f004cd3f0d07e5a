import CKernels
import Foundation
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

  /// By register: the exact values, for those that have some.
  var exact: [Int: [Double]] = [:]
  /// By register: what it writes to memory.
  var stored: [Int: Floats] = [:]
  private var memory: [Floats] = []
  private var slots: Int32 = 0

  var count: Int { sizes.reduce(1, *) }

  func newSlot() -> Int32 {
    slots += 1
    return slots - 1
  }

  func strided(_ values: [Float], _ strides: [Int]) -> Int {
    let base = Floats(values)
    memory.append(base)
    registers.append(
      plainRegister(FK_STRIDED, slot: newSlot(), base.pointer, six(strides)))
    exact[registers.count - 1] = (0..<count).map {
      Double(values[offset(index($0, sizes), strides)])
    }
    return registers.count - 1
  }

  func dense(_ values: [Float]) -> Int {
    let base = Floats(values)
    memory.append(base)
    registers.append(plainRegister(FK_DENSE, slot: -1, base.pointer, six([])))
    exact[registers.count - 1] = values.map(Double.init)
    return registers.count - 1
  }

  func scalar(_ value: Float) -> Int {
    let base = Floats([value])
    memory.append(base)
    registers.append(plainRegister(FK_SCALAR, slot: -1, base.pointer, six([])))
    exact[registers.count - 1] = [Double](repeating: Double(value), count: count)
    return registers.count - 1
  }

  func scratch(slot: Int32? = nil) -> Int {
    registers.append(
      plainRegister(FK_SCRATCH, slot: slot ?? newSlot(), nil, six([])))
    return registers.count - 1
  }

  func output() -> Int {
    let base = Floats(count: count)
    registers.append(plainRegister(FK_DENSE, slot: -1, base.pointer, six([])))
    stored[registers.count - 1] = base
    return registers.count - 1
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
      case FK_MAXIMUM: x[i] < y[i] ? y[i] : x[i]
      case FK_SELECT: x[i] != 0 ? y[i] : z[i]
      case FK_TANH: tanh(x[i])
      case FK_COPY: x[i]
      default: fatalError("not in these tests")
      }
    }
  }

  /// Runs it, pieces in reverse; returns the results of the reductions.
  func run(pieces: Int? = nil) -> [[Float]] {
    let pieces = pieces ?? self.pieces
    let results = reductions.map { _ in Floats(count: outer * inner) }
    let partials = reductions.map { _ in Floats(count: pieces * outer * inner) }
    let scratch = Floats(count: 2 * Int(slots) * FK_TILE)
    let arguments = reductions.indices.map {
      fk_reduction(
        kind: reductions[$0].kind, source: Int32(reductions[$0].source),
        is_local: 0, offset: 0, block_count: 0, result: results[$0].pointer,
        partials: splits ? partials[$0].pointer : nil)
    }
    registers.withUnsafeBufferPointer { registers in
      operations.withUnsafeBufferPointer { operations in
        arguments.withUnsafeBufferPointer { arguments in
          guard let registers = registers.baseAddress, let operations = operations.baseAddress
          else { return }
          var cluster = fk_cluster(
            rank: Int32(sizes.count), sizes: six(sizes), outer: Int64(outer),
            reduced: Int64(reduced),
            inner: Int64(inner), tile: Int64(tile), pieces: Int32(pieces),
            splits_reduced: splits ? 1 : 0,
            register_count: Int32(self.registers.count),
            operation_count: Int32(self.operations.count),
            reduction_count: Int32(arguments.count), registers: registers, operations: operations,
            reductions: arguments.baseAddress, scratch: scratch.pointer, scratch_slots: slots)
          for piece in (0..<pieces).reversed() {
            fk_run_cluster(&cluster, Int32(piece), Int32(piece % 2))
          }
          if splits { fk_run_combine(&cluster, 0, 0) }
        }
      }
    }
    return withExtendedLifetime((scratch, partials)) { results.map(\.values) }
  }

  /// The first disagreement with the exact values.
  func disagreement(_ results: [[Float]]) -> String? {
    for (register, memory) in stored {
      let exact = exact[register] ?? []
      for i in exact.indices
      where !(abs(Double(memory[i]) - exact[i]) <= 2e-5 * max(1, abs(exact[i]))) {
        return "register \(register)[\(i)] = \(memory[i]) rather than \(exact[i])"
      }
    }
    for (r, reduction) in reductions.enumerated() {
      let exact = exact[reduction.source] ?? []
      for o in 0..<outer {
        for i in 0..<inner {
          let terms = (0..<reduced).map { exact[(o * reduced + $0) * inner + i] }
          let sum = reduction.kind == FK_SUM
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
  var random = Generator(seed: seed)
  let test = Case()
  let rank = random.int(1...4)
  let largest = [5000, 70, 20, 9][rank - 1]
  test.sizes = (0..<rank).map { _ in
    random.int(0...4) == 0 ? random.int(1...4) : random.int(1...largest)
  }
  let values = { (random: inout Generator, count: Int) in
    (0..<count).map { _ in random.int(0...5) == 0 ? 0 : random.float(-2...2) }
  }

  // Strides: those of a dense array of some of the axes, in some order, the others repeated.
  var readable = [test.dense(values(&random, test.count)), test.scalar(random.float(-2...2))]
  for _ in 0..<random.int(0...4) {
    var strides = [Int](repeating: 0, count: rank)
    var extent = 1
    var axes = Array((0..<rank).reversed())
    if random.int(0...2) == 0 { axes.shuffle(using: &random) }
    for d in axes where random.int(0...1) == 0 {
      strides[d] = extent
      extent *= test.sizes[d] + (random.int(0...9) == 0 ? 3 : 0)
    }
    readable.append(test.strided(values(&random, extent), strides))
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
      out = test.output()
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
      test.reductions.append((random.int(0...1) == 0 ? FK_SUM : FK_MAX, source))
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

  /// Statistics, gains and biases as group norm reads them; tiles that are and are not multiples of the period.
  @Test(arguments: [1024, 1000, 36, 35, 7], [1, 4]) func groupNorm(_ tile: Int, pieces: Int) {
    var random = Generator(seed: tile)
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
    var random = Generator(seed: reduced * 10_000 + inner)
    let test = Case()
    test.sizes = [reduced * inner > 3000 ? 2 : 37, reduced, inner]
    (test.outer, test.reduced, test.inner) = (test.sizes[0], reduced, inner)
    let x = test.dense((0..<test.count).map { _ in random.float(-2...2) })
    test.apply(FK_COPY, test.output(), x)
    test.reductions = [(FK_SUM, x), (FK_MAX, x)]
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
    for mask in 0..<7 {
      for condition: Float in [0, 1] {
        let test = Case()
        test.sizes = [333]
        test.outer = 333
        let operands = (0..<3).map { i -> Int in
          if mask >> i & 1 == 1 { return test.scalar(i == 0 ? condition : Float(i)) }
          return test.dense((0..<333).map { (j: Int) -> Float in Float(j * (i + 7) % 3) })
        }
        test.apply(FK_SELECT, test.output(), operands[0], operands[1], operands[2])
        #expect(
          test.disagreement(test.run()) == nil, "select, scalars \(mask), condition \(condition)")
      }
    }
    let test = Case()
    test.sizes = [333]
    test.outer = 333
    test.apply(FK_COPY, test.output(), test.scalar(3))
    #expect(test.disagreement(test.run()) == nil)
  }
}

/// A register of fp32 memory that all workers share.
private func plainRegister(
  _ home: fk_home, slot: Int32, _ base: UnsafeMutablePointer<Float>?,
  _ strides: (Int64, Int64, Int64, Int64, Int64, Int64)
) -> fk_register {
  fk_register(
    home: home, type: FK_FP32, slot: slot, is_local: 0, base: base, strides: strides, second: nil,
    width: 0, second_width: 0, offset: 0, block_count: 0)
}
