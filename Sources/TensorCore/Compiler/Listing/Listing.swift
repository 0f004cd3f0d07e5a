/// A program in linear form: each instruction uses the results of earlier ones.
package struct Listing: Sendable {
  package struct Instruction: Sendable {
    package var operation: Primitive
    package var inputs: [Position]
    package var shape: [Int]
    /// The layer that was being traced.
    package var path: String
    /// Number that distinguishes a draw from all others of the program; its random numbers depend on it.
    package var site: UInt32 = 0

    var count: Int { shape.product }
  }

  /// A variable and the position of its new value, or of the new values of `rows`.
  package struct Assignment: Sendable {
    package var variable: Variable
    package var value: Position
    package var rows: Position?
  }

  package var name: String
  package var instructions: Table<Instruction, Instruction> = Table()
  package var outputs: [Position] = []
  package var updates: [Assignment] = []

  /// The instructions whose results outlive a run: outputs, new values of variables, and the rows that they replace.
  package var liveOut: [Position] { outputs + updates.map(\.value) + updates.compactMap(\.rows) }

  package subscript(position: Position) -> Instruction { instructions[position] }
  package subscript(buffer: Buffer) -> Instruction { instructions[buffer] }
}

extension Listing {
  /// Lists the expressions that `outputs` and `updates` need.
  ///
  /// - Throws: The message of an invalid expression; an update of another shape, or two of one
  ///   variable; inputs or variables of one name and different shapes.
  package init(_ name: String, outputs: [Tensor], updates: [Update]) throws {
    self.name = name
    let roots = outputs + updates.map(\.value) + updates.compactMap(\.rows)
    for tensor in roots { if let failure = tensor.failure { throw TensorError(failure) } }
    try Self.check(updates, in: name)

    var positions: [Node: Position] = [:]
    var shapes: [String: [Int]] = [:]
    var sites = DrawSites(program: name)
    for node in topologicalOrder(roots.map(\.node)) {
      var instruction = Instruction(
        operation: node.operation, inputs: node.inputs.compactMap { positions[$0] },
        shape: node.shape, path: node.path)
      if let source = node.operation.sourceLabel {
        if let other = shapes.updateValue(node.shape, forKey: source), other != node.shape {
          throw TensorError("\(source) has shapes \(other) and \(node.shape) in one program")
        }
      }
      if let draw = node.operation.drawName { instruction.site = try sites.next(draw) }
      positions[node] = instructions.append(instruction)
    }
    self.outputs = outputs.compactMap { positions[$0.node] }
    self.updates = updates.compactMap { update in
      positions[update.value.node].map {
        Assignment(
          variable: update.variable, value: $0, rows: update.rows.flatMap { positions[$0.node] })
      }
    }
  }

  private static func check(_ updates: [Update], in name: String) throws {
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
  }

  /// The instructions that the outputs and updates need, in the same order.
  package func pruned() -> Listing {
    var isNeeded = Table<Instruction, Bool>(repeating: false, for: instructions)
    for root in liveOut { isNeeded[root] = true }
    for i in instructions.indices.reversed() where isNeeded[i] {
      for input in self[i].inputs { isNeeded[input] = true }
    }
    var result = Listing(name: name)
    var moved: [Position: Position] = [:]
    for i in instructions.indices where isNeeded[i] {
      var instruction = self[i]
      instruction.inputs = instruction.inputs.compactMap { moved[$0] }
      moved[i] = result.instructions.append(instruction)
    }
    result.takeRoots(of: self) { moved[$0] ?? $0 }
    return result
  }

  /// Takes over the outputs and updates of another listing, whose instructions stand at `moved` here.
  mutating func takeRoots(of other: Listing, _ moved: (Position) -> Position) {
    outputs = other.outputs.map(moved)
    updates = other.updates.map {
      Assignment(variable: $0.variable, value: moved($0.value), rows: $0.rows.map(moved))
    }
  }
}

/// The sites of a program's draws, which their random numbers depend on.
private struct DrawSites {
  let program: String
  private var ordinals: [String: Int] = [:]
  private var labels: [UInt32: String] = [:]

  init(program: String) { self.program = program }

  /// The site of the next draw named `draw`.
  ///
  /// Ordinals follow the order in which the outputs and updates first need the draws, so that an output or
  /// an update added at the end leaves the others' draws as they were.
  ///
  /// - Throws: `TensorError` if two names have the same hash.
  mutating func next(_ draw: String) throws -> UInt32 {
    let ordinal = ordinals[draw, default: 0]
    ordinals[draw] = ordinal + 1
    let label = "\(program)/\(draw)/\(ordinal)"
    if let other = labels.updateValue(label, forKey: label.stableHash) {
      throw TensorError("draws \(other) and \(label) would be equal: rename one")
    }
    return label.stableHash
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
