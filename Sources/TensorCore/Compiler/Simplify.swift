/// Removes what need not be computed: repeated and neutral operations, arithmetic on constants,
/// movement that moves nothing.
///
/// Draws keep their identity.
package func simplify(_ listing: Listing) -> Listing {
  var pass = Simplifier(result: Listing(name: listing.name))
  var moved: [Int] = []
  let isStored = listing.storedAnyway()
  for (i, instruction) in listing.instructions.enumerated() {
    var instruction = instruction
    instruction.inputs = instruction.inputs.map { moved[$0] }
    moved.append(pass.add(instruction))
    if isStored[i] { pass.stored.insert(moved[i]) }
  }
  pass.result.outputs = listing.outputs.map { moved[$0] }
  pass.result.updates = listing.updates.map {
    ($0.variable, moved[$0.value], $0.rows.map { moved[$0] })
  }
  return pass.result.pruned()
}

extension Listing {
  /// What has to be in memory whatever reads it besides: outputs, and what kernels of their own read.
  fileprivate func storedAnyway() -> [Bool] {
    var isStored = [Bool](repeating: false, count: instructions.count)
    for root in roots { isStored[root] = true }
    for i in instructions.indices.reversed() {
      switch instructions[i].operation {
      case .unary, .binary, .select, .broadcast, .slice, .sum, .maximum: break
      case .reshape, .stop: if isStored[i] { isStored[instructions[i].inputs[0]] = true }
      default: for input in instructions[i].inputs { isStored[input] = true }
      }
    }
    return isStored
  }
}

/// A listing as it is simplified, instruction by instruction.
struct Simplifier {
  /// What makes two instructions the same.
  private struct Key: Hashable {
    let operation: Primitive
    /// The given numbers to the bit, in place of those in `operation`: -0 is not 0, and NaN equals itself.
    let bits: [UInt64]
    let inputs: [Int]
    let shape: [Int]
    let site: UInt32

    init(_ operation: Primitive, _ inputs: [Int], _ shape: [Int], site: UInt32 = 0) {
      switch operation {
      case .constant(let value): (self.operation, bits) = (.constant(0), [value.bitPattern])
      case .literal(let values): (self.operation, bits) = (.literal([]), values.map(\.bitPattern))
      default: (self.operation, bits) = (operation, [])
      }
      (self.inputs, self.shape, self.site) = (inputs, shape, site)
    }
  }

  var result: Listing
  /// What is stored anyway, so that taking it apart saves nothing.
  var stored: Set<Int> = []
  private var known: [Key: Int] = [:]
  /// The number that every element equals, where it is known.
  private(set) var constants: [Double?] = []

  init(result: Listing) { self.result = result }

  mutating func add(_ new: Listing.Instruction) -> Int {
    if let same = replacement(for: new) { return same }
    return emit(new)
  }

  /// Where the result has this instruction, if it has.
  func position(of operation: Primitive, _ inputs: [Int], _ shape: [Int]) -> Int? {
    known[Key(operation, inputs, shape)]
  }

  private mutating func emit(_ new: Listing.Instruction) -> Int {
    let key = Key(new.operation, new.inputs, new.shape, site: new.site)
    if let old = known[key] { return old }
    let position = result.instructions.count
    result.instructions.append(new)
    known[key] = position
    constants.append(uniformValue(new))
    return position
  }

  private func uniformValue(_ new: Listing.Instruction) -> Double? {
    switch new.operation {
    case .constant(let value): value
    case .broadcast, .reshape, .transpose, .slice, .stop: constants[new.inputs[0]]
    default: nil
    }
  }

  mutating func constant(_ value: Double, _ like: Listing.Instruction) -> Int {
    let scalar = emit(.init(operation: .constant(value), inputs: [], shape: [], path: like.path))
    return broadcast(scalar, like)
  }

  mutating func broadcast(_ position: Int, _ like: Listing.Instruction) -> Int {
    let shape = result.instructions[position].shape
    if shape == like.shape { return position }
    let ones = [Int](repeating: 1, count: like.shape.count - shape.count) + shape
    let padded =
      ones == shape
      ? position
      : emit(.init(operation: .reshape, inputs: [position], shape: ones, path: like.path))
    return ones == like.shape
      ? padded
      : emit(.init(operation: .broadcast, inputs: [padded], shape: like.shape, path: like.path))
  }

