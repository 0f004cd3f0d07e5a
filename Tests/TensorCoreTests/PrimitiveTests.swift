import CKernels
import TensorCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Every primitive three ways: value, gradient and gradient of gradient.
@Suite struct PrimitiveTests {
  @Test func valuesAndTwoOrdersOfGradients() throws {
    var worst = (value: (0.0, ""), gradient: (0.0, ""), second: (0.0, ""))
    func note(_ error: Double, _ name: String, _ best: inout (Double, String)) {
      if error > best.0 { best = (error, name) }
      #expect(error <= 1e-6, "\(name)")
    }
    for (seed, sample) in Sample.table.enumerated() {
      let errors = try sample.errors(seed: seed)
      note(errors.value, sample.name, &worst.value)
      note(errors.gradient, sample.name, &worst.gradient)
      note(errors.second, sample.name, &worst.second)
    }
    print(
      "worst relative error over \(Sample.table.count) samples: value \(worst.value.0) (\(worst.value.1)),",
      "gradient \(worst.gradient.0) (\(worst.gradient.1)),",
      "second order \(worst.second.0) (\(worst.second.1))")
  }

  @Test func noPrimitiveIsForgotten() throws {
    var seen: Set<Kind> = []
    for sample in Sample.table {
      let y = sample.expression().y
      for node in topologicalOrder([y.node]) { seen.insert(Kind(node.operation)) }
    }
    #expect(seen == Set(Kind.all))
  }

  @Test func sigmoidAndSoftplusDoNotOverflow() throws {
    let x = Tensor.input("x", [4])
    let y = [sigmoid(x), softplus(x)]
    let slopes = y.map { gradients(of: $0.sum(), withRespectTo: [x])[0] }
    let second = slopes.map { gradients(of: $0.sum(), withRespectTo: [x])[0] }
    var reference = Reference(seed: 0)
    let far = 1e4
    let values = try reference.evaluate(y + slopes + second, ["x": [-far, -40, 40, far]])
    let tail = exp(-40.0)
    let expected = [
      [0, tail, 1 - tail, 1], [0, tail, 40, far], [0, tail, tail, 0], [0, tail, 1 - tail, 1],
      [0, tail, -tail, 0], [0, tail, tail, 0],
    ]
    for (value, expected) in zip(values, expected) {
      // 1 - y knows small numbers to the last bit of 1.
      #expect(zip(value, expected).allSatisfy { abs($0 - $1) <= 1e-15 * abs($1) + 1e-16 })
    }
  }

