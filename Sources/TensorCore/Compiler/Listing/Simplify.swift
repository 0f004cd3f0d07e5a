/// Removes repeated and neutral operations, arithmetic on constants, movement that moves nothing and, by
/// `AlgebraicRule`, work on whole arrays that can be done on smaller ones.
///
/// Draws keep their identity.
package func simplify(_ listing: Listing) -> Listing {
  var uses: [RuleUse] = []
  return simplify(listing, recording: &uses)
}

/// Simplifies as `simplify(_:)` does and appends every use of a rule to `uses`.
func simplify(_ listing: Listing, recording uses: inout [RuleUse]) -> Listing {
  var pass = Simplifier(result: Listing(name: listing.name))
  var moved: [Position: Position] = [:]
  let isMaterialized = listing.materializedAnyway()
  for i in listing.instructions.indices {
    var instruction = listing[i]
    instruction.inputs = instruction.inputs.compactMap { moved[$0] }
    let position = pass.add(instruction)
    moved[i] = position
    if isMaterialized[i] { pass.materialized.insert(position) }
  }
  pass.result.takeRoots(of: listing) { moved[$0] ?? $0 }
  uses += pass.uses
  return pass.result.pruned()
}

extension Listing {
  /// Results that need memory whatever else reads them: live-outs, and operands of kernels that are not fused.
  fileprivate func materializedAnyway() -> Table<Instruction, Bool> {
    var result = Table<Instruction, Bool>(repeating: false, for: instructions)
    for root in liveOut { result[root] = true }
    for i in instructions.indices.reversed() {
      let inputs = self[i].inputs
      switch self[i].operation {
      case .unary, .binary, .select, .broadcast, .slice, .sum, .maximum: break
      case .reshape, .stop: if result[i] { result[inputs[0]] = true }
      case .input, .variable, .constant, .literal, .draw, .angle, .byteRows, .special, .transpose,
        .pad, .concatenate, .blocks, .gather, .scatter, .argmax, .cumulativeSum, .matmul,
        .convolution,
        .convolutionInput, .convolutionFilter:
        for input in inputs { result[input] = true }
      }
    }
    return result
  }
}

/// A listing that is simplified as it is built, instruction by instruction.
struct Simplifier {
  /// An instruction without its path: equal instructions have equal results.
  private struct Key: Hashable {
    let operation: Primitive
    /// The given numbers to the bit, in place of those in `operation`: -0 is not 0, and NaN equals itself.
    let bits: [UInt64]
    let inputs: [Position]
    let shape: [Int]
    let site: UInt32

    init(_ operation: Primitive, _ inputs: [Position], _ shape: [Int], site: UInt32 = 0) {
      if case .constant(let value) = operation {
        (self.operation, bits) = (.constant(0), [value.bitPattern])
      } else if case .literal(let values) = operation {
        (self.operation, bits) = (.literal([]), values.map(\.bitPattern))
      } else {
        (self.operation, bits) = (operation, [])
      }
      (self.inputs, self.shape, self.site) = (inputs, shape, site)
    }
  }

  var result: Listing
  /// Results that are in memory anyway, so that taking them apart saves nothing.
  var materialized: Set<Position> = []
  var uses: [RuleUse] = []
  private var known: [Key: Position] = [:]
  /// The number that every element equals, where it is known.
  private(set) var constants: Table<Listing.Instruction, Double?> = Table()

  init(result: Listing) { self.result = result }

  func shape(_ position: Position) -> [Int] { result[position].shape }

  /// Adds an instruction, or its replacement, and returns the position of its result.
  mutating func add(_ new: Listing.Instruction) -> Position { replacement(for: new) ?? emit(new) }

  /// The position of an instruction that the result has already.
  func position(of operation: Primitive, _ inputs: [Position], _ shape: [Int]) -> Position? {
    known[Key(operation, inputs, shape)]
  }

  private mutating func emit(_ new: Listing.Instruction) -> Position {
    let key = Key(new.operation, new.inputs, new.shape, site: new.site)
    if let old = known[key] { return old }
    let position = result.instructions.append(new)
    known[key] = position
    constants.append(uniformValue(new))
    return position
  }

