/// A program in linear form: each instruction uses the results of earlier ones, by position.
package struct Listing: Sendable {
  package struct Instruction: Sendable {
    package var operation: Primitive
    package var inputs: [Int]
    package var shape: [Int]
    package var path: String
    /// For a draw: what distinguishes it from all others of the program, beside the element.
    package var site: UInt32 = 0

    var count: Int { shape.product }
  }

  package var name: String
  package var instructions: [Instruction] = []
  package var outputs: [Int] = []
  package var updates: [(variable: Variable, value: Int, rows: Int?)] = []

  /// The instructions that others, the outputs or the updates use.
  package var roots: [Int] { outputs + updates.map(\.value) + updates.compactMap(\.rows) }
}

extension Listing {
  /// Lists what `outputs` and `updates` need.
  ///
  /// - Throws: The message of an invalid expression; an update of another shape, or two of one
  ///   variable; inputs or variables of one name and different shapes.
  package init(_ name: String, outputs: [Tensor], updates: [Update]) throws {
    self.name = name
    for tensor in outputs + updates.map(\.value) + updates.compactMap(\.rows) {
      if let failure = tensor.failure { throw TensorError(failure) }
    }
    var updated: Set<Variable> = []
    for update in updates {
      guard updated.insert(update.variable).inserted else {
        throw TensorError("program \(name) updates \(update.variable.name) twice")
      }
      guard update.value.shape == update.shape else {
        throw TensorError(
          "the update of \(update.variable.name) has shape \(update.value.shape), not \(update.shape)"
        )
      }
    }

    var positions: [Node: Int] = [:]
    var shapes: [String: [Int]] = [:]
    var ordinals: [String: Int] = [:]
    var sites: [UInt32: String] = [:]
    let roots = outputs + updates.map(\.value) + updates.compactMap(\.rows)
    for node in topologicalOrder(roots.map(\.node)) {
      var instruction = Instruction(
        operation: node.operation, inputs: node.inputs.compactMap { positions[$0] },
        shape: node.shape,
        path: node.path)
      switch node.operation {
      case .input(let input):
        try Self.check("input \(input)", node.shape, &shapes)
      case .variable(let variable):
        try Self.check("variable \(variable.name)", node.shape, &shapes)
      case .draw(_, let draw), .angle(_, let draw):
        // Ordinals follow the order in which the outputs and updates first need the draws, so that
        // an output or an update added at the end leaves the others' draws as they were.
        let ordinal = ordinals[draw, default: 0]
        ordinals[draw] = ordinal + 1
        let label = "\(name)/\(draw)/\(ordinal)"
        instruction.site = label.stableHash
        if let other = sites.updateValue(label, forKey: instruction.site) {
          throw TensorError("draws \(other) and \(label) would be equal: rename one")
        }
      default: break
      }
      positions[node] = instructions.count
      instructions.append(instruction)
    }
    self.outputs = outputs.compactMap { positions[$0.node] }
    self.updates = updates.compactMap { update in
      positions[update.value.node].map {
        (update.variable, $0, update.rows.flatMap { positions[$0.node] })
      }
    }
  }

  private static func check(_ what: String, _ shape: [Int], _ shapes: inout [String: [Int]]) throws
  {
    if let other = shapes.updateValue(shape, forKey: what), other != shape {
      throw TensorError("\(what) has shapes \(other) and \(shape) in one program")
    }
  }

  /// Keeps what the outputs and updates need, in the same order.
  package func pruned() -> Listing {
    var needed = [Bool](repeating: false, count: instructions.count)
    for root in roots { needed[root] = true }
    for i in instructions.indices.reversed() where needed[i] {
      for input in instructions[i].inputs { needed[input] = true }
    }
    var result = Listing(name: name)
    var moved = [Int](repeating: -1, count: instructions.count)
    for i in instructions.indices where needed[i] {
      moved[i] = result.instructions.count
      result.instructions.append(instructions[i])
      result.instructions[moved[i]].inputs = instructions[i].inputs.map { moved[$0] }
    }
    result.outputs = outputs.map { moved[$0] }
    result.updates = updates.map { ($0.variable, moved[$0.value], $0.rows.map { moved[$0] }) }
    return result
  }
}

extension String {
  /// FNV-1a over the UTF-8 bytes, folded to 32 bits: the same in every process, unlike `hashValue`.
  package var stableHash: UInt32 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
  }
}

extension Listing: CustomStringConvertible {
  /// One line per instruction.
  package var description: String {
    var lines = instructions.enumerated().map { i, instruction in
      let inputs = instruction.inputs.map { "%\($0)" }.joined(separator: ", ")
      let path = instruction.path.isEmpty ? "" : "  # \(instruction.path)"
      return "%\(i) = \(instruction.operation.label)(\(inputs)) \(instruction.shape)\(path)"
    }
    lines += outputs.map { "output %\($0)" }
    lines += updates.map { update in
      "\(update.variable.name)\(update.rows.map { "[%\($0)]" } ?? "") <- %\(update.value)"
    }
    return lines.joined(separator: "\n")
  }
}

extension Primitive {
  /// How listings write it.
  package var label: String {
    switch self {
    case .input(let name): "input \(name)"
    case .variable(let variable): "variable \(variable.name)"
    case .constant(let value): "constant \(value)"
    case .literal: "literal"
    case .draw(let distribution, let name): "\(distribution.rawValue) \(name)"
    case .angle(let dimension, let name): "angle in \(dimension) dimensions \(name)"
    case .byteRows: "byte rows"
    case .unary(let function): function.rawValue
    case .binary(let function): function.rawValue
    case .select: "select"
    case .special(let function): function.label
    case .reshape: "reshape"
    case .broadcast: "broadcast"
    case .transpose(let axes): "transpose \(axes)"
    case .slice(let starts): "slice \(starts)"
    case .pad(let before): "pad \(before)"
    case .concatenate(let axis): "concatenate \(axis)"
    case .blocks(let starts): "blocks at \(starts)"
    case .gather: "gather"
    case .scatter: "scatter"
    case .sum(let axes): "sum \(axes)"
    case .maximum(let axes): "maximum \(axes)"
    case .matmul(let l, let r):
      "matmul\(l ? " left-transposed" : "")\(r ? " right-transposed" : "")"
    case .convolution(let c): "convolution \(c.label)"
    case .convolutionInput(let c): "convolution-input \(c.label)"
    case .convolutionFilter(let c): "convolution-filter \(c.label)"
    case .stop: "stop"
    }
  }
}

extension Convolution {
  fileprivate var label: String {
    "stride \(stride) padding \(top == left ? "\(top)" : "\([top, left])")"
  }
}