  /// The compiler puts single instructions in place of `silu` and its gradient, whose form it knows.
  @Test func siluAndItsGradientKeepTheirForm() throws {
    let (x, g) = (Tensor.input("x", [4]), Tensor.input("g", [4]))
    let y = silu(x)
    let slope = gradients(of: (g * y).sum(), withRespectTo: [x])[0]
    let listing = simplify(try Listing("silu", outputs: [y, slope], updates: []))
    #expect(
      listing.description == """
        %0 = input x() [4]
        %1 = sigmoid(%0) [4]
        %2 = multiply(%0, %1) [4]
        %3 = constant 1.0() []
        %4 = reshape(%3) [1]
        %5 = broadcast(%4) [4]
        %6 = input g() [4]
        %7 = multiply(%6, %1) [4]
        %8 = multiply(%6, %0) [4]
        %9 = subtract(%5, %1) [4]
        %10 = multiply(%1, %9) [4]
        %11 = multiply(%8, %10) [4]
        %12 = add(%7, %11) [4]
        output %2
        output %12
        """)
  }

  @Test func anAngleHasTwoDerivativesInItsConcentration() throws {
    let k = Tensor.input("k", [3])
    let angle = Tensor.vonMisesFisherAngle(k, dimension: 4, "a")
    let first = gradients(of: angle.sum(), withRespectTo: [k])[0]
    let second = gradients(of: first.sum(), withRespectTo: [k])[0]
    // The total derivative of D(κ, θ), the derivative of the angle, along the draw: D_κ + D D_θ.
    let theta = Tensor.input("theta", [3])
    let slope = Tensor.special(.angleSlope(dimension: 4), [k, theta])
    let rate = Tensor.special(.angleSlopeRate(dimension: 4), [k, theta])
    let total = rate + slope * gradients(of: slope.sum(), withRespectTo: [theta])[0]
    var reference = Reference(seed: 1)
    let found = try reference.evaluate([angle, first, second], ["k": [0.5, 2, 30]])
    let expected = try reference.evaluate(
      [slope, total], ["k": [0.5, 2, 30], "theta": found[0]])
    #expect(found[1] == expected[0])
    #expect(relativeError(found[2], expected[1]) < 1e-12)
    let third = gradients(of: second.sum(), withRespectTo: [k])[0]
    #expect(
      third.failure == "a von Mises-Fisher draw has no third derivative in its concentration here")
  }

  @Test func gradientOfReluAtZeroIsZero() throws {
    let x = Tensor.input("x", [3])
    let y = gradients(of: relu(x).sum(), withRespectTo: [x])[0]
    var reference = Reference(seed: 0)
    #expect(try reference.evaluate([y], ["x": [-1, 0, 1]])[0] == [0, 0, 1])
  }

  @Test func equalElementsOfAMaximumShareTheGradient() throws {
    let x = Tensor.input("x", [2, 3])
    let y = gradients(of: x.maximum(1).sum(), withRespectTo: [x])[0]
    var reference = Reference(seed: 0)
    let g = try reference.evaluate([y], ["x": [2, 1, 2, 5, 5, 5]])[0]
    #expect(relativeError(g, [0.5, 0, 0.5, 1 / 3, 1 / 3, 1 / 3]) < 1e-15)
  }

  @Test func rowsOutOfRangeAreNotANumberAndAreNotAddedAnywhere() throws {
    let rows = Tensor.input("rows", [3])
    let taken = Tensor.literal([1, 2], [2]).gather(rows)
    let added = Tensor(.scatter, [.ones([3]), rows], [2])
    var reference = Reference(seed: 0)
    let values = try reference.evaluate([taken, added], ["rows": [1, 2, -1]])
    #expect(values[0][0] == 2 && values[0][1].isNaN && values[0][2].isNaN)
    #expect(values[1] == [0, 1])
  }

  @Test func stoppedValuesHaveNoGradient() throws {
    let x = Tensor.input("x", [2])
    let y = gradients(of: (x * x.stopped).sum(), withRespectTo: [x])[0]
    var reference = Reference(seed: 0)
    #expect(try reference.evaluate([y], ["x": [3, -2]])[0] == [3, -2])
  }

  @Test func aVariableReadTwiceCollectsBothGradients() throws {
    let v = Variable("v", initially: .literal([2, 3], [2]))
    let y = gradients(of: (v.value * v.value).sum(), withRespectTo: [v.value])[0]
    var reference = Reference(seed: 0)
    #expect(try reference.evaluate([y])[0] == [4, 6])
  }
}

/// The kinds that the table must hold: each primitive, and each function of the elementwise ones.
private enum Kind: Hashable {
  case named(String)
  case unary(Unary)
  case binary(Binary)

  static let all: [Kind] =
    [
      "input", "variable", "constant", "literal", "uniform", "normal", "angle", "special",
      "byteRows", "select",
      "reshape",
      "broadcast", "transpose", "slice", "pad", "concatenate", "blocks", "gather", "scatter", "sum",
      "maximum", "argmax", "cumulativeSum", "cumulativeSum reversed",
      "matmul", "matmul left", "matmul right", "matmul left right", "convolution",
      "convolutionInput", "convolutionFilter", "stop",
    ].map { .named($0) } + Unary.allCases.map { .unary($0) } + Binary.allCases.map { .binary($0) }

