import CKernels

/// One operation of a cluster's kernel, on values known by the position of their instruction.
struct TileOperation {
  var function: fk_function
  var result: Int
  var operands: [Int]
}

/// What a cluster computes, in order, with common combinations as single operations.
struct TileProgram {
  var operations: [TileOperation]
  /// In the cluster's order.
  var reductions: [TileReduction]
}

/// A reduction of a value known by the position of its instruction.
struct TileReduction {
  var kind: fk_reduction_kind
  var source: Int
}

extension Listing {
  func lowered(_ cluster: Cluster) -> TileProgram {
    let stores = Set(cluster.stores)
    var operations: [TileOperation] = []
    for member in cluster.members {
      if isView(member) {
        // Its register is read in place; to store it is to copy it.
        if stores.contains(member) {
          operations.append(.init(function: FK_COPY, result: member, operands: [member]))
        }
      } else if cluster.gate != nil, stores.contains(member) {
        // The gate is not 0, or nothing runs.
        operations.append(
          .init(function: FK_COPY, result: member, operands: [home(instructions[member].inputs[1])])
        )
      } else {
        operations.append(
          .init(
            function: instructions[member].operation.function, result: member,
            operands: instructions[member].inputs.map { home($0) }))
      }
    }
    let reductions = cluster.reductions.map { reduction in
      let isSum = if case .sum = instructions[reduction].operation { true } else { false }
      return TileReduction(
        kind: isSum ? FK_SUM : FK_MAX, source: home(instructions[reduction].inputs[0]))
    }
    var lowering = Lowering(
      listing: self, operations: operations, reductions: reductions, stores: stores)
    if cluster.gate != nil {
      for store in cluster.stores {
        lowering.computeInPlace(store, of: home(instructions[store].inputs[2]))
      }
    }
    lowering.sumSquares(except: Set(cluster.loads + cluster.views))
    lowering.combine { $0.siluGradient($1) }
    lowering.combine { $0.silu($1) }
    lowering.combine { $0.multiplyAdd($1) }
    return TileProgram(operations: lowering.operations, reductions: lowering.reductions)
  }
}

private struct Lowering {
  let listing: Listing
  var operations: [TileOperation]
  var reductions: [TileReduction]
  let stores: Set<Int>
  var maker: [Int: Int] = [:]
  var uses: [Int: Int] = [:]

  init(
    listing: Listing, operations: [TileOperation], reductions: [TileReduction], stores: Set<Int>
  ) {
    self.listing = listing
    self.operations = operations
    self.reductions = reductions
    self.stores = stores
  }

  /// Values that are stored or reduced.
  var wanted: Set<Int> { stores.union(reductions.map(\.source)) }

  /// Sums squares as they are read, but not of `arrays` that a store may take the place of.
  mutating func sumSquares(except arrays: Set<Int>) {
    for (r, reduction) in reductions.enumerated() where reduction.kind == FK_SUM {
      guard let square = operations.first(where: { $0.result == reduction.source }),
        square.function == FK_MULTIPLY, square.operands[0] == square.operands[1],
        stores.isEmpty || !arrays.contains(square.operands[0])
      else { continue }
      reductions[r] = TileReduction(kind: FK_SUM_OF_SQUARES, source: square.operands[0])
    }
  }

  /// Computes what `store` is a copy of where it is stored, unless `old`, which is there, is read after that.
  mutating func computeInPlace(_ store: Int, of old: Int) {
    guard let at = operations.firstIndex(where: { $0.result == store }),
      let value = operations[at].operands.first, !wanted.contains(value),
      let made = operations.firstIndex(where: { $0.result == value }),
      !operations[(made + 1)...].contains(where: { $0.operands.contains(old) })
    else { return }
    operations.remove(at: at)
    for i in made..<operations.count {
      if operations[i].result == value { operations[i].result = store }
      operations[i].operands = operations[i].operands.map { $0 == value ? store : $0 }
    }
  }

  /// Replaces what `rule` has something better for, and drops what nobody uses any more.
  mutating func combine(_ rule: (Lowering, TileOperation) -> TileOperation?) {
    maker = [:]
    uses = [:]
    for (i, operation) in operations.enumerated() {
      maker[operation.result] = i
      for operand in operation.operands { uses[operand, default: 0] += 1 }
    }
    operations = operations.map { rule(self, $0) ?? $0 }
    var needed = wanted
    operations = Array(
      operations.reversed().filter { operation in
        guard needed.contains(operation.result) else { return false }
        needed.formUnion(operation.operands)
        return true
      }.reversed())
  }

  private func operands(_ value: Int, _ function: fk_function) -> [Int]? {
    guard let i = maker[value], operations[i].function == function else { return nil }
    return operations[i].operands
  }

  /// The two orders of the operands of a commutative function.
  private func pairs(_ value: Int, _ function: fk_function) -> [(Int, Int)] {
    guard let x = operands(value, function) else { return [] }
    return [(x[0], x[1]), (x[1], x[0])]
  }

  private func isOne(_ value: Int) -> Bool {
    var position = value
    while listing.instructions[position].operation == .broadcast
      || listing.instructions[position].operation == .reshape
    {
      position = listing.instructions[position].inputs[0]
    }
    return listing.instructions[position].operation == .constant(1)
  }

  /// g s + (g x) (s (1 - s)), where s = sigmoid(x): what differentiation makes of x sigmoid(x).
  func siluGradient(_ sum: TileOperation) -> TileOperation? {
    guard sum.function == FK_ADD else { return nil }
    for (left, right) in [(0, 1), (1, 0)] {
      for (g, s) in pairs(sum.operands[left], FK_MULTIPLY) {
        guard let x = operands(s, FK_SIGMOID)?[0] else { continue }
        for (gx, slope) in pairs(sum.operands[right], FK_MULTIPLY) {
          guard pairs(gx, FK_MULTIPLY).contains(where: { $0 == (g, x) }),
            pairs(slope, FK_MULTIPLY).contains(where: { a, b in
              guard a == s, let rest = operands(b, FK_SUBTRACT) else { return false }
              return isOne(rest[0]) && rest[1] == s
            })
          else { continue }
          return .init(function: FK_SILU_GRADIENT, result: sum.result, operands: [g, x])
        }
      }
    }
    return nil
  }

  /// x sigmoid(x).
  func silu(_ product: TileOperation) -> TileOperation? {
    guard product.function == FK_MULTIPLY else { return nil }
    for (x, s) in [(0, 1), (1, 0)].map({ (product.operands[$0], product.operands[$1]) })
    where operands(s, FK_SIGMOID) == [x] && uses[s] == 1 && !wanted.contains(s) {
      return .init(function: FK_SILU, result: product.result, operands: [x])
    }
    return nil
  }

  /// A product that is used once, plus or minus something.
  func multiplyAdd(_ sum: TileOperation) -> TileOperation? {
    guard sum.function == FK_ADD || sum.function == FK_SUBTRACT else { return nil }
    for (at, other) in [(0, 1), (1, 0)] {
      let product = sum.operands[at]
      guard let factors = operands(product, FK_MULTIPLY), uses[product] == 1,
        !wanted.contains(product)
      else { continue }
      let function =
        sum.function == FK_ADD
        ? FK_MULTIPLY_ADD : at == 0 ? FK_MULTIPLY_SUBTRACT : FK_SUBTRACT_PRODUCT
      return .init(
        function: function, result: sum.result, operands: factors + [sum.operands[other]])
    }
    return nil
  }
}
