// Sums of products, seen as terms with factors: what `simplify` moves from whole arrays to the
// smaller ones that they repeat.

extension Simplifier {
  /// A product: of arrays that are kept whole, and of those that repeat smaller ones.
  private struct Term {
    var isNegative: Bool
    /// Sorted, so that equal products are found to be equal.
    var kept: [Int]
    var repeated: [Int]
  }

  private func shape(_ position: Int) -> [Int] { result.instructions[position].shape }

  // MARK: Repeated operands

  /// Whether this is one number, or repeats an array of at most half as many.
  func isRepeated(_ position: Int) -> Bool {
    if constants[position] != nil { return true }
    let instruction = result.instructions[position]
    guard instruction.operation == .broadcast else { return false }
    return 2 * shape(instruction.inputs[0]).product <= instruction.count
  }

  /// An elementwise function of arrays that all repeat smaller ones: applied to those.
  mutating func repeated(_ new: Listing.Instruction) -> Int? {
    guard new.inputs.allSatisfy(isRepeated), joins(new.inputs, in: new) else { return nil }
    return repeating(small(new.operation, new.inputs, new), new)
  }

  /// Whether what these repeat fits in an array of at most half the elements of `whole`.
  private func joins(_ positions: [Int], in whole: Listing.Instruction) -> Bool {
    var joint = [Int](repeating: 1, count: whole.shape.count)
    for position in positions where constants[position] == nil {
      let source = shape(result.instructions[position].inputs[0])
      for axis in joint.indices where source[axis] != 1 { joint[axis] = source[axis] }
    }
    return 2 * joint.product <= whole.count
  }

  /// An operation on small arrays, or on what arrays of the shape of `whole` repeat.
  private mutating func small(
    _ operation: Primitive, _ positions: [Int], _ whole: Listing.Instruction
  ) -> Int {
    var like = whole
    like.shape = [Int](repeating: 1, count: whole.shape.count)
    var sources: [Int] = []
    for position in positions {
      if let value = constants[position] {
        sources.append(constant(value, like))
      } else if shape(position) == whole.shape {
        sources.append(result.instructions[position].inputs[0])
      } else {
        sources.append(position)
      }
    }
    for source in sources.map(shape) {
      for axis in source.indices where source[axis] != 1 { like.shape[axis] = source[axis] }
    }
    return add(with(like, operation, sources.map { broadcast($0, like) }))
  }

  private mutating func repeating(_ position: Int, _ whole: Listing.Instruction) -> Int {
    constants[position].map { constant($0, whole) } ?? broadcast(position, whole)
  }

  // MARK: Terms collected

  /// The sum of `operands`, with fewer operations on whole arrays; nil if there is no such way.
  ///
  /// x u + x v becomes x (u + v) where u and v repeat smaller arrays. With m the mean of x, (x - m) p
  /// + q becomes x p + (q - m p): the gradient of a normalization is then one product of the
  /// cotangent, one of x and one small array.
  ///
  /// Neither loses accuracy. The first has the error of its terms, whose sum may cancel as it did. The
  /// second has an error of |x p| in units of the last place where x - m may be much smaller than x,
  /// so it is for means alone: x and its mean are themselves rounded to Float, which leaves the same
  /// error in (x - m) p whichever way it is computed, and the statistics in p are those of centered
  /// numbers. (x - m) - s in a softmax, whose m is exact, stays as it is.
  mutating func collected(
    _ new: Listing.Instruction, _ operands: [(position: Int, isNegative: Bool)]
  ) -> Int? {
    var saved: Set<Int> = []
    var terms: [Term] = []
    for (position, isNegative) in self.terms(operands, &saved) {
      terms.append(term(position, isNegative, &saved) { isRepeated($0) })
    }
    let expands = expandDeviations(&terms, &saved)

    var groups: [[Term]] = []
    for term in terms {
      // Arrays that are repeated are added to each other only where one of them is new.
      let match = groups.firstIndex {
        $0[0].kept == term.kept && (expands || !term.kept.isEmpty)
      }
      if let match { groups[match].append(term) } else { groups.append([term]) }
    }
    guard expands || groups.count < terms.count,
      groups.allSatisfy({ joins($0.flatMap(\.repeated), in: new) })
    else { return nil }
    // The additions of the groups, and the multiplications in each.
    var cost = groups.count - 1
    for group in groups where !group[0].kept.isEmpty {
      let isPlain = group.count == 1 && group[0].repeated.isEmpty
      cost += group[0].kept.count - (isPlain ? 1 : 0)
    }
    guard cost < saved.count + 1 else { return nil }

    return sum(groups, new)
  }

