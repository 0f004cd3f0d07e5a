/// A rewriting of sums and products that leaves fewer operations on whole arrays, because some of their operands
/// repeat smaller arrays.
///
/// Rules are judged by one cost, `cost(_:)`. None loses accuracy: see each.
package enum AlgebraicRule: String, CaseIterable, Sendable {
  /// f(repeat u, repeat v) = repeat f(u, v).
  case computeBeforeRepeating = "f(repeat u, repeat v) = repeat f(u, v)"
  /// x u + x v = x (u + v).
  ///
  /// The error is that of the terms, whose sum may cancel as it did.
  case factorCommonTerm = "x u + x v = x (u + v)"
  /// (x - m) p + q = x p + (q - m p), where m is the mean of x.
  ///
  /// The gradient of a normalization is then one product of the cotangent, one of x and one small array. The
  /// error is of the order of |x p| in units of the last place, where x - m may be much smaller than x, so the
  /// rule is for means alone: x and its mean are themselves rounded to Float, which leaves the same error in
  /// (x - m) p whichever way it is computed, and the statistics in p are those of centered numbers. The
  /// (x - m) - s of a softmax, whose m is exact, stays as it is.
  case expandMean = "(x - mean x) p + q = x p + (q - (mean x) p)"
  /// Deviations from the mean sum to zero.
  case dropDeviations = "sum (x - mean x) = 0"
  /// Σ (u x + v y) = u Σ x + v Σ y, where u and v repeat along the summed axes.
  ///
  /// The gradients of a normalization thus need two sums over the data, of g and of g x.
  case hoistThroughSum = "sum (u x) = u sum x"
  /// (g r - s r) e = (g - s) p, where r is small and p = e r is known.
  ///
  /// The gradient of a softmax p needs neither e nor the numbers that e is the exponential of.
  case reuseSoftmax = "(g r - s r) e = (g - s) (e r)"
}

/// A use of a rule, for `figment plan --rules`.
package struct RuleUse: Sendable {
  package let rule: AlgebraicRule
  /// The layer that traced the instruction.
  package let path: String
}

extension Simplifier {
  private mutating func record(_ rule: AlgebraicRule, _ new: Listing.Instruction) {
    uses.append(RuleUse(rule: rule, path: new.path))
  }

  /// The number of operations on whole arrays that a sum of groups takes: additions of the groups, and
  /// multiplications in each.
  private func cost(_ groups: [[SplitTerm]]) -> Int {
    var cost = groups.count - 1
    for group in groups where !group[0].kept.isEmpty {
      let isPlain = group.count == 1 && group[0].repeated.isEmpty
      cost += group[0].kept.count - (isPlain ? 1 : 0)
    }
    return cost
  }

  /// An elementwise function of arrays that all repeat smaller ones, applied to those.
  mutating func computedBeforeRepeating(_ new: Listing.Instruction) -> Position? {
    guard new.inputs.allSatisfy(isRepeated), fitTogether(new.inputs, in: new) else { return nil }
    record(.computeBeforeRepeating, new)
    return repeating(small(new.operation, new.inputs, new), new)
  }

  // MARK: Sums

  /// The sum `new` of `operands` with common terms factored out, and products of deviations from a mean
  /// expanded where that helps; nil unless it takes fewer operations.
  mutating func factored(
    _ operands: [(position: Position, isNegative: Bool)], _ new: Listing.Instruction
  ) -> Position? {
    var sum = sumOfProducts(operands)
    var terms = sum.terms.map { SplitTerm($0, isRepeated: isRepeated) }
    let expands = expandDeviations(&terms, &sum.operations)

    var groups: [[SplitTerm]] = []
    for term in terms {
      // Arrays that are repeated are added to each other only where one of them is new.
      let match = groups.firstIndex {
        $0[0].kept == term.kept && (expands || !term.kept.isEmpty)
      }
      if let match { groups[match].append(term) } else { groups.append([term]) }
    }
    guard expands || groups.count < terms.count,
      groups.allSatisfy({ fitTogether($0.flatMap(\.repeated), in: new) }),
      cost(groups) < sum.operations.count + 1
    else { return nil }
    record(expands ? .expandMean : .factorCommonTerm, new)
    return self.sum(groups, new)
  }

  /// Replaces products of x minus its mean by two terms, where another term is repeated or a multiple of x; returns
  /// true if it did.
  private func expandDeviations(_ terms: inout [SplitTerm], _ operations: inout Set<Position>)
    -> Bool
  {
    let others = terms
    terms = []
    for term in others {
      guard !term.repeated.isEmpty, term.kept.count == 1, let d = deviation(term.kept[0]),
        others.contains(where: { $0.kept.isEmpty || $0.kept == [d.x] })
      else {
        terms.append(term)
        continue
      }
      operations.insert(term.kept[0])
      terms.append(SplitTerm(isNegative: term.isNegative, kept: [d.x], repeated: term.repeated))
      terms.append(
        SplitTerm(isNegative: !term.isNegative, kept: [], repeated: term.repeated + [d.mean]))
    }
    return terms.count > others.count
  }

