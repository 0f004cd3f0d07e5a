import TensorCore
import TestSupport
import Testing

/// Updates that wait for a number look at it once, and do then what `select` says.
@Suite(.serialized) struct GateTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The new values of two variables, given the variables and an input of their shape.
    let values: @Sendable (_ a: Tensor, _ b: Tensor, _ x: Tensor) -> (a: Tensor, b: Tensor)
  }

  static let cases = [
    Case(testDescription: "by themselves") { a, b, x in (a + x, 0.5 * b * x) },
    Case(testDescription: "one reads what the other becomes") { a, b, x in
      let new = 0.9 * a + x
      return (new, b - new)
    },
    // Where `a` is must not yet be the new one.
    Case(testDescription: "one reads both what the other was and becomes") { a, b, x in
      let new = 0.9 * a + x
      return (new, (b - new) * a)
    },
    Case(testDescription: "they change places") { a, b, _ in (b, a) },
    Case(testDescription: "both become the same") { a, b, x in
      let new = a * b + x
      return (new, new)
    },
    Case(testDescription: "an input as it is") { _, b, x in (x, b + x) },
    Case(testDescription: "a number for all") { a, b, x in (x.mean().broadcast(to: a.shape), b + 1)
    },
    Case(testDescription: "sums of the old") { a, b, x in (a + b.sum(), b + a.squared().mean()) },
    Case(testDescription: "as it was, but for its order") { a, b, x in
      (a.reshape([30, 40]).transpose([1, 0]).reshape([1200]), b + a)
    },
  ]

  @Test(arguments: cases, [1, 2]) func updatesThatWait(_ test: Case, threads: Int) throws {
    for gate in [1, 0, -0.0, 2, .nan, .infinity] {
      for bIsFirst in [true, false] {
        let runtime = try Runtime(seed: 1, threads: threads)
        var numbers = SplitMix64(seed: 7)
        let a = Variable("a", initially: .literal(numbers.values(1200), [1200]))
        let b = Variable("b", initially: .literal(numbers.values(1200), [1200]))
        let (x, g) = (Tensor.input("x", [1200]), Tensor.input("gate", []))
        let new = test.values(a.value, b.value, x)
        var updates = [Update(a, new.a).where(g), Update(b, new.b).where(g)]
        if bIsFirst { updates.reverse() }
        try expectAgreement(
          runtime, "gate \(gate), b first: \(bIsFirst)", [], updates,
          [(x, numbers.values(1200)), (g, [gate])])
      }
    }
  }

  @Test func checkedUpdatesAreNoMoreWorkThanOthers() throws {
    let p = Parameters("model")
    let y = dense(40, 30, p["first"])(Tensor.input("x", [16, 40]))
    let loss = dense(30, 20, p["second"])(tanh(y)).squared().mean()
    let descent = minimize(loss, p, chain(adam(0.1), average(decay: 0.9)))
    func work(_ updates: [Update]) throws -> [String] {
      let program = try Runtime(seed: 0, threads: 1).compile("train", [loss], updates: updates)
      // Those of the parameters: each with two averages of Adam and one of its own.
      return program.kernels.map(\.label).filter { $0.contains(" 4 stores") }.sorted()
    }
    #expect(try work(descent.updates).count == 4)
    #expect(try work(descent.updates) == work(descent.uncheckedUpdates))
  }
}
