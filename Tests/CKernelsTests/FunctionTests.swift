import CKernels
import Foundation
import Testing

struct FunctionCase: Sendable, CustomTestStringConvertible {
  let name: String
  let function: fk_function
  let exact: @Sendable (Double) -> Double
  let from, to: Double
  /// Points at equal ratios rather than at equal distances.
  var geometric = false
  /// The largest error, in units in the last place of the exact result; or, if larger, absolute.
  let units: Double
  var absolute = 0.0

  var testDescription: String { "\(name) on \(from) ... \(to)" }
}

let functionCases: [FunctionCase] = [
  .init(name: "exp", function: FK_EXP, exact: { exp($0) }, from: -86.9, to: 88.7, units: 1.2),
  .init(name: "exp", function: FK_EXP, exact: { exp($0) }, from: -1, to: 1, units: 1.2),
  .init(
    name: "exp, flushed", function: FK_EXP, exact: { exp($0) }, from: -120, to: -86.9, units: 1,
    absolute: 1.7e-38),
  .init(name: "expm1", function: FK_EXPM1, exact: { expm1($0) }, from: -30, to: 88.7, units: 1.8),
  .init(
    name: "expm1", function: FK_EXPM1, exact: { expm1($0) }, from: 1e-37, to: 1, geometric: true,
    units: 1.8),
  .init(
    name: "expm1", function: FK_EXPM1, exact: { expm1($0) }, from: -1e-37, to: -1, geometric: true,
    units: 1.8),
  .init(
    name: "log", function: FK_LOG, exact: { log($0) }, from: 1.2e-38, to: 3.4e38, geometric: true,
    units: 1),
  .init(name: "log", function: FK_LOG, exact: { log($0) }, from: 0.4, to: 2.2, units: 1),
  .init(
    name: "log1p", function: FK_LOG1P, exact: { log1p($0) }, from: -0.999_999, to: 3, units: 1.8),
  .init(
    name: "log1p", function: FK_LOG1P, exact: { log1p($0) }, from: 1e-37, to: 3.4e38,
    geometric: true, units: 1.8),
  .init(
    name: "log1p", function: FK_LOG1P, exact: { log1p($0) }, from: -1e-37, to: -0.99,
    geometric: true, units: 1.8),
  .init(
    name: "sqrt", function: FK_SQRT, exact: { $0.squareRoot() }, from: 1e-37, to: 1e38,
    geometric: true, units: 0.51),
  .init(
    name: "reciprocal", function: FK_RECIPROCAL, exact: { 1 / $0 }, from: 1e-37, to: 1e37,
    geometric: true, units: 0.51),
  .init(name: "tanh", function: FK_TANH, exact: { tanh($0) }, from: -12, to: 12, units: 2.6),
  .init(
    name: "tanh", function: FK_TANH, exact: { tanh($0) }, from: 1e-37, to: 1, geometric: true,
    units: 2.6),
  // At a zero other than 0 the bound is absolute: the reduced argument is that exact.
  .init(
    name: "sin", function: FK_SIN, exact: { sin($0) }, from: -10, to: 10, units: 2, absolute: 3e-9),
  .init(
    name: "sin", function: FK_SIN, exact: { sin($0) }, from: -1e5, to: 1e5, units: 2.2,
    absolute: 1.5e-8),
  .init(
    name: "sin", function: FK_SIN, exact: { sin($0) }, from: 1e-37, to: 1, geometric: true, units: 1
  ),
  .init(
    name: "cos", function: FK_COS, exact: { cos($0) }, from: -10, to: 10, units: 2.2, absolute: 3e-9
  ),
  .init(
    name: "cos", function: FK_COS, exact: { cos($0) }, from: -1e5, to: 1e5, units: 2.2,
    absolute: 1.5e-8),
  .init(
    name: "cos", function: FK_COS, exact: { cos($0) }, from: 1e-37, to: 1, geometric: true, units: 2
  ),
  .init(name: "erf", function: FK_ERF, exact: { erf($0) }, from: -6, to: 6, units: 3.2),
  .init(
    name: "erf", function: FK_ERF, exact: { erf($0) }, from: 1e-37, to: 1, geometric: true,
    units: 3.2),
  .init(
    name: "sigmoid", function: FK_SIGMOID, exact: sigmoid, from: -87, to: 30, units: 2.5),
  .init(
    name: "sigmoid, flushed", function: FK_SIGMOID, exact: sigmoid, from: -200, to: -87, units: 1,
    absolute: 1.7e-38),
  .init(
    name: "softplus", function: FK_SOFTPLUS, exact: softplus, from: -86.9, to: 30, units: 2.5),
  .init(
    name: "softplus", function: FK_SOFTPLUS, exact: softplus, from: -1, to: 1, units: 2.5),
  .init(
    name: "softplus, large", function: FK_SOFTPLUS, exact: softplus, from: 20, to: 3e38,
    geometric: true, units: 1),
  .init(
    name: "softplus, flushed", function: FK_SOFTPLUS, exact: softplus, from: -200, to: -86.9,
    units: 1, absolute: 1.7e-38),
  .init(name: "silu", function: FK_SILU, exact: silu, from: -86.9, to: 30, units: 3),
  .init(
    name: "silu", function: FK_SILU, exact: silu, from: -1e-37, to: -1, geometric: true, units: 3),
  .init(
    name: "silu, large", function: FK_SILU, exact: silu, from: 20, to: 3e38, geometric: true,
    units: 1),
  .init(
    name: "silu, flushed", function: FK_SILU, exact: silu, from: -200, to: -86.9, units: 1,
    absolute: 1.6e-36),
  .init(name: "copy", function: FK_COPY, exact: { $0 }, from: -3, to: 3, units: 0),
  .init(name: "negate", function: FK_NEGATE, exact: { -$0 }, from: -3, to: 3, units: 0),
  .init(name: "abs", function: FK_ABS, exact: { abs($0) }, from: -3, to: 3, units: 0),
  .init(
    name: "sign", function: FK_SIGN, exact: { $0 > 0 ? 1 : $0 < 0 ? -1 : $0 }, from: -3, to: 3,
    units: 0),
  .init(name: "floor", function: FK_FLOOR, exact: { floor($0) }, from: -1e6, to: 1e6, units: 0),
]

