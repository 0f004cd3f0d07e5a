import TensorCore
import TestSupport
import Testing

/// Operations that are left after `simplify`, above all over whole arrays; random graphs test that the values
/// stay.
@Suite struct SimplifyTests {
  /// Forward: sum; subtract, square, sum; multiply, add; sigmoid, multiply.
  ///
  /// Backward: six for the gradient of SiLU; g and g x are summed; then g A + x P + Q.
  @Test func normsTouchTheDataAsOftenAsTheyMust() throws {
    let x = Tensor.input("x", [2, 6, 6, 8])
    let g = Tensor.input("g", x.shape)
    let p = Parameters("norm")
    let norm = groupNorm(8, groups: 4, p)(x)
    for (y, forward, backward) in [(norm, 4, 5), (silu(norm), 6, 11)] {
      #expect(try operations([y], atLeast: x.count) == [forward, 2])
      let slopes = gradients(of: (g * y).sum(), withRespectTo: [x] + p.tensors)
      #expect(try operations([y] + slopes, atLeast: x.count) == [forward + backward, 4])
    }
  }

  /// Far from zero, the error is what the rounding of x itself to Float causes.
  @Test(arguments: [0.0, 30, 1000]) func normsOfNumbersFarFromZero(center: Double) throws {
    let x = Tensor.input("x", [2, 6, 6, 8])
    let y = groupNorm(8, groups: 4, Parameters("norm"))(x)
    var numbers = SplitMix64(seed: 3)
    let weights = Tensor.literal(numbers.values(x.count), x.shape)
    let outputs = [y, gradients(of: (weights * y).sum(), withRespectTo: [x])[0]]
    let values = numbers.values(x.count, in: center - 1...center + 1)
    var reference = Reference(seed: 0)
    let exact = try reference.evaluate(outputs, ["x": values])
    let got = try Runtime(seed: 0, threads: 1).compile("norm", outputs).outputs(
      outputs, [(x, values)])
    for (got, exact) in zip(got, exact) {
      let gaps = zip(got, exact).map { abs($0 - $1) }
      let size = exact.map { abs($0) }.max() ?? 0
      // Numbers of standard deviation 3^-0.5, within `center` + 1 of zero.
      #expect((gaps.max() ?? .infinity) <= 4 * 0x1p-24 * (center + 2) * 3.0.squareRoot() * size)
    }
  }

  @Test func commonFactorsAreCollectedWhereOthersAreSmall() throws {
    let x = Tensor.input("x", [4, 6])
    let (u, v) = (Tensor.input("u", [6]), Tensor.input("v", [6]))
    let row = Tensor.input("row", [4, 1])
    #expect(try operations([x * u + x * v], atLeast: 24) == [1, 0])
    #expect(try operations([x * u - x * v], atLeast: 24) == [1, 0])
    #expect(try operations([-(x * u) - x * v], atLeast: 24) == [2, 0])
    #expect(try operations([x * u + 3 * x - x * v], atLeast: 24) == [1, 0])
    // What u and row repeat together is as large as x.
    #expect(try operations([x * u + x * row], atLeast: 24) == [3, 0])
    #expect(try operations([exp(u) * u + x], atLeast: 24) == [1, 0])
    #expect(try operations([x / u], atLeast: 24) == [1, 0])
  }

  /// Forward: maximum; subtract, exp, sum; multiply.
  ///
  /// Backward, with p the result: sum of p g; (g - sum) p.
  @Test func softmaxReadsItsResultInTheGradient() throws {
    let x = Tensor.input("x", [4, 6])
    let g = Tensor.input("g", [4, 6])
    let p = softmax(x)
    let slope = gradients(of: (g * p).sum(), withRespectTo: [x])[0]
    #expect(try operations([p], atLeast: 24) == [3, 2])
    #expect(try operations([p, slope], atLeast: 24) == [6, 3])
  }

  /// Operations in addition to those of the softmax: the scale, once forward and once backward.
  @Test func attentionTouchesTheScoresAsOftenAsItMust() throws {
    for (positions, count) in [(9, 6), (7, 8)] {
      let x = Tensor.input("x", [16, positions, 8])
      let attention = selfAttention(8, Parameters("attention"))
      let y = attention(x)
      let slope = gradients(of: (y * y.stopped).sum(), withRespectTo: [x])[0]
      let listing = simplify(try Listing("attention", outputs: [y, slope], updates: []))
      let scores = listing.instructions.filter {
        switch $0.operation {
        case .unary, .binary: $0.shape == [16, positions, positions]
        default: false
        }
      }
      #expect(scores.count == count, "\(positions) positions")
    }
  }

  /// Adding the two numbers that a softmax takes away would round the small one to the large one's
  /// precision.
  @Test func differencesAreNotCollected() throws {
    let x = Tensor.input("x", [4, 6])
    let (m, s) = (Tensor.input("m", [4, 1]), Tensor.input("s", [4, 1]))
    #expect(try operations([x - m - s], atLeast: 24) == [2, 0])
    #expect(try operations([(x - m) * s + m], atLeast: 24) == [3, 0])
    #expect(try operations([(x - x.mean(1, keep: true)) * s + m], atLeast: 24) == [2, 1])
  }

  @Test func deviationsFromTheMeanSumToZero() throws {
    let x = Tensor.input("x", [4, 5, 6])
    let centered = x - x.mean(0, 2, keep: true)
    #expect(try operations([centered.sum(0, 2)], atLeast: 2) == [0, 0])
    #expect(try operations([centered.sum()], atLeast: 2) == [0, 0])
    #expect(try operations([centered.sum(0)], atLeast: 120) == [1, 2])
    #expect(try operations([(x - 0.5 * x.mean(0, keep: true)).sum(0)], atLeast: 120) == [1, 2])
  }
}

extension SimplifyTests {
  @Test func gradientsOfPartsAreConcatenated() throws {
    let x = Tensor.input("x", [2, 6, 3])
    let parts = [(0, 1), (1, 3), (4, 2)].map { x.slice(axis: 1, from: $0.0, count: $0.1) }
    let y = parts.enumerated().map { ($1.squared() * Double($0 + 1)).sum() }.reduce(Tensor(0), +)
    let listing = simplify(
      try Listing("parts", outputs: gradients(of: y, withRespectTo: [x]), updates: []))
    let moves = listing.instructions.map(\.operation).filter {
      switch $0 {
      case .pad, .concatenate: true
      default: false
      }
    }
    #expect(moves == [.concatenate(1)])
    #expect(listing.instructions.last?.inputs.count == 3)
  }

  @Test func slicesOfSlicesAreOne() throws {
    let x = Tensor.input("x", [5, 6])
    let y = x.slice(axis: 0, from: 1, count: 3).slice(axis: 1, from: 2, count: 3).slice(
      axis: 0, from: 1, count: 1)
    let listing = simplify(try Listing("slices", outputs: [y], updates: []))
    #expect(listing.instructions.map(\.operation) == [.input("x"), .slice([2, 2])])
  }
}

/// The numbers of elementwise operations and of reductions that are left over arrays of at least `count`
/// elements.
func operations(_ outputs: [Tensor], atLeast count: Int) throws -> [Int] {
  let listing = simplify(try Listing("test", outputs: outputs, updates: []))
  var found = [0, 0]
  for instruction in listing.instructions {
    let sizes = instruction.inputs.map { listing[$0].shape.reduce(1, *) }
    guard (sizes.max() ?? 0) >= count else { continue }
    switch instruction.operation {
    case .unary, .binary, .select: found[0] += 1
    case .sum, .maximum: found[1] += 1
    default: break
    }
  }
  return found
}