  /// The sum of groups of terms that keep the same arrays.
  private mutating func sum(_ groups: [[Term]], _ new: Listing.Instruction) -> Int? {
    // What is repeated first, so that every product is added to what there is: multiply-adds.
    let order =
      groups.filter(\.[0].kept.isEmpty) + groups.filter { !$0[0].kept.isEmpty }.reversed()
    var total: (position: Int, isNegative: Bool)?
    for group in order {
      let part = (position: product(group, new), isNegative: group[0].isNegative)
      guard let sum = total else {
        total = part
        continue
      }
      let function: Binary = part.isNegative == sum.isNegative ? .add : .subtract
      let (first, second) = part.isNegative && !sum.isNegative ? (sum, part) : (part, sum)
      total = (
        add(with(new, .binary(function), [first.position, second.position])), first.isNegative
      )
    }
    return total.map { $0.isNegative ? unary(.negate, $0.position, new) : $0.position }
  }

  /// The product of `sum` and `factor`, where the terms of the sum share a small factor r, and
  /// `factor` r is known: the sum without r, times that.
  ///
  /// The gradient of a softmax p = e r, (g r - (Σ g p) r) e, is then (g - Σ g p) p, which needs
  /// neither e nor what it was the exponential of.
  mutating func normalized(_ sum: Int, _ factor: Int, _ new: Listing.Instruction) -> Int? {
    guard case .binary(let function) = result.instructions[sum].operation,
      function == .add || function == .subtract, !isRepeated(factor)
    else { return nil }
    var visited: Set<Int> = []
    var terms: [Term] = []
    for (position, isNegative) in self.terms([(sum, false)], &visited) {
      var term = term(position, isNegative, &visited) { isRepeated($0) && constants[$0] == nil }
      // The factors of what is repeated, in place of it.
      term.repeated = term.repeated.flatMap {
        factors(result.instructions[$0].inputs[0], &term.isNegative, &visited)
      }
      terms.append(term)
    }
    for r in terms[0].repeated where terms.allSatisfy({ $0.repeated.contains(r) }) {
      guard terms.contains(where: { !$0.kept.isEmpty && $0.repeated == [r] }),
        let repeated = position(of: .broadcast, [r], new.shape),
        let known = position(of: .binary(.multiply), [factor, repeated], new.shape)
          ?? position(of: .binary(.multiply), [repeated, factor], new.shape)
      else { continue }
      let rest = terms.map { term -> [Term] in
        var term = term
        if let i = term.repeated.firstIndex(of: r) { term.repeated.remove(at: i) }
        return [term]
      }
      return self.sum(rest, new).map { add(with(new, .binary(.multiply), [$0, known])) }
    }
    return nil
  }

  /// Replaces products of x minus its mean by two terms, where that leaves fewer operations: beside
  /// a term that is repeated, or one of x; says whether it did.
  private func expandDeviations(_ terms: inout [Term], _ saved: inout Set<Int>) -> Bool {
    let others = terms
    var expands = false
    terms = []
    for term in others {
      guard !term.repeated.isEmpty, term.kept.count == 1, let d = deviation(term.kept[0]),
        others.contains(where: { $0.kept.isEmpty || $0.kept == [d.x] })
      else {
        terms.append(term)
        continue
      }
      expands = true
      saved.insert(term.kept[0])
      terms.append(Term(isNegative: term.isNegative, kept: [d.x], repeated: term.repeated))
      terms.append(
        Term(isNegative: !term.isNegative, kept: [], repeated: term.repeated + [d.mean]))
    }
    return expands
  }

  /// For x minus its mean over some axes: x, the repeated mean and those axes.
  private func deviation(_ position: Int) -> (x: Int, mean: Int, axes: Set<Int>)? {
    let difference = result.instructions[position]
    guard difference.operation == .binary(.subtract) else { return nil }
    let (x, mean) = (difference.inputs[0], difference.inputs[1])
    guard result.instructions[mean].operation == .broadcast else { return nil }
    var (factor, isNegative, visited) = (1.0, false, Set<Int>())
    var sum: Int?
    for part in factors(result.instructions[mean].inputs[0], &isNegative, &visited) {
      if let number = constants[part] {
        factor *= number
      } else if sum == nil {
        sum = part
      } else {
        return nil
      }
    }
    guard var source = sum, !isNegative else { return nil }
    let count = Double(difference.count / shape(source).product)
    var axes: Set<Int> = []
    while source != x, case .sum(let more) = result.instructions[source].operation {
      axes.formUnion(more.filter { difference.shape[$0] > 1 })
      source = result.instructions[source].inputs[0]
    }
    guard source == x, abs(factor * count - 1) < 1e-12 else { return nil }
    return (x, mean, axes)
  }