  /// The parts of x minus its mean over some axes: x, the repeated mean and those axes.
  private func deviation(_ position: Position) -> (x: Position, mean: Position, axes: Set<Int>)? {
    let difference = result[position]
    guard difference.operation == .binary(.subtract) else { return nil }
    let (x, mean) = (difference.inputs[0], difference.inputs[1])
    guard result[mean].operation == .broadcast else { return nil }
    var (factor, isNegative, operations) = (1.0, false, Set<Position>())
    var sum: Position?
    for part in factors(result[mean].inputs[0], &isNegative, &operations) {
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
    while source != x, case .sum(let more) = result[source].operation {
      axes.formUnion(more.filter { difference.shape[$0] > 1 })
      source = result[source].inputs[0]
    }
    guard source == x, abs(factor * count - 1) < 1e-12 else { return nil }
    return (x, mean, axes)
  }

  // MARK: Products

  /// The product of `sum` and `factor`, where the terms of the sum share a small factor r and the product of
  /// `factor` and r is known: the sum without r, times that.
  mutating func softmaxReused(_ sum: Position, _ factor: Position, _ new: Listing.Instruction)
    -> Position?
  {
    guard case .binary(let function) = result[sum].operation,
      function == .add || function == .subtract, !isRepeated(factor)
    else { return nil }
    let parsed = sumOfProducts([(sum, false)])
    let terms = parsed.terms.map { term in
      var split = SplitTerm(term) { isRepeated($0) && constants[$0] == nil }
      // The factors of what is repeated, in place of it.
      var operations: Set<Position> = []
      split.repeated = split.repeated.flatMap {
        factors(result[$0].inputs[0], &split.isNegative, &operations)
      }
      return split
    }
    for r in terms[0].repeated where terms.allSatisfy({ $0.repeated.contains(r) }) {
      guard terms.contains(where: { !$0.kept.isEmpty && $0.repeated == [r] }),
        let repeated = position(of: .broadcast, [r], new.shape),
        let known = position(of: .binary(.multiply), [factor, repeated], new.shape)
          ?? position(of: .binary(.multiply), [repeated, factor], new.shape)
      else { continue }
      let rest = terms.map { term -> [SplitTerm] in
        var term = term
        if let i = term.repeated.firstIndex(of: r) { term.repeated.remove(at: i) }
        return [term]
      }
      guard cost(rest) + 1 < parsed.operations.count + 1 else { continue }
      record(.reuseSoftmax, new)
      return self.sum(rest, new).map { binary(.multiply, $0, known, new) }
    }
    return nil
  }

  // MARK: Reductions

  /// A sum of terms that each have a factor which repeats along the summed axes: that factor, times the sum of
  /// the rest.
  mutating func hoistedThroughSum(_ new: Listing.Instruction, _ axes: [Int]) -> Position? {
    let whole = result[new.inputs[0]]
    if let d = deviation(new.inputs[0]), d.axes.isSubset(of: axes) {
      record(.dropDeviations, new)
      return constant(0, new)
    }
    let parsed = sumOfProducts([(new.inputs[0], false)])
    let terms = parsed.terms.map { SplitTerm($0) { repeats($0, along: axes) } }
    guard terms.allSatisfy({ !$0.kept.isEmpty && !$0.repeated.isEmpty }) else { return nil }
    // Each product that is kept, once, and its reduction, against the operations so far and theirs.
    let products = Set(terms.map(\.kept))
    guard products.reduce(0, { $0 + $1.count }) < parsed.operations.count + 1 else { return nil }
    record(.hoistThroughSum, new)
    var total: Position?
    for term in terms {
      guard let product = multiplied(term.kept, whole) else { return nil }
      var sum = add(with(new, new.operation, [product]))
      if constants[sum] == 0 { continue }
      for factor in term.repeated {
        let value =
          constants[factor].map { constant($0, new) } ?? broadcast(result[factor].inputs[0], new)
        sum = binary(.multiply, sum, value, new)
      }
      if term.isNegative { sum = unary(.negate, sum, new) }
      total = total.map { binary(.add, $0, sum, new) } ?? sum
    }
    return total ?? constant(0, new)
  }

  private func repeats(_ position: Position, along axes: [Int]) -> Bool {
    if constants[position] != nil { return true }
    let instruction = result[position]
    guard instruction.operation == .broadcast else { return false }
    let source = shape(instruction.inputs[0])
    return axes.allSatisfy { source[$0] == 1 }
  }
}