  // No default, so that a new primitive does not compile until it is here, and then in `all` and
  // the table.
  init(_ primitive: Primitive) {
    switch primitive {
    case .input: self = .named("input")
    case .variable: self = .named("variable")
    case .constant: self = .named("constant")
    case .literal: self = .named("literal")
    case .draw(let distribution, _): self = .named(distribution.rawValue)
    case .angle: self = .named("angle")
    case .special: self = .named("special")
    case .byteRows: self = .named("byteRows")
    case .unary(let function): self = .unary(function)
    case .binary(let function): self = .binary(function)
    case .select: self = .named("select")
    case .reshape: self = .named("reshape")
    case .broadcast: self = .named("broadcast")
    case .transpose: self = .named("transpose")
    case .slice: self = .named("slice")
    case .pad: self = .named("pad")
    case .concatenate: self = .named("concatenate")
    case .blocks: self = .named("blocks")
    case .gather: self = .named("gather")
    case .scatter: self = .named("scatter")
    case .sum: self = .named("sum")
    case .maximum: self = .named("maximum")
    case .argmax: self = .named("argmax")
    case .cumulativeSum(_, let isReversed):
      self = .named("cumulativeSum\(isReversed ? " reversed" : "")")
    case .matmul(let l, let r): self = .named("matmul\(l ? " left" : "")\(r ? " right" : "")")
    case .convolution: self = .named("convolution")
    case .convolutionInput: self = .named("convolutionInput")
    case .convolutionFilter: self = .named("convolutionFilter")
    case .stop: self = .named("stop")
    }
  }
}

/// An expression of inputs in a safe range, and its value computed another way.
private struct Sample: Sendable {
  let name: String
  let shapes: [[Int]]
  var range = -1.0...1.0
  /// Returns true if gradients are taken with respect to the input of this position.
  var differentiable: @Sendable (Int) -> Bool = { _ in true }
  /// Fixed contents of an input, such as rows.
  var fixed: [Int: [Double]] = [:]
  let build: @Sendable ([Tensor]) -> Tensor
  let value: @Sendable ([[Double]]) -> [Double]
  /// True if differences of values are differences of one function: a rejection may go another way.
  var isSmooth = true

  func expression() -> (x: [Tensor], y: Tensor) {
    let x = shapes.enumerated().map { Tensor.input("x\($0)", $1) }
    return (x, build(x))
  }

  func errors(seed: Int) throws -> (value: Double, gradient: Double, second: Double) {
    var numbers = SplitMix64(seed: seed)
    let (x, y) = expression()
    // Distinct numbers with gaps, so that differences stay off the kinks of maxima.
    let values = shapes.enumerated().map { i, shape -> [Double] in
      let n = shape.product
      let spread = (0..<n).shuffled(using: &numbers)
      return fixed[i]
        ?? spread.map { place in
          let u = (Double(place) + Double.random(in: 0.25...0.75, using: &numbers)) / Double(n)
          return range.lowerBound + u * (range.upperBound - range.lowerBound)
        }
    }
    let weights = Tensor.literal(numbers.values(y.count, in: 0.5...1), y.shape)
    // The square makes linear operations have second derivatives.
    let loss = (weights * (y + 0.5 * y.squared())).sum()
    let targets = isSmooth ? x.indices.filter(differentiable) : []
    let gradient = gradients(of: loss, withRespectTo: targets.map { x[$0] })
    let directions = targets.map { Tensor.literal(numbers.values(x[$0].count), x[$0].shape) }
    let product = zip(gradient, directions).map { ($0 * $1).sum() }.reduce(Tensor(0), +)
    let second = gradients(of: product, withRespectTo: targets.map { x[$0] })

    let got = try evaluate([y], values)[0]
    return (
      relativeError(got, value(values)),
      relativeError(
        try evaluate(gradient, values).flatMap(\.self), try differences(loss, targets, values)),
      relativeError(
        try evaluate(second, values).flatMap(\.self), try differences(product, targets, values))
    )
  }

  private func evaluate(_ y: [Tensor], _ values: [[Double]]) throws -> [[Double]] {
    try evaluate(Listing("test", outputs: y, updates: []), values)
  }

  private func evaluate(_ listing: Listing, _ values: [[Double]]) throws -> [[Double]] {
    var reference = Reference(seed: 5)
    return try reference.evaluate(
      listing, Dictionary(uniqueKeysWithValues: values.enumerated().map { ("x\($0)", $1) }))
  }

