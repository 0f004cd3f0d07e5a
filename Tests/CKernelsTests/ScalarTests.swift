import CKernels
import Foundation
import Testing

private func value(
  _ source: fk_scalar_source, constant: Double = 0, memory: UnsafePointer<Float>? = nil,
  function: fk_function = FK_COPY, _ operands: [Int] = [], store: UnsafeMutablePointer<Float>? = nil
) -> fk_scalar {
  // An operand that is missing holds a position that must not be read.
  let positions = operands.map(Int32.init) + [Int32](repeating: -1, count: 3 - operands.count)
  return fk_scalar(
    source: source, constant: constant, memory: memory, function: Int32(function.rawValue),
    a: positions[0],
    b: positions[1], c: positions[2], store: store)
}

private func run(_ values: [fk_scalar]) -> [Double] {
  var scratch = [Double](repeating: .nan, count: values.count)
  scratch.withUnsafeMutableBufferPointer { scratch in
    values.withUnsafeBufferPointer { values in
      guard let address = values.baseAddress, let scratch = scratch.baseAddress else { return }
      var program = fk_scalars(count: Int32(values.count), values: address, scratch: scratch)
      fk_run_scalars(&program, 0, 0)
    }
  }
  return scratch
}

struct ScalarTests {
  @Test func functionsAreThoseOfDouble() {
    let unary: [(fk_function, (Double) -> Double)] = [
      (FK_COPY, { $0 }), (FK_NEGATE, { -$0 }), (FK_EXP, { exp($0) }), (FK_EXPM1, { expm1($0) }),
      (FK_LOG, { log($0) }),
      (FK_LOG1P, { log1p($0) }), (FK_SQRT, { $0.squareRoot() }), (FK_RECIPROCAL, { 1 / $0 }),
      (FK_TANH, { tanh($0) }),
      (FK_SIN, { sin($0) }), (FK_COS, { cos($0) }), (FK_ABS, { abs($0) }),
      (FK_SIGN, { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }), (FK_FLOOR, { $0.rounded(.down) }),
      (FK_ERF, { erf($0) }),
      (FK_SIGMOID, { $0 < 0 ? exp($0) / (1 + exp($0)) : 1 / (1 + exp(-$0)) }),
      (FK_SOFTPLUS, { max($0, 0) + log1p(exp(-abs($0))) }),
      (FK_SILU, { $0 * ($0 < 0 ? exp($0) / (1 + exp($0)) : 1 / (1 + exp(-$0))) }),
    ]
    for (function, exact) in unary {
      for x in [-1.75, -0.25, 0, 0.3, 2.6] {
        let result = run([
          value(FK_VALUE_CONSTANT, constant: x), value(FK_VALUE_FUNCTION, function: function, [0]),
        ])[1]
        #expect(result == exact(x) || result.isNaN && exact(x).isNaN, "\(function) of \(x)")
      }
    }
    let binary: [(fk_function, (Double, Double) -> Double)] = [
      (FK_ADD, { $0 + $1 }), (FK_SUBTRACT, { $0 - $1 }), (FK_MULTIPLY, { $0 * $1 }),
      (FK_DIVIDE, { $0 / $1 }),
      (FK_MAXIMUM, { $0 < $1 ? $1 : $0 }), (FK_LESS, { $0 < $1 ? 1 : 0 }),
      (FK_LESS_OR_EQUAL, { $0 <= $1 ? 1 : 0 }), (FK_EQUAL, { $0 == $1 ? 1 : 0 }),
      (FK_POWER, { pow($0, $1) }),
    ]
    for (function, exact) in binary {
      for (x, y) in [(1.1, 2.2), (2.2, 1.1), (3, 3)] {
        let operands = [x, y].map { value(FK_VALUE_CONSTANT, constant: $0) }
        #expect(
          run(operands + [value(FK_VALUE_FUNCTION, function: function, [0, 1])])[2] == exact(x, y))
      }
    }
    let ternary: [(fk_function, Double)] = [
      (FK_MULTIPLY_ADD, 50), (FK_MULTIPLY_SUBTRACT, 10), (FK_SUBTRACT_PRODUCT, -10),
    ]
    for (function, exact) in ternary {
      let operands = [3.0, 10, 20].map { value(FK_VALUE_CONSTANT, constant: $0) }
      #expect(
        run(operands + [value(FK_VALUE_FUNCTION, function: function, [0, 1, 2])])[3] == exact)
    }
    for (x, slope) in [(0.0, 0.5), (-800, 0), (800, 1), (-Double.infinity, 0), (.infinity, 1)] {
      let operands = [2, x].map { value(FK_VALUE_CONSTANT, constant: $0) }
      let result = run(operands + [value(FK_VALUE_FUNCTION, function: FK_SILU_GRADIENT, [0, 1])])[2]
      #expect(result == 2 * slope, "slope at \(x)")
    }
    for x in [-2.5, 0.75, 3] {
      let operands = [1, x].map { value(FK_VALUE_CONSTANT, constant: $0) }
      let result = run(operands + [value(FK_VALUE_FUNCTION, function: FK_SILU_GRADIENT, [0, 1])])[2]
      let silu = { (x: Double) in x / (1 + exp(-x)) }
      #expect(abs(result - (silu(x + 1e-6) - silu(x - 1e-6)) / 2e-6) < 1e-9, "slope at \(x)")
    }
    for condition in [0.0, 1, -3] {
      let operands = [condition, 10, 20].map { value(FK_VALUE_CONSTANT, constant: $0) }
      let result = run(operands + [value(FK_VALUE_FUNCTION, function: FK_SELECT, [0, 1, 2])])[3]
      #expect(result == (condition == 0 ? 20 : 10))
    }
  }

  /// Counts a step in place and computes its bias correction: what is read is the old value throughout.
  @Test func storesAfterAllIsComputed() {
    let step = Floats([4]), correction = Floats(count: 1)
    let results = run([
      value(FK_VALUE_MEMORY, memory: step.pointer),
      value(FK_VALUE_CONSTANT, constant: 1),
      value(FK_VALUE_FUNCTION, function: FK_ADD, [0, 1], store: step.pointer),
      value(FK_VALUE_MEMORY, memory: step.pointer),
      value(FK_VALUE_CONSTANT, constant: log(0.999)),
      value(FK_VALUE_FUNCTION, function: FK_MULTIPLY, [4, 2]),
      value(FK_VALUE_FUNCTION, function: FK_EXPM1, [5]),
      value(FK_VALUE_FUNCTION, function: FK_NEGATE, [6], store: correction.pointer),
    ])
    #expect(results[2] == 5 && results[3] == 4 && step[0] == 5)
    #expect(correction[0] == Float(-expm1(5 * log(0.999))))
  }
}