  /// The sum of terms that keep the same arrays, but for the sign of the first.
  private mutating func product(_ group: [Term], _ whole: Listing.Instruction) -> Int {
    let kept = product(group[0].kept, whole)
    if group.count == 1, group[0].repeated.isEmpty, let kept { return kept }
    var coefficient: Int?
    for term in group {
      var part = term.repeated.first ?? constant(1, whole)
      for factor in term.repeated.dropFirst() {
        part = small(.binary(.multiply), [part, factor], whole)
      }
      let function: Binary = term.isNegative == group[0].isNegative ? .add : .subtract
      coefficient = coefficient.map { small(.binary(function), [$0, part], whole) } ?? part
    }
    let repeated = repeating(coefficient ?? constant(1, whole), whole)
    return kept.map { add(with(whole, .binary(.multiply), [$0, repeated])) } ?? repeated
  }

  private mutating func product(_ factors: [Int], _ whole: Listing.Instruction) -> Int? {
    guard let first = factors.first else { return nil }
    return factors.dropFirst().reduce(first) { add(with(whole, .binary(.multiply), [$0, $1])) }
  }

  // MARK: Sums

  /// A sum of terms that each have a factor which the summed axes repeat: that factor, times the
  /// sum of the rest.
  ///
  /// The gradients of a normalization thus need two sums over the data, of g and of g x. What x is
  /// off its mean by sums to zero.
  mutating func hoisted(_ new: Listing.Instruction, _ axes: [Int]) -> Int? {
    let whole = result.instructions[new.inputs[0]]
    if let d = deviation(new.inputs[0]), d.axes.isSubset(of: axes) {
      return constant(0, new)
    }
    var visited: Set<Int> = []
    var terms: [Term] = []
    for (position, isNegative) in self.terms([(new.inputs[0], false)], &visited) {
      let term = term(position, isNegative, &visited) { repeats($0, axes) }
      guard !term.kept.isEmpty, !term.repeated.isEmpty else { return nil }
      terms.append(term)
    }
    var total: Int?
    for term in terms {
      guard let product = product(term.kept, whole) else { return nil }
      var sum = add(with(new, new.operation, [product]))
      if constants[sum] == 0 { continue }
      for factor in term.repeated {
        let value =
          constants[factor].map { constant($0, new) }
          ?? broadcast(result.instructions[factor].inputs[0], new)
        sum = add(with(new, .binary(.multiply), [sum, value]))
      }
      if term.isNegative { sum = unary(.negate, sum, new) }
      total = total.map { add(with(new, .binary(.add), [$0, sum])) } ?? sum
    }
    return total ?? constant(0, new)
  }

  private func repeats(_ position: Int, _ axes: [Int]) -> Bool {
    if constants[position] != nil { return true }
    let instruction = result.instructions[position]
    guard instruction.operation == .broadcast else { return false }
    let source = shape(instruction.inputs[0])
    return axes.allSatisfy { source[$0] == 1 }
  }

  // MARK: Taking apart

  /// At most four; what is taken apart joins `visited`, what is stored anyway is not.
  private func terms(_ sum: [(position: Int, isNegative: Bool)], _ visited: inout Set<Int>)
    -> [(position: Int, isNegative: Bool)]
  {
    var found: [(position: Int, isNegative: Bool)] = []
    var pending = Array(sum.reversed())
    while let next = pending.popLast() {
      let instruction = result.instructions[next.position]
      switch instruction.operation {
      case _ where stored.contains(next.position): found.append(next)
      case .unary(.negate):
        visited.insert(next.position)
        pending.append((instruction.inputs[0], !next.isNegative))
      case .binary(let function)
      where (function == .add || function == .subtract) && found.count + pending.count < 4:
        visited.insert(next.position)
        pending.append((instruction.inputs[1], next.isNegative != (function == .subtract)))
        pending.append((instruction.inputs[0], next.isNegative))
      default: found.append(next)
      }
    }
    return found
  }

  private func term(
    _ position: Int, _ isNegative: Bool, _ visited: inout Set<Int>, isRepeated: (Int) -> Bool
  ) -> Term {
    var term = Term(isNegative: isNegative, kept: [], repeated: [])
    for factor in factors(position, &term.isNegative, &visited) {
      if isRepeated(factor) { term.repeated.append(factor) } else { term.kept.append(factor) }
    }
    term.kept.sort()
    return term
  }

  private func factors(_ position: Int, _ isNegative: inout Bool, _ visited: inout Set<Int>)
    -> [Int]
  {
    var found: [Int] = []
    var pending = [position]
    while let next = pending.popLast() {
      let instruction = result.instructions[next]
      switch instruction.operation {
      case _ where stored.contains(next): found.append(next)
      case .unary(.negate):
        visited.insert(next)
        isNegative.toggle()
        pending.append(instruction.inputs[0])
      case .binary(.multiply) where found.count + pending.count < 8:
        visited.insert(next)
        pending += instruction.inputs
      default: found.append(next)
      }
    }
    return found
  }
}