  /// Central differences over five points.
  private func differences(_ y: Tensor, _ targets: [Int], _ values: [[Double]]) throws -> [Double] {
    let listing = try Listing("test", outputs: [y], updates: [])
    let h = 1e-3 * (range.upperBound - range.lowerBound) / 2
    return try targets.flatMap { input in
      try values[input].indices.map { element in
        func at(_ step: Double) throws -> Double {
          var moved = values
          moved[input][element] += step
          return try evaluate(listing, moved)[0][0]
        }
        let (near, far) = (try at(h) - at(-h), try at(2 * h) - at(-2 * h))
        return (8 * near - far) / (12 * h)
      }
    }
  }

  // MARK: The table

  static let table: [Sample] =
    unaries + binaries + movements + rows + reductions + scans + products + correlations + sources
    + specials

  static let unaries: [Sample] =
    Unary.allCases.map(unary) + [
      Sample(
        name: "abs of negatives", shapes: [[4]], range: -1 ... -0.1, build: { abs($0[0]) },
        value: { $0[0].map { -$0 } })
    ]

  static func unary(_ function: Unary) -> Sample {
    let (range, value): (ClosedRange<Double>, @Sendable (Double) -> Double) =
      switch function {
      case .negate: (-1...1, { 0 - $0 })
      case .exp: (-2...2, { exp($0) })
      case .expm1: (-2...2, { exp($0) - 1 })
      case .log: (0.5...3, { log($0) })
      case .log1p: (-0.4...2, { log(1 + $0) })
      case .sqrt: (0.5...3, { pow($0, 0.5) })
      case .reciprocal: (0.5...3, { pow($0, -1) })
      case .tanh: (-2...2, { (exp(2 * $0) - 1) / (exp(2 * $0) + 1) })
      case .sin: (-3...3, { cos($0 - .pi / 2) })
      case .cos: (-3...3, { sin($0 + .pi / 2) })
      case .abs: (0.1...1, { $0 })
      case .sign: (-1 ... -0.1, { _ in -1 })
      case .floor: (2.1...2.9, { _ in 2 })
      case .erf: (-2...2, errorFunction)
      case .sigmoid: (-4...4, { exp($0) / (exp($0) + 1) })
      case .softplus: (-4...4, { log(exp($0) + 1) })
      }
    return Sample(
      name: function.rawValue, shapes: [[5]], range: range,
      build: { Tensor(.unary(function), $0, [5]) },
      value: { $0[0].map(value) })
  }

  /// Its Maclaurin series.
  static func errorFunction(_ x: Double) -> Double {
    var (term, total) = (x, x)
    for n in 1..<60 {
      term *= -x * x / Double(n)
      total += term / Double(2 * n + 1)
    }
    return total * 2 / Double.pi.squareRoot()
  }

  static func binary(_ function: Binary) -> Sample {
    let value: @Sendable (Double, Double) -> Double =
      switch function {
      case .add: { $0 + $1 }
      case .subtract: { $0 - $1 }
      case .multiply: { $0 * $1 }
      case .divide: { $0 / $1 }
      case .maximum: { $0 > $1 ? $0 : $1 }
      case .less: { $0 >= $1 ? 0 : 1 }
      case .lessOrEqual: { $0 > $1 ? 0 : 1 }
      case .equal: { $0 > $1 || $0 < $1 ? 0 : 1 }
      case .power: { exp($1 * log($0)) }
      }
    return Sample(
      name: function.rawValue, shapes: [[7], [7]], range: 0.5...2,
      build: { Tensor(.binary(function), $0, [7]) }, value: { zip($0[0], $0[1]).map(value) })
  }

  static let binaries: [Sample] =
    Binary.allCases.map(binary) + [
      Sample(
        name: "select", shapes: [[6], [6], [6]], differentiable: { $0 > 0 },
        fixed: [0: [1, 0, -2, 0, 0.5, 0]],
        build: { select($0[0], sin($0[1]), $0[2] * $0[1]) },
        value: { x in (0..<6).map { $0 % 2 == 0 ? sin(x[1][$0]) : x[2][$0] * x[1][$0] } }),
      Sample(
        name: "broadcast sum", shapes: [[2, 1, 3], [4, 1]], build: { $0[0] * $0[1] },
        value: { x in
          (0..<24).map { (i: Int) -> Double in
            let left = x[0][i / 12 * 3 + i % 3]
            return left * x[1][i / 3 % 4]
          }
        }),
    ]