@Sendable private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
@Sendable private func silu(_ x: Double) -> Double { x / (1 + exp(-x)) }
@Sendable private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

struct SpecialCase: Sendable, CustomTestStringConvertible {
  let name: String
  let function: fk_function
  let argument: Float
  let result: Float

  init(_ name: String, _ function: fk_function, _ argument: Float, _ result: Float) {
    (self.name, self.function, self.argument, self.result) = (name, function, argument, result)
  }

  var testDescription: String { "\(name)(\(argument)) = \(result)" }
}

let unaryFunctions: [(String, fk_function)] = [
  ("negate", FK_NEGATE), ("exp", FK_EXP), ("expm1", FK_EXPM1), ("log", FK_LOG), ("log1p", FK_LOG1P),
  ("sqrt", FK_SQRT),
  ("reciprocal", FK_RECIPROCAL), ("tanh", FK_TANH), ("sin", FK_SIN), ("cos", FK_COS),
  ("abs", FK_ABS),
  ("sign", FK_SIGN), ("floor", FK_FLOOR), ("erf", FK_ERF), ("copy", FK_COPY),
  ("sigmoid", FK_SIGMOID), ("softplus", FK_SOFTPLUS), ("silu", FK_SILU),
]

let specialCases: [SpecialCase] = [
  SpecialCase("exp", FK_EXP, 0, 1), SpecialCase("exp", FK_EXP, .infinity, .infinity),
  SpecialCase("exp", FK_EXP, -.infinity, 0), SpecialCase("exp", FK_EXP, 88.73, .infinity),
  SpecialCase("exp", FK_EXP, 3e38, .infinity), SpecialCase("exp", FK_EXP, -3e38, 0),
  SpecialCase("expm1", FK_EXPM1, 0, 0), SpecialCase("expm1", FK_EXPM1, .infinity, .infinity),
  SpecialCase("expm1", FK_EXPM1, -.infinity, -1), SpecialCase("expm1", FK_EXPM1, 88.73, .infinity),
  SpecialCase("log", FK_LOG, 0, -.infinity), SpecialCase("log", FK_LOG, -0.0, -.infinity),
  SpecialCase("log", FK_LOG, 1, 0), SpecialCase("log", FK_LOG, -1, .nan),
  SpecialCase("log", FK_LOG, .infinity, .infinity), SpecialCase("log", FK_LOG, -.infinity, .nan),
  SpecialCase("log1p", FK_LOG1P, 0, 0), SpecialCase("log1p", FK_LOG1P, -1, -.infinity),
  SpecialCase("log1p", FK_LOG1P, -2, .nan), SpecialCase("log1p", FK_LOG1P, .infinity, .infinity),
  SpecialCase("log1p", FK_LOG1P, -.infinity, .nan), SpecialCase("sqrt", FK_SQRT, 0, 0),
  SpecialCase("sqrt", FK_SQRT, -1, .nan), SpecialCase("sqrt", FK_SQRT, .infinity, .infinity),
  SpecialCase("reciprocal", FK_RECIPROCAL, 0, .infinity),
  SpecialCase("reciprocal", FK_RECIPROCAL, -.infinity, -0.0),
  SpecialCase("tanh", FK_TANH, 0, 0), SpecialCase("tanh", FK_TANH, -0.0, -0.0),
  SpecialCase("tanh", FK_TANH, .infinity, 1), SpecialCase("tanh", FK_TANH, -.infinity, -1),
  SpecialCase("tanh", FK_TANH, -3e38, -1), SpecialCase("sin", FK_SIN, 0, 0),
  SpecialCase("sin", FK_SIN, .infinity, .nan), SpecialCase("sin", FK_SIN, 3e38, .nan),
  SpecialCase("cos", FK_COS, 0, 1), SpecialCase("cos", FK_COS, -.infinity, .nan),
  SpecialCase("cos", FK_COS, 3e38, .nan), SpecialCase("sign", FK_SIGN, 0, 0),
  SpecialCase("sign", FK_SIGN, -.infinity, -1), SpecialCase("sign", FK_SIGN, .infinity, 1),
  SpecialCase("floor", FK_FLOOR, -0.5, -1), SpecialCase("floor", FK_FLOOR, 3e38, 3e38),
  SpecialCase("floor", FK_FLOOR, -.infinity, -.infinity), SpecialCase("erf", FK_ERF, 0, 0),
  SpecialCase("erf", FK_ERF, .infinity, 1), SpecialCase("erf", FK_ERF, -.infinity, -1),
  SpecialCase("erf", FK_ERF, 4.5, 1), SpecialCase("abs", FK_ABS, -.infinity, .infinity),
  SpecialCase("sigmoid", FK_SIGMOID, 0, 0.5), SpecialCase("sigmoid", FK_SIGMOID, .infinity, 1),
  SpecialCase("sigmoid", FK_SIGMOID, -.infinity, 0), SpecialCase("sigmoid", FK_SIGMOID, 3e38, 1),
  SpecialCase("sigmoid", FK_SIGMOID, -3e38, 0),
  SpecialCase("softplus", FK_SOFTPLUS, .infinity, .infinity),
  SpecialCase("softplus", FK_SOFTPLUS, -.infinity, 0),
  SpecialCase("softplus", FK_SOFTPLUS, -3e38, 0), SpecialCase("softplus", FK_SOFTPLUS, 3e38, 3e38),
  SpecialCase("silu", FK_SILU, 0, 0), SpecialCase("silu", FK_SILU, -0.0, -0.0),
  SpecialCase("silu", FK_SILU, .infinity, .infinity), SpecialCase("silu", FK_SILU, 3e38, 3e38),
  SpecialCase("silu", FK_SILU, -.infinity, -0.0), SpecialCase("silu", FK_SILU, -3e38, -0.0),
]

