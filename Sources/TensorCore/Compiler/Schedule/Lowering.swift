/// Gives every cluster its tile program.
func lower(_ schedule: Schedule) -> Schedule {
  var result = schedule
  for k in schedule.kernels.indices {
    guard case .clusters(var phases) = schedule.kernels[k].body else { continue }
    for c in phases.clusters.indices {
      phases.clusters[c].tiles = schedule.listing.lowered(phases.clusters[c])
    }
    result.kernels[k].body = .clusters(phases)
  }
  return result
}

extension Listing {
  fileprivate func lowered(_ cluster: Cluster) -> TileProgram {
    let stores = Set(cluster.stores)
    var program = TileProgram()
    for member in cluster.members {
      var (function, operands) = (self[member].operation.tileFunction, operands(member))
      if isView(member) {
        // Its register is read in place; to store it is to copy it.
        guard stores.contains(member) else { continue }
        (function, operands) = (.copy, [member])
      } else if cluster.gate != nil, stores.contains(member) {
        // The gate is not 0, or nothing runs.
        (function, operands) = (.copy, [operands[1]])
      }
      program.operations.append(
        .init(function: function ?? .copy, result: member, operands: operands))
    }
    program.reductions = cluster.reductions.map { reduction in
      let isSum = if case .sum = self[reduction].operation { true } else { false }
      return TileReduction(kind: isSum ? .sum : .maximum, source: operands(reduction)[0])
    }
    var lowering = Lowering(listing: self, program: program, stores: stores)
    if cluster.gate != nil {
      for store in cluster.stores { lowering.computeInPlace(store, of: operands(store)[2]) }
    }
    lowering.sumSquares(except: Set(cluster.loads + cluster.views))
    lowering.combine { $0.siluGradient($1) }
    lowering.combine { $0.silu($1) }
    lowering.combine { $0.multiplyAdd($1) }
    return lowering.program
  }
}

private struct Lowering {
  let listing: Listing
  var program: TileProgram
  let stores: Set<Buffer>
  private var maker: [Buffer: Int] = [:]
  private var uses: [Buffer: Int] = [:]

  init(listing: Listing, program: TileProgram, stores: Set<Buffer>) {
    (self.listing, self.program, self.stores) = (listing, program, stores)
  }

  /// Tiles that are stored or reduced.
  private var wanted: Set<Buffer> { stores.union(program.reductions.map(\.source)) }

  /// Sums squares as they are read, but not of `arrays` that a store may take the place of.
  mutating func sumSquares(except arrays: Set<Buffer>) {
    for (r, reduction) in program.reductions.enumerated() where reduction.kind == .sum {
      guard let square = program.operations.first(where: { $0.result == reduction.source }),
        square.function == .binary(.multiply), square.operands[0] == square.operands[1],
        stores.isEmpty || !arrays.contains(square.operands[0])
      else { continue }
      program.reductions[r] = TileReduction(kind: .sumOfSquares, source: square.operands[0])
    }
  }

  /// Computes the value that `store` copies where it is stored, unless `old`, which is there, is read after that.
  mutating func computeInPlace(_ store: Buffer, of old: Buffer) {
    guard let at = program.operations.firstIndex(where: { $0.result == store }),
      let value = program.operations[at].operands.first, !wanted.contains(value),
      let made = program.operations.firstIndex(where: { $0.result == value }),
      !program.operations[(made + 1)...].contains(where: { $0.operands.contains(old) })
    else { return }
    program.operations.remove(at: at)
    for i in made..<program.operations.count {
      if program.operations[i].result == value { program.operations[i].result = store }
      program.operations[i].operands = program.operations[i].operands.map {
        $0 == value ? store : $0
      }
    }
  }

  /// Replaces operations by those that `rule` gives, and drops what nothing uses any more.
  mutating func combine(_ rule: (Lowering, TileOperation) -> TileOperation?) {
    maker = [:]
    uses = [:]
    for (i, operation) in program.operations.enumerated() {
      maker[operation.result] = i
      for operand in operation.operands { uses[operand, default: 0] += 1 }
    }
    program.operations = program.operations.map { rule(self, $0) ?? $0 }
    var needed = wanted
    program.operations = Array(
      program.operations.reversed().filter { operation in
        guard needed.contains(operation.result) else { return false }
        needed.formUnion(operation.operands)
        return true
      }.reversed())
  }

  private func operands(_ tile: Buffer, _ function: TileFunction) -> [Buffer]? {
    guard let i = maker[tile], program.operations[i].function == function else { return nil }
    return program.operations[i].operands
  }

  /// The two orders of the operands of a product.
  private func factors(_ tile: Buffer) -> [(Buffer, Buffer)] {
    guard let x = operands(tile, .binary(.multiply)) else { return [] }
    return [(x[0], x[1]), (x[1], x[0])]
  }

  private func isOne(_ tile: Buffer) -> Bool {
    var buffer = tile
    while listing[buffer].operation == .broadcast { buffer = listing.operands(buffer)[0] }
    return listing[buffer].operation == .constant(1)
  }

  /// g s + (g x) (s (1 - s)), where s = sigmoid(x): the form that differentiation gives the gradient of x sigmoid(x).
  func siluGradient(_ sum: TileOperation) -> TileOperation? {
    guard sum.function == .binary(.add) else { return nil }
    for (left, right) in [(0, 1), (1, 0)] {
      for (g, s) in factors(sum.operands[left]) {
        guard let x = operands(s, .unary(.sigmoid))?[0] else { continue }
        for (gx, slope) in factors(sum.operands[right]) {
          guard factors(gx).contains(where: { $0 == (g, x) }),
            factors(slope).contains(where: { a, b in
              guard a == s, let rest = operands(b, .binary(.subtract)) else { return false }
              return isOne(rest[0]) && rest[1] == s
            })
          else { continue }
          return .init(function: .siluGradient, result: sum.result, operands: [g, x])
        }
      }
    }
    return nil
  }

  /// x sigmoid(x).
  func silu(_ product: TileOperation) -> TileOperation? {
    guard product.function == .binary(.multiply) else { return nil }
    for (x, s) in [(0, 1), (1, 0)].map({ (product.operands[$0], product.operands[$1]) })
    where operands(s, .unary(.sigmoid)) == [x] && uses[s] == 1 && !wanted.contains(s) {
      return .init(function: .silu, result: product.result, operands: [x])
    }
    return nil
  }

  /// A product that is used once, plus or minus something.
  func multiplyAdd(_ sum: TileOperation) -> TileOperation? {
    let isSum = sum.function == .binary(.add)
    guard isSum || sum.function == .binary(.subtract) else { return nil }
    for (at, other) in [(0, 1), (1, 0)] {
      let product = sum.operands[at]
      guard let factors = operands(product, .binary(.multiply)), uses[product] == 1,
        !wanted.contains(product)
      else { continue }
      let function: TileFunction =
        isSum ? .multiplyAdd : at == 0 ? .multiplySubtract : .subtractProduct
      return .init(
        function: function, result: sum.result, operands: factors + [sum.operands[other]])
    }
    return nil
  }
}