  static let movements: [Sample] = [
    Sample(
      name: "reshape", shapes: [[2, 6]], build: { $0[0].reshape([3, -1]) }, value: { $0[0] }),
    Sample(
      name: "broadcast", shapes: [[2, 1, 2]], build: { $0[0].broadcast(to: [3, 2, 2, 2]) },
      value: { x in (0..<24).map { (i: Int) -> Double in x[0][i / 4 % 2 * 2 + i % 2] } }),
    Sample(
      name: "transpose", shapes: [[2, 3, 4]], build: { $0[0].transpose([2, 0, 1]) },
      value: { x in
        (0..<24).map { (i: Int) -> Double in
          let c = i / 6
          let row = i % 6
          return x[0][row * 4 + c]
        }
      }),
    Sample(
      name: "slice", shapes: [[4, 5]],
      build: { $0[0].slice(axis: 0, from: 1, count: 2).slice(axis: 1, from: 2, count: 3) },
      value: { x in [7, 8, 9, 12, 13, 14].map { x[0][$0] } }),
    Sample(
      name: "pad", shapes: [[2, 2]], build: { $0[0].pad(before: [1, 0], after: [0, 2]) },
      value: { x in [0, 0, 0, 0, x[0][0], x[0][1], 0, 0, x[0][2], x[0][3], 0, 0] }),
    Sample(
      name: "concatenate", shapes: [[2, 2], [2, 1], [2, 2]],
      build: { concatenate([$0[0], $0[1], $0[2] * $0[0]], axis: 1) },
      value: { x in
        (0..<2).flatMap { (i: Int) -> [Double] in
          let (a, b, c) = (x[0][2 * i], x[0][2 * i + 1], x[1][i])
          return [a, b, c, x[2][2 * i] * a, x[2][2 * i + 1] * b]
        }
      }),
  ]

  static let blocks = Sample(
    name: "blocks", shapes: [[2, 1], [1, 2], [1, 2]],
    build: {
      Tensor(.blocks([[0, 2], [1, 0], [0, 0]]), [$0[0], $0[1], $0[2] * $0[1]], [2, 3])
    },
    value: { x in
      let row = zip(x[2], x[1]).map(*)
      return [row[0], row[1], x[0][0], x[1][0], x[1][1], x[0][1]]
    })

  static let rows: [Sample] = [
    blocks,
    Sample(
      name: "gather", shapes: [[3, 2], [2, 2]], differentiable: { $0 == 0 },
      fixed: [1: [2, 0, 2, 1]],
      build: { $0[0].gather($0[1]) },
      value: { x in [4, 5, 0, 1, 4, 5, 2, 3].map { x[0][$0] } }),
    Sample(
      name: "scatter", shapes: [[4, 2], [4]], differentiable: { $0 == 0 },
      fixed: [1: [2, 0, 2, 2]],
      build: { Tensor(.scatter, [$0[0], $0[1]], [3, 2]) },
      value: { x in
        [x[0][2], x[0][3], 0, 0, x[0][0] + x[0][4] + x[0][6], x[0][1] + x[0][5] + x[0][7]]
      }),
  ]

  static let reductions: [Sample] = [
    [0], [1], [2], [3], [1, 3], [0, 2], [0, 1, 2, 3], [2, 3], [0, 3],
  ].flatMap {
    axes -> [Sample] in
    let shape = [2, 3, 2, 2]
    @Sendable func groups(_ x: [Double]) -> [[Double]] {
      var result: [Int: [Double]] = [:]
      for (i, value) in x.enumerated() {
        let index = [i / 12, i / 4 % 3, i / 2 % 2, i % 2]
        let key = (0..<4).reduce(0) { axes.contains($1) ? $0 * 4 : $0 * 4 + index[$1] }
        result[key, default: []].append(value)
      }
      return result.keys.sorted().compactMap { result[$0] }
    }
    return [
      Sample(
        name: "sum \(axes)", shapes: [shape], build: { $0[0].sum(over: axes) },
        value: { groups($0[0]).map { $0.reduce(0, +) } }),
      Sample(
        name: "maximum \(axes)", shapes: [shape],
        build: {
          Tensor(.maximum(axes), $0, shape.indices.map { axes.contains($0) ? 1 : shape[$0] })
        },
        value: { groups($0[0]).compactMap { $0.max() } }),
    ]
  }

