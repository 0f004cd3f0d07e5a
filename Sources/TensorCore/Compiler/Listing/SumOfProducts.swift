/// A sum taken apart into terms, and each term into its factors, down to arrays that are no sums or products.
struct SumOfProducts {
  /// A product, with its sign.
  struct Term {
    var isNegative: Bool
    var factors: [Position]
  }

  /// At most four.
  var terms: [Term]
  /// The operations on whole arrays that the sum consists of.
  var operations: Set<Position>
}

/// A product of whole arrays and of arrays that repeat smaller ones.
struct SplitTerm {
  var isNegative: Bool
  /// Sorted, so that equal products are found to be equal.
  var kept: [Position]
  var repeated: [Position]

  init(isNegative: Bool, kept: [Position], repeated: [Position]) {
    (self.isNegative, self.kept, self.repeated) = (isNegative, kept, repeated)
  }

  init(_ term: SumOfProducts.Term, isRepeated: (Position) -> Bool) {
    isNegative = term.isNegative
    kept = term.factors.filter { !isRepeated($0) }.sorted()
    repeated = term.factors.filter(isRepeated)
  }
}

extension Simplifier {
  /// Takes the sum of `operands` apart, but nothing that is materialized anyway.
  func sumOfProducts(_ operands: [(position: Position, isNegative: Bool)]) -> SumOfProducts {
    var sum = SumOfProducts(terms: [], operations: [])
    var pending = Array(operands.reversed())
    while let next = pending.popLast() {
      let instruction = result[next.position]
      if let part = opened(.negate, next.position) {
        sum.operations.insert(next.position)
        pending.append((part, !next.isNegative))
      } else if sum.terms.count + pending.count < 4, !materialized.contains(next.position),
        case .binary(let function) = instruction.operation, [.add, .subtract].contains(function)
      {
        sum.operations.insert(next.position)
        pending.append((instruction.inputs[1], next.isNegative != (function == .subtract)))
        pending.append((instruction.inputs[0], next.isNegative))
      } else {
        sum.terms.append(.init(isNegative: next.isNegative, factors: [next.position]))
      }
    }
    for t in sum.terms.indices {
      let product = sum.terms[t].factors[0]
      sum.terms[t].factors = factors(product, &sum.terms[t].isNegative, &sum.operations)
    }
    return sum
  }

  /// The factors of a product, at most eight; negations among them change `isNegative`.
  func factors(
    _ product: Position, _ isNegative: inout Bool, _ operations: inout Set<Position>
  ) -> [Position] {
    var found: [Position] = []
    var pending = [product]
    while let next = pending.popLast() {
      if let part = opened(.negate, next) {
        operations.insert(next)
        isNegative.toggle()
        pending.append(part)
      } else if found.count + pending.count < 8, !materialized.contains(next),
        result[next].operation == .binary(.multiply)
      {
        operations.insert(next)
        pending += result[next].inputs
      } else {
        found.append(next)
      }
    }
    return found
  }

  /// The operand of a unary function that may be taken apart.
  private func opened(_ function: Unary, _ position: Position) -> Position? {
    guard !materialized.contains(position), result[position].operation == .unary(function) else {
      return nil
    }
    return result[position].inputs[0]
  }

  // MARK: Putting together

  /// The sum of groups of terms that keep the same arrays.
  mutating func sum(_ groups: [[SplitTerm]], _ new: Listing.Instruction) -> Position? {
    // Repeated terms first, so that every product is added to a sum: multiply-adds.
    let order =
      groups.filter(\.[0].kept.isEmpty) + groups.filter { !$0[0].kept.isEmpty }.reversed()
    var total: (position: Position, isNegative: Bool)?
    for group in order {
      let part = (position: multiplied(group, new), isNegative: group[0].isNegative)
      guard let sum = total else {
        total = part
        continue
      }
      let function: Binary = part.isNegative == sum.isNegative ? .add : .subtract
      let (first, second) = part.isNegative && !sum.isNegative ? (sum, part) : (part, sum)
      total = (binary(function, first.position, second.position, new), first.isNegative)
    }
    return total.map { $0.isNegative ? unary(.negate, $0.position, new) : $0.position }
  }

  /// The sum of terms that keep the same arrays, but for the sign of the first.
  private mutating func multiplied(_ group: [SplitTerm], _ whole: Listing.Instruction) -> Position {
    let kept = multiplied(group[0].kept, whole)
    if group.count == 1, group[0].repeated.isEmpty, let kept { return kept }
    var coefficient: Position?
    for term in group {
      var part = term.repeated.first ?? constant(1, whole)
      for factor in term.repeated.dropFirst() {
        part = small(.binary(.multiply), [part, factor], whole)
      }
      let function: Binary = term.isNegative == group[0].isNegative ? .add : .subtract
      coefficient = coefficient.map { small(.binary(function), [$0, part], whole) } ?? part
    }
    let repeated = repeating(coefficient ?? constant(1, whole), whole)
    return kept.map { binary(.multiply, $0, repeated, whole) } ?? repeated
  }

  mutating func multiplied(_ factors: [Position], _ whole: Listing.Instruction) -> Position? {
    guard let first = factors.first else { return nil }
    return factors.dropFirst().reduce(first) { binary(.multiply, $0, $1, whole) }
  }

  // MARK: Small arrays

  /// True if this is one number, or repeats an array of at most half as many elements.
  func isRepeated(_ position: Position) -> Bool {
    if constants[position] != nil { return true }
    let instruction = result[position]
    guard instruction.operation == .broadcast else { return false }
    return 2 * shape(instruction.inputs[0]).product <= instruction.count
  }

  /// True if the arrays that `positions` repeat broadcast to at most half the elements of `whole`.
  func fitTogether(_ positions: [Position], in whole: Listing.Instruction) -> Bool {
    var joint = [Int](repeating: 1, count: whole.shape.count)
    for position in positions where constants[position] == nil {
      let source = shape(result[position].inputs[0])
      for axis in joint.indices where source[axis] != 1 { joint[axis] = source[axis] }
    }
    return 2 * joint.product <= whole.count
  }

  /// An operation on small arrays, or on those that arrays of the shape of `whole` repeat.
  mutating func small(_ operation: Primitive, _ positions: [Position], _ whole: Listing.Instruction)
    -> Position
  {
    var like = whole
    like.shape = [Int](repeating: 1, count: whole.shape.count)
    var sources: [Position] = []
    for position in positions {
      if let value = constants[position] {
        sources.append(constant(value, like))
      } else {
        sources.append(shape(position) == whole.shape ? result[position].inputs[0] : position)
      }
    }
    for source in sources.map(shape) {
      for axis in source.indices where source[axis] != 1 { like.shape[axis] = source[axis] }
    }
    return add(with(like, operation, sources.map { broadcast($0, like) }))
  }

  mutating func repeating(_ position: Position, _ whole: Listing.Instruction) -> Position {
    constants[position].map { constant($0, whole) } ?? broadcast(position, whole)
  }
}