  private func uniformValue(_ new: Listing.Instruction) -> Double? {
    if case .constant(let value) = new.operation { return value }
    switch new.operation.role {
    case .identity, .selection: return constants[new.inputs[0]]
    case .source, .own, .elementwise, .assembly, .reduction, .contraction: return nil
    }
  }

  // MARK: Building instructions

  /// An instruction of the shape and path of `like`.
  func with(_ like: Listing.Instruction, _ operation: Primitive, _ inputs: [Position])
    -> Listing.Instruction
  {
    .init(operation: operation, inputs: inputs, shape: like.shape, path: like.path)
  }

  mutating func unary(_ function: Unary, _ x: Position, _ like: Listing.Instruction) -> Position {
    add(with(like, .unary(function), [x]))
  }

  mutating func binary(
    _ function: Binary, _ x: Position, _ y: Position, _ like: Listing.Instruction
  ) -> Position {
    add(with(like, .binary(function), [x, y]))
  }

  mutating func constant(_ value: Double, _ like: Listing.Instruction) -> Position {
    let scalar = emit(.init(operation: .constant(value), inputs: [], shape: [], path: like.path))
    return broadcast(scalar, like)
  }

  mutating func broadcast(_ position: Position, _ like: Listing.Instruction) -> Position {
    let shape = shape(position)
    if shape == like.shape { return position }
    let ones = [Int](repeating: 1, count: like.shape.count - shape.count) + shape
    let padded =
      ones == shape
      ? position
      : emit(.init(operation: .reshape, inputs: [position], shape: ones, path: like.path))
    return ones == like.shape ? padded : emit(with(like, .broadcast, [padded]))
  }

  // MARK: Replacements

  private mutating func replacement(for new: Listing.Instruction) -> Position? {
    let x = new.inputs
    switch new.operation {
    case .stop: return x[0]
    case .reshape:
      let source = result[x[0]]
      if source.shape == new.shape { return x[0] }
      return source.operation == .reshape ? add(with(new, .reshape, source.inputs)) : nil
    case .broadcast: return shape(x[0]) == new.shape ? x[0] : nil
    case .transpose(let axes): return axes == Array(axes.indices) ? x[0] : nil
    case .slice(let starts):
      let source = result[x[0]]
      guard case .slice(let first) = source.operation else {
        return source.shape == new.shape ? x[0] : nil
      }
      return add(with(new, .slice(zip(starts, first).map(+)), source.inputs))
    case .concatenate(let axis):
      let parts = x.flatMap { part in
        result[part].operation == new.operation ? result[part].inputs : [part]
      }
      return parts == x ? nil : add(with(new, .concatenate(axis), parts))
    case .unary(let function):
      if let value = constants[x[0]] { return constant(value.applying(function), new) }
      let source = result[x[0]]
      if function == .negate, source.operation == .unary(.negate) { return source.inputs[0] }
      return computedBeforeRepeating(new)
    case .binary(let function):
      return binaryReplacement(function, x[0], x[1], new) ?? computedBeforeRepeating(new)
    case .select:
      if let condition = constants[x[0]] { return condition != 0 ? x[1] : x[2] }
      return x[1] == x[2] ? x[1] : computedBeforeRepeating(new)
    case .sum(let axes):
      if let value = constants[x[0]] {
        // A sum begins at 0, so that of -0 is 0.
        return constant(0 + value * Double(axes.map { shape(x[0])[$0] }.product), new)
      }
      return hoistedThroughSum(new, axes) ?? stages(new, axes) { .sum($0) }
    case .maximum(let axes):
      if let value = constants[x[0]] { return constant(value, new) }
      return stages(new, axes) { .maximum($0) }
    case .input, .variable, .constant, .literal, .draw, .angle, .byteRows, .special, .pad, .blocks,
      .gather, .scatter, .argmax, .cumulativeSum, .matmul, .convolution, .convolutionInput,
      .convolutionFilter:
      return nil
    }
  }