  static let scans: [Sample] = [0, 1, 2].flatMap { axis -> [Sample] in
    let shape = [3, 4, 2]
    let stride = [8, 2, 1][axis]
    /// The column of each element along the axis, and its place there.
    @Sendable func columns(_ x: [Double]) -> [(column: [Double], place: Int)] {
      x.indices.map { i in
        let start = i - i / stride % shape[axis] * stride
        return ((0..<shape[axis]).map { x[start + $0 * stride] }, (i - start) / stride)
      }
    }
    return [
      Sample(
        name: "cumulative sum \(axis)", shapes: [shape], build: { $0[0].cumulativeSum(axis) },
        value: { columns($0[0]).map { $0.column[...$0.place].reduce(0, +) } }),
      Sample(
        name: "cumulative sum \(axis) reversed", shapes: [shape],
        build: { $0[0].cumulativeSum(axis, isReversed: true) },
        value: { columns($0[0]).map { $0.column[$0.place...].reduce(0, +) } }),
      Sample(
        name: "argmax \(axis)", shapes: [shape], build: { $0[0].argmax(axis) },
        value: {
          columns($0[0]).filter { $0.place == 0 }.map { column, _ in
            Double(column.indices.max { column[$0] < column[$1] } ?? 0)
          }
        }),
      Sample(
        name: "argmin \(axis)", shapes: [shape], build: { $0[0].argmin(axis, keep: true) },
        value: {
          columns($0[0]).filter { $0.place == 0 }.map { column, _ in
            Double(column.indices.min { column[$0] < column[$1] } ?? 0)
          }
        }),
    ]
  }

  static let products: [Sample] = [(false, false), (false, true), (true, false), (true, true)]
    .flatMap {
      l, r -> [Sample] in
      [[], [2], [2, 2]].map { batch in
        let (m, k, n, b) = (2, 3, 4, batch.product)
        return Sample(
          name: "matmul \(batch) \(l) \(r)",
          shapes: [batch + (l ? [k, m] : [m, k]), batch + (r ? [n, k] : [k, n])],
          build: { $0[0].matmul($0[1], transposedLeft: l, transposedRight: r) },
          value: { x in
            (0..<b * m * n).map { (at: Int) -> Double in
              let (q, i, j) = (at / (m * n), at / n % m, at % n)
              var total = 0.0
              for p in 0..<k {
                let left: Int = l ? p * m + i : i * k + p
                let right: Int = r ? j * k + p : p * n + j
                total += x[0][q * m * k + left] * x[1][q * k * n + right]
              }
              return total
            }
          })
      }
    }