@Suite(.serialized) struct FunctionTests {
  @Test(arguments: functionCases) func accuracy(_ test: FunctionCase) {
    let count = 50_000
    let arguments = (0..<count).map { i in
      let t = (Double(i) + 0.5) / Double(count)
      return Float(
        test.geometric
          ? test.from * pow(test.to / test.from, t) : test.from + (test.to - test.from) * t)
    }
    var results = [Float](repeating: .nan, count: count)
    fk_apply(test.function, &results, arguments, nil, nil, Int64(count))
    var worst = (excess: -Double.infinity, argument: Float.nan)
    for (x, y) in zip(arguments, results) {
      let exact = test.exact(Double(x))
      let unit = Double(max(Float(abs(exact)), .leastNormalMagnitude).ulp)
      let excess = abs(Double(y) - exact) / max(test.units * unit, test.absolute, 1e-300)
      if !(excess <= worst.excess) { worst = (excess, x) }
    }
    #expect(
      worst.excess <= 1, "at \(worst.argument) the error is \(worst.excess) times what is allowed")
  }

  @Test(arguments: specialCases) func specialValue(_ test: SpecialCase) {
    // Enough of them to reach both the vector loop and its remainder.
    var results = [Float](repeating: 7, count: 67)
    fk_apply(test.function, &results, [Float](repeating: test.argument, count: 67), nil, nil, 67)
    for result in results {
      #expect(
        test.result.isNaN ? result.isNaN : result == test.result && result.sign == test.result.sign)
    }
  }

  /// An absolute bound where the derivative passes through 0.
  @Test(arguments: [(-86.0, 30.0), (-3, 3), (-0.001, 0.001)])
  func siluGradient(_ range: (Double, Double)) {
    let count = 50_000
    let b = (0..<count).map {
      Float(range.0 + (range.1 - range.0) * (Double($0) + 0.5) / Double(count))
    }
    let a = (0..<count).map { Float($0 % 7) - 2.5 }
    var results = [Float](repeating: .nan, count: count)
    fk_apply(FK_SILU_GRADIENT, &results, a, b, nil, Int64(count))
    for i in 0..<count {
      let x = Double(b[i]), s = sigmoid(x)
      // 1 - s without cancellation.
      let slope = s * (1 + x * sigmoid(-x)), exact = Double(a[i]) * slope
      let unit = Double(max(Float(abs(exact)), .leastNormalMagnitude).ulp)
      let allowed = max(4 * unit, abs(Double(a[i])) * s * (1 + abs(x * sigmoid(-x))) * 0x1p-22)
      #expect(abs(Double(results[i]) - exact) <= allowed, "at \(x), \(a[i])")
    }
  }

  @Test func siluGradientFarOut() {
    let b: [Float] = [.infinity, 3e38, 100, -100, -3e38, -.infinity, .nan]
    let wanted: [Float] = [2, 2, 2, 0, 0, 0, .nan]
    var results = [Float](repeating: 7, count: 7)
    fk_apply(FK_SILU_GRADIENT, &results, [Float](repeating: 2, count: 7), b, nil, 7)
    for i in b.indices {
      // Rather than 0 there may be a number next to the smallest.
      #expect(wanted[i].isNaN ? results[i].isNaN : abs(results[i] - wanted[i]) <= 1.1e-36)
    }
  }

  @Test func unaryFunctionsPassNaN() {
    for (name, function) in unaryFunctions {
      var results = [Float](repeating: 7, count: 67)
      fk_apply(function, &results, [Float](repeating: .nan, count: 67), nil, nil, 67)
      #expect(results.filter(\.isNaN).count == 67, "\(name)")
    }
  }

  @Test func signedZeros() {
    for (_, function) in unaryFunctions
    where function == FK_COPY || function == FK_ABS || function == FK_NEGATE {
      var result: [Float] = [7]
      fk_apply(function, &result, [-0.0], nil, nil, 1)
      #expect(result[0] == 0 && (result[0].sign == .minus) == (function == FK_COPY))
    }
  }

  @Test func binaryAndSelect() {
    let values: [Float] = [-.infinity, -2.5, -0.0, 0, 1, 3, .infinity, .nan]
    let a = values.flatMap { v in values.map { _ in v } }
    let b = values.flatMap { _ in values }
    let c = a.indices.map { Float($0) }
    let table: [(fk_function, (Float, Float, Float) -> Float)] = [
      (FK_ADD, { x, y, _ in x + y }), (FK_SUBTRACT, { x, y, _ in x - y }),
      (FK_MULTIPLY, { x, y, _ in x * y }),
      (FK_DIVIDE, { x, y, _ in x / y }), (FK_MAXIMUM, { x, y, _ in x < y ? y : x }),
      (FK_LESS, { x, y, _ in x < y ? 1 : 0 }), (FK_LESS_OR_EQUAL, { x, y, _ in x <= y ? 1 : 0 }),
      (FK_EQUAL, { x, y, _ in x == y ? 1 : 0 }), (FK_POWER, { x, y, _ in pow(x, y) }),
      (FK_SELECT, { x, y, z in x != 0 ? y : z }),
      // Exact, so that one rounding and two are the same.
      (FK_MULTIPLY_ADD, { x, y, z in x * y + z }), (FK_MULTIPLY_SUBTRACT, { x, y, z in x * y - z }),
      (FK_SUBTRACT_PRODUCT, { x, y, z in z - x * y }),
    ]
    for (function, exact) in table {
      var results = [Float](repeating: 77, count: a.count)
      fk_apply(function, &results, a, b, c, Int64(a.count))
      for i in a.indices {
        let wanted = exact(a[i], b[i], c[i])
        #expect(
          results[i] == wanted || results[i].isNaN && wanted.isNaN,
          "\(function) of \(a[i]), \(b[i])")
      }
    }
  }

  @Test func outputMayBeAnOperand() {
    let a = (0..<101).map { Float($0) / 7 - 5 }
    for (name, function) in unaryFunctions {
      var apart = [Float](repeating: 7, count: 101)
      fk_apply(function, &apart, a, nil, nil, 101)
      let same = Floats(a)
      fk_apply(function, same.pointer, same.pointer, nil, nil, 101)
      #expect(identical(apart, same.values), "\(name)")
    }
  }
}
