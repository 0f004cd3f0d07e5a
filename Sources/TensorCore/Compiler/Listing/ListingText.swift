extension Listing: CustomStringConvertible {
  /// One line per instruction, output and update.
  package var description: String {
    var lines = instructions.indices.map { i in
      let instruction = self[i]
      let inputs = instruction.inputs.map(\.description).joined(separator: ", ")
      let path = instruction.path.isEmpty ? "" : "  # \(instruction.path)"
      return "\(i) = \(instruction.operation.label)(\(inputs)) \(instruction.shape)\(path)"
    }
    lines += outputs.map { "output \($0)" }
    lines += updates.map { update in
      "\(update.variable.name)\(update.rows.map { "[\($0)]" } ?? "") <- \(update.value)"
    }
    return lines.joined(separator: "\n")
  }
}

extension Primitive {
  /// The operation in listings and messages.
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
    case .argmax(let axis): "argmax \(axis)"
    case .cumulativeSum(let axis, let isReversed):
      "cumulative sum \(axis)\(isReversed ? " reversed" : "")"
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