  /// (height, width, filter height, filter width, stride, zeros above and to the left, the same below
  /// and to the right or what else); in some the stride leaves pixels over.
  static let correlations: [Sample] = [
    (4, 4, 3, 3, 1, [1, 1, 1, 1]), (5, 4, 3, 2, 2, [1, 1, 1, 1]), (4, 4, 2, 2, 2, [0, 0, 0, 0]),
    (3, 3, 1, 1, 1, [0, 0, 0, 0]), (6, 5, 3, 3, 2, [0, 0, 0, 0]), (4, 3, 3, 3, 3, [2, 2, 2, 2]),
    (3, 4, 2, 2, 1, [1, 0, 0, 1]), (4, 3, 2, 3, 1, [0, 2, 1, 0]), (5, 5, 3, 3, 2, [0, 1, 2, 0]),
  ].flatMap { (h, w, fh, fw, stride, padding) -> [Sample] in
    let (n, channels, outputs) = (2, 2, 3)
    let (top, left) = (padding[0], padding[1])
    let oh = (h + top + padding[2] - fh) / stride + 1
    let ow = (w + left + padding[3] - fw) / stride + 1
    let (image, filter, output) = (
      [n, h, w, channels], [fh, fw, channels, outputs], [n, oh, ow, outputs]
    )
    let c = Convolution(stride: stride, top: top, left: left)
    /// Every triple of image, filter and output elements that a correlation multiplies, found by
    /// looking at all pairs of pixels.
    @Sendable func triples(_ body: (Int, Int, Int) -> Void) {
      for b in 0..<n {
        for (y, x) in (0..<h * w).map({ ($0 / w, $0 % w) }) {
          for (p, q) in (0..<oh * ow).map({ ($0 / ow, $0 % ow) }) {
            let (u, v) = (y + top - p * stride, x + left - q * stride)
            guard (0..<fh).contains(u), (0..<fw).contains(v) else { continue }
            for (i, o) in (0..<channels * outputs).map({ ($0 / outputs, $0 % outputs) }) {
              let pixel = (b * h + y) * w + x
              let tap = u * fw + v
              let place = (b * oh + p) * ow + q
              body(pixel * channels + i, (tap * channels + i) * outputs + o, place * outputs + o)
            }
          }
        }
      }
    }
    let sizes = "\(h)x\(w) by \(fh)x\(fw), stride \(stride), padding \(padding)"
    return [
      Sample(
        name: "convolution \(sizes)", shapes: [image, filter],
        build: {
          Set(padding).count == 1
            ? $0[0].convolution($0[1], stride: stride, padding: top)
            : Tensor(.convolution(c), $0, output)
        },
        value: { x in
          var y = [Double](repeating: 0, count: output.product)
          triples { y[$2] += x[0][$0] * x[1][$1] }
          return y
        }),
      Sample(
        name: "convolution input \(sizes)", shapes: [output, filter],
        build: { Tensor(.convolutionInput(c), $0, image) },
        value: { x in
          var y = [Double](repeating: 0, count: image.product)
          triples { y[$0] += x[0][$2] * x[1][$1] }
          return y
        }),
      Sample(
        name: "convolution filter \(sizes)", shapes: [image, output],
        build: { Tensor(.convolutionFilter(c), $0, filter) },
        value: { x in
          var y = [Double](repeating: 0, count: filter.product)
          triples { y[$1] += x[0][$0] * x[1][$2] }
          return y
        }),
    ]
  }

  /// Values by formulas for whole and half orders: I_{1/2}(x) = √(2/πx) sinh x, A₃ = coth κ - 1/κ.
  static let specials: [Sample] = {
    @Sendable func coth(_ k: Double) -> Double { cosh(k) / sinh(k) }
    @Sendable func ratio(_ k: Double) -> Double { coth(k) - 1 / k }
    @Sendable func slope(_ k: Double) -> Double { 1 / (k * k) - 1 / (sinh(k) * sinh(k)) }
    @Sendable func cumulant(_ k: Double) -> Double { log(sinh(k) / k) }
    func sample(
      _ name: String, _ function: Special, range: ClosedRange<Double> = 0.5...3,
      _ value: @escaping @Sendable (Double) -> Double
    ) -> Sample {
      Sample(
        name: name, shapes: [[4]], range: range, build: { .special(function, $0) },
        value: { $0[0].map(value) })
    }
    func of(_ function: ConcentrationFunction) -> Special { .concentration(function, dimension: 3) }
    return [
      sample("log I", .logBessel(order: 0.5)) { log((2 / (.pi * $0)).squareRoot() * sinh($0)) },
      sample("excess", of(.excess)) { cumulant($0) - $0 },
      sample("ratio", of(.ratio), ratio),
      sample("complement", of(.complement)) { 1 - ratio($0) },
      sample("slope", of(.slope), slope),
      sample("curvature", of(.curvature)) {
        -2 / ($0 * $0 * $0) + 2 * coth($0) / (sinh($0) * sinh($0))
      },
      sample("divergence", of(.divergence)) { $0 * ratio($0) - cumulant($0) },
      sample("log normal", .logNormal, range: -3...3) { log(erfc(-$0 / 2.0.squareRoot()) / 2) },
      sample("log normal slope", .logNormalSlope, range: -3...3) {
        exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() / (erfc(-$0 / 2.0.squareRoot()) / 2)
      },
      sample("log normal curvature", .logNormalCurvature, range: -3...3) {
        let m =
          exp(-$0 * $0 / 2) / (2 * Double.pi).squareRoot() / (erfc(-$0 / 2.0.squareRoot()) / 2)
        return -m * (m + $0)
      },
      // Two derivatives in κ are all there are, so these are differentiated by the angle only.
      Sample(
        name: "angle slope", shapes: [[4], [4]], range: 0.5...2.5, differentiable: { $0 == 1 },
        build: { .special(.angleSlope(dimension: 3), $0) },
        value: { x in zip(x[0], x[1]).map { k, t in -slopeOfCosine(k, cos(t)) / sin(t) } }),
      Sample(
        name: "angle slope rate", shapes: [[4], [4]], range: 0.5...2.5, differentiable: { $0 == 1 },
        build: { .special(.angleSlopeRate(dimension: 3), $0) },
        value: { x in
          zip(x[0], x[1]).map { k, t in
            let h = 1e-4
            let (near, far) = (
              slopeOfCosine(k + h, cos(t)) - slopeOfCosine(k - h, cos(t)),
              slopeOfCosine(k + 2 * h, cos(t)) - slopeOfCosine(k - 2 * h, cos(t))
            )
            return -(8 * near - far) / (12 * h) / sin(t)
          }
        }),
    ]
  }()

