import CKernels

extension Emitter {
  /// Emits chains of single numbers, evaluated in Double once per run.
  mutating func emitScalars(_ buffers: [Buffer]) throws {
    var values: [fk_scalar] = []
    var index: [Buffer: Int32] = [:]
    func add(_ value: fk_scalar, _ buffer: Buffer) -> Int32 {
      values.append(value)
      index[buffer] = Int32(values.count - 1)
      return Int32(values.count - 1)
    }
    func load(_ buffer: Buffer) throws -> Int32 {
      if let known = index[buffer] { return known }
      var value = fk_scalar()
      if case .constant(let number) = listing[buffer].operation {
        value.source = FK_VALUE_CONSTANT
        value.constant = number
      } else {
        value.source = FK_VALUE_MEMORY
        value.memory = UnsafePointer(try floats(buffer))
      }
      return add(value, buffer)
    }
    for buffer in buffers {
      let operands = try listing.operands(buffer).map { try load($0) }
      // A view of a single number is a copy of it.
      let function = listing[buffer].operation.tileFunction ?? .copy
      var value = fk_scalar()
      value.source = FK_VALUE_FUNCTION
      value.function = Int32(function.kernel.rawValue)
      value.a = operands[0]
      value.b = operands.count > 1 ? operands[1] : 0
      value.c = operands.count > 2 ? operands[2] : 0
      value.store = addresses[buffer]?.assumingMemoryBound(to: Float.self)
      _ = add(value, buffer)
    }
    append(
      fk_run_scalars,
      fk_scalars(
        count: Int32(values.count), values: UnsafePointer(allocations.array(values)),
        scratch: allocations.array([Double](repeating: 0, count: values.count))))
  }
}

extension TileFunction {
  /// The loop that computes it.
  var kernel: fk_function {
    switch self {
    case .copy: FK_COPY
    case .select: FK_SELECT
    case .multiplyAdd: FK_MULTIPLY_ADD
    case .multiplySubtract: FK_MULTIPLY_SUBTRACT
    case .subtractProduct: FK_SUBTRACT_PRODUCT
    case .silu: FK_SILU
    case .siluGradient: FK_SILU_GRADIENT
    case .unary(let function):
      switch function {
      case .negate: FK_NEGATE
      case .exp: FK_EXP
      case .expm1: FK_EXPM1
      case .log: FK_LOG
      case .log1p: FK_LOG1P
      case .sqrt: FK_SQRT
      case .reciprocal: FK_RECIPROCAL
      case .tanh: FK_TANH
      case .sin: FK_SIN
      case .cos: FK_COS
      case .abs: FK_ABS
      case .sign: FK_SIGN
      case .floor: FK_FLOOR
      case .erf: FK_ERF
      case .sigmoid: FK_SIGMOID
      case .softplus: FK_SOFTPLUS
      }
    case .binary(let function):
      switch function {
      case .add: FK_ADD
      case .subtract: FK_SUBTRACT
      case .multiply: FK_MULTIPLY
      case .divide: FK_DIVIDE
      case .maximum: FK_MAXIMUM
      case .less: FK_LESS
      case .lessOrEqual: FK_LESS_OR_EQUAL
      case .equal: FK_EQUAL
      case .power: FK_POWER
      }
    }
  }
}