  private mutating func replacement(for new: Listing.Instruction) -> Int? {
    let x = new.inputs
    switch new.operation {
    case .stop: return x[0]
    case .reshape:
      let source = result.instructions[x[0]]
      if source.shape == new.shape { return x[0] }
      if source.operation == .reshape {
        var direct = new
        direct.inputs = source.inputs
        return add(direct)
      }
      return nil
    case .transpose(let axes):
      return axes == Array(axes.indices) ? x[0] : nil
    case .slice(let starts):
      let source = result.instructions[x[0]]
      guard case .slice(let first) = source.operation else {
        return source.shape == new.shape ? x[0] : nil
      }
      let slice = Primitive.slice(zip(starts, first).map(+))
      return add(with(new, slice, source.inputs))
    case .concatenate(let axis):
      let parts = x.flatMap { part -> [Int] in
        let source = result.instructions[part]
        return source.operation == new.operation ? source.inputs : [part]
      }
      return parts == x ? nil : add(with(new, .concatenate(axis), parts))
    case .broadcast:
      return result.instructions[x[0]].shape == new.shape ? x[0] : nil
    case .unary(let function):
      if let value = constants[x[0]] { return constant(value.applying(function), new) }
      let source = result.instructions[x[0]]
      if function == .negate, source.operation == .unary(.negate) { return source.inputs[0] }
      return repeated(new)
    case .binary(let function): return binary(function, x[0], x[1], new) ?? repeated(new)
    case .select:
      if let condition = constants[x[0]] { return condition != 0 ? x[1] : x[2] }
      return x[1] == x[2] ? x[1] : repeated(new)
    case .sum(let axes):
      if let value = constants[x[0]] {
        // A sum begins at 0, so that of -0 is 0.
        return constant(
          0 + value * Double(axes.map { result.instructions[x[0]].shape[$0] }.product), new)
      }
      return hoisted(new, axes) ?? stages(new, axes) { .sum($0) }
    case .maximum(let axes):
      if let value = constants[x[0]] { return constant(value, new) }
      return stages(new, axes) { .maximum($0) }
    default: return nil
    }
  }

  private mutating func binary(_ function: Binary, _ a: Int, _ b: Int, _ new: Listing.Instruction)
    -> Int?
  {
    let (u, v) = (constants[a], constants[b])
    if let u, let v { return constant(u.applying(function, v), new) }
    switch function {
    case .add:
      // Equal but for the sign of a zero: -0 + 0 is 0. So are the two rules for differences.
      if u == 0 { return b }
      if v == 0 { return a }
      return joinedBlocks(a, b, new) ?? collected(new, [(a, false), (b, false)])
    case .subtract:
      if v == 0 { return a }
      if u == 0 { return unary(.negate, b, new) }
      return collected(new, [(a, false), (b, true)])
    case .multiply:
      if u == 1 { return b }
      if v == 1 { return a }
      if u == -1 { return unary(.negate, b, new) }
      if v == -1 { return unary(.negate, a, new) }
      return normalized(a, b, new) ?? normalized(b, a, new)
    case .divide:
      if v == 1 { return a }
      // One rounding more than a division, many times faster; where the inverse has all its digits.
      if let v, Float(1 / v).isNormal {
        return add(with(new, .binary(.multiply), [a, constant(1 / v, new)]))
      }
      if u == 1 { return unary(.reciprocal, b, new) }
      // Likewise where few numbers divide many.
      if v == nil, isRepeated(b), !isRepeated(a) {
        let inverse = unary(.reciprocal, b, new)
        return add(with(new, .binary(.multiply), [a, inverse]))
      }
    case .maximum, .less: break
    }
    return nil
  }

  /// The sum of two neighbouring blocks, each surrounded by zeros: one block of both.
  ///
  /// The gradients of parts of an array thus come together by copying each once.
  private mutating func joinedBlocks(_ a: Int, _ b: Int, _ new: Listing.Instruction) -> Int? {
    let (left, right) = (result.instructions[a], result.instructions[b])
    guard case .pad(let start) = left.operation, case .pad(let other) = right.operation else {
      return nil
    }
    let (size, otherSize) = (
      result.instructions[left.inputs[0]].shape, result.instructions[right.inputs[0]].shape
    )
    let differing = start.indices.filter {
      (start[$0], size[$0]) != (other[$0], otherSize[$0])
    }
    guard differing.count == 1, let axis = differing.first else { return nil }
    if other[axis] + otherSize[axis] == start[axis] { return joinedBlocks(b, a, new) }
    guard start[axis] + size[axis] == other[axis] else { return nil }
    var joined = with(new, .concatenate(axis), left.inputs + right.inputs)
    joined.shape = size
    joined.shape[axis] += otherSize[axis]
    let both = add(joined)
    return joined.shape == new.shape ? both : add(with(new, .pad(start), [both]))
  }

  mutating func unary(_ function: Unary, _ x: Int, _ like: Listing.Instruction) -> Int {
    add(with(like, .unary(function), [x]))
  }

  func with(_ like: Listing.Instruction, _ operation: Primitive, _ inputs: [Int])
    -> Listing.Instruction
  {
    .init(operation: operation, inputs: inputs, shape: like.shape, path: like.path)
  }

  /// Splits a reduction into runs of neighbouring axes, the outermost first, whose inner axes are
  /// long, and the first axis (examples) last, so that all but the last stage treat examples alike
  /// and can share a pass.
  private mutating func stages(
    _ new: Listing.Instruction, _ axes: [Int], _ operation: ([Int]) -> Primitive
  ) -> Int? {
    let shape = result.instructions[new.inputs[0]].shape
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
    var stage = shape
    for axis in run { stage[axis] = 1 }
    let inner = add(
      .init(operation: operation(run), inputs: new.inputs, shape: stage, path: new.path))
    return add(
      .init(
        operation: operation(long.dropFirst(run.count).sorted()), inputs: [inner], shape: new.shape,
        path: new.path))
  }
}