  /// dw/dκ at a held F(w) = (e^{κw} - e^{-κ}) / (2 sinh κ), the distribution of w on the sphere of R³.
  private static func slopeOfCosine(_ k: Double, _ w: Double) -> Double {
    // -∂F/∂κ / ∂F/∂w.
    let (s, c) = (2 * sinh(k), 2 * cosh(k))
    let place = (exp(k * w) - exp(-k)) / s
    return (place * c - w * exp(k * w) - exp(-k)) / (k * exp(k * w))
  }

  static let sources: [Sample] = [
    Sample(
      name: "angle", shapes: [[4]], range: 0.5...3,
      build: { .vonMisesFisherAngle($0[0], dimension: 3, "a") },
      value: { x in
        x[0].enumerated().map { i, k in
          let site = "test/a/0".stableHash
          return acos(fk_vmf_cosine(k, 3, 5, site, 0, UInt32(i)).cosine)
        }
      }, isSmooth: false),
    Sample(
      name: "literal, constant and stop", shapes: [[3]],
      build: { $0[0] * .literal([1, -2, 3], [3]) + 0.5 * Tensor.literal([3, 4, 5], [3]).stopped },
      value: { x in [x[0][0] + 1.5, 2 - 2 * x[0][1], 3 * x[0][2] + 2.5] }),
    Sample(
      name: "variable", shapes: [[2]],
      build: { $0[0] * Variable("v", initially: .literal([3, -4], [2])).value },
      value: { x in [3 * x[0][0], -4 * x[0][1]] }),
    Sample(
      name: "uniform", shapes: [[5]], build: { $0[0] * .uniform([5], "u") },
      value: { x in
        let words = words(5, "test/u/0")
        return (0..<5).map { x[0][$0] * floor(Double(words[$0]) / 256) / 16_777_216 }
      }),
    Sample(
      name: "normal", shapes: [[4]], build: { $0[0] * .normal([4], "n") },
      value: { x in
        let words = words(4, "test/n/0")
        return (0..<4).map { i in
          let radius = (-2 * log(Double(Float(words[i / 2 * 2]) * 0x1p-32 + 0x1p-33))).squareRoot()
          let angle = 2 * Double.pi * floor(Double(words[i / 2 * 2 + 1]) / 256) / 16_777_216
          return x[0][i] * radius * (i % 2 == 0 ? cos(angle) : sin(angle))
        }
      }),
    Sample(
      name: "byte rows", shapes: [[2, 2], [2]], differentiable: { $0 == 0 }, fixed: [1: [2, 0]],
      build: { x in
        guard let table = try? ByteTable([1, 2, 3, 4, 250, 255], rowShape: [2]) else { return x[0] }
        return x[0] * .rows(of: table, at: x[1]) * 0.01
      },
      value: { x in zip(x[0], [2.5, 2.55, 0.01, 0.02]).map(*) }),
  ]

  private static func words(_ count: Int, _ label: String) -> [UInt32] {
    (0..<(count + 3) / 4).flatMap {
      Philox.encrypt([UInt32($0), label.stableHash, 0, 0], key: (5, 0))
    }
  }
}