  private mutating func binaryReplacement(
    _ function: Binary, _ a: Position, _ b: Position, _ new: Listing.Instruction
  ) -> Position? {
    let (u, v) = (constants[a], constants[b])
    if let u, let v { return constant(u.applying(function, v), new) }
    switch function {
    case .add:
      // Equal but for the sign of a zero: -0 + 0 is 0. So are the two rules for differences.
      if u == 0 { return b }
      if v == 0 { return a }
      return joinedBlocks(a, b, new) ?? factored([(a, false), (b, false)], new)
    case .subtract:
      if v == 0 { return a }
      if u == 0 { return unary(.negate, b, new) }
      return factored([(a, false), (b, true)], new)
    case .multiply:
      if u == 1 { return b }
      if v == 1 { return a }
      if u == -1 { return unary(.negate, b, new) }
      if v == -1 { return unary(.negate, a, new) }
      return softmaxReused(a, b, new) ?? softmaxReused(b, a, new)
    case .divide:
      if v == 1 { return a }
      // One rounding more than a division, many times faster; where the inverse has all its digits.
      if let v, Float(1 / v).isNormal {
        return binary(.multiply, a, constant(1 / v, new), new)
      }
      if u == 1 { return unary(.reciprocal, b, new) }
      // The same where few numbers divide many.
      if v == nil, isRepeated(b), !isRepeated(a) {
        return binary(.multiply, a, unary(.reciprocal, b, new), new)
      }
      return nil
    case .power: return v == 1 ? a : v == 2 ? binary(.multiply, a, a, new) : nil
    case .maximum, .less, .lessOrEqual, .equal: return nil
    }
  }

  /// The sum of two neighbouring blocks, each surrounded by zeros: one block of both.
  ///
  /// The gradients of parts of an array thus come together by copying each once.
  private mutating func joinedBlocks(_ a: Position, _ b: Position, _ new: Listing.Instruction)
    -> Position?
  {
    let (left, right) = (result[a], result[b])
    guard case .pad(let start) = left.operation, case .pad(let other) = right.operation else {
      return nil
    }
    let (size, otherSize) = (shape(left.inputs[0]), shape(right.inputs[0]))
    let differing = start.indices.filter { (start[$0], size[$0]) != (other[$0], otherSize[$0]) }
    guard differing.count == 1, let axis = differing.first else { return nil }
    if other[axis] + otherSize[axis] == start[axis] { return joinedBlocks(b, a, new) }
    guard start[axis] + size[axis] == other[axis] else { return nil }
    var joined = with(new, .concatenate(axis), left.inputs + right.inputs)
    joined.shape = size
    joined.shape[axis] += otherSize[axis]
    let both = add(joined)
    return joined.shape == new.shape ? both : add(with(new, .pad(start), [both]))
  }

  /// Splits a reduction into runs of neighbouring axes, the outermost first, whose inner axes are
  /// long, and the first axis (examples) last, so that all but the last stage treat examples alike
  /// and can share a pass.
  private mutating func stages(
    _ new: Listing.Instruction, _ axes: [Int], _ operation: ([Int]) -> Primitive
  ) -> Position? {
    let shape = shape(new.inputs[0])
    // Axes of length one separate nothing.
    var long = axes.filter { shape[$0] > 1 }
    guard let first = long.first else { return new.shape == shape ? new.inputs[0] : nil }
    if first == 0, long.count > 1 { long = Array(long.dropFirst()) + [0] }
    var run = [long[0]]
    for axis in long.dropFirst() {
      let last = run[run.count - 1]
      guard axis > last, (last + 1..<axis).allSatisfy({ shape[$0] == 1 }) else { break }
      run.append(axis)
    }
    guard run.count < long.count else { return nil }
    var stage = with(new, operation(run), new.inputs)
    stage.shape = shape
    for axis in run { stage.shape[axis] = 1 }
    let inner = add(stage)
    return add(with(new, operation(long.dropFirst(run.count).sorted()), [inner]))
  }
}
