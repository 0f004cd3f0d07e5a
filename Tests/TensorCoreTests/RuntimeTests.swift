import TensorCore
import TestSupport
import Testing

/// Runs, draws and variables of a runtime.
@Suite struct RuntimeTests {
  @Test func anOutputAtTheEndLeavesTheOtherDrawsAsTheyWere() throws {
    let loss =
      (Tensor.normal([40], "noise") * .normal([40], "noise")).sum() + Tensor.uniform([], "u")
    func value(_ more: [Tensor]) throws -> Float {
      let program = try Runtime(seed: 3, threads: 1).compile("p", [loss] + more)
      program.run()
      return try program.scalar(loss)
    }
    let alone = try value([])
    #expect(try value([Tensor.normal([40], "noise").sum()]) == alone)
    #expect(try value([.normal([7], "other"), .uniform([9], "u")]) == alone)
  }

  @Test func equalNamesDrawDifferentNumbers() throws {
    let (a, b) = (Tensor.normal([20]), Tensor.normal([20]))
    let program = try Runtime(seed: 3, threads: 1).compile("p", [a, b, a - a])
    let values = try program.outputs([a, b])
    #expect(values[0] != values[1])
    let other = try Runtime(seed: 3, threads: 1).compile("q", [a])
    #expect(try other.outputs([a])[0] != values[0])
  }

  @Test func onlyRunCounts() throws {
    let y = Tensor.normal([5])
    let runtime = try Runtime(seed: 3, threads: 1)
    let program = try runtime.compile("p", [y])
    let first = try program.outputs([y])
    let second = try program.outputs([y])
    #expect(first != second)
    #expect(program.runs == 2 && runtime.runs == ["p": 2])
    program.run(at: 0)
    #expect(try program.values(y).map { Double($0) } == first[0])
    #expect(program.runs == 2)
    program.runs = 1
    #expect(try program.outputs([y]) == second)
  }

  @Test func initialValuesDependOnSeedAndNameAlone() throws {
    func values(_ seed: UInt64, _ names: [String]) throws -> [String: [Float]] {
      let runtime = try Runtime(seed: seed, threads: 1)
      let p = Parameters("model")
      let tensors = names.map { p.make($0, .normal([8], "initial")) }
      _ = try runtime.compile("p\(names.count)", tensors)
      return try Dictionary(
        uniqueKeysWithValues: p.variables.map { ($0.name, try runtime.values(of: $0)) })
    }
    let both = try values(1, ["a", "b"])
    #expect(both["model/a"] != both["model/b"])
    #expect(try values(1, ["b", "c", "a"])["model/a"] == both["model/a"])
    #expect(try values(2, ["a"])["model/a"] != both["model/a"])
  }

  @Test(arguments: [0, 1, 7, 20]) func copyingVariablesAndRunsResumes(steps: Int) throws {
    let (whole, _) = try TrainingTests.convolutional(1, steps: 20)
    let (first, _) = try TrainingTests.convolutional(2, steps: steps)
    let (second, _) = try TrainingTests.convolutional(2, steps: 0)
    #expect(first.variableNames == second.variableNames)
    for name in first.variableNames {
      try second.write(
        variable: name, try first.read(variable: name) { span in (0..<span.count).map { span[$0] } }
      )
    }
    second.runs = first.runs
    try TrainingTests.continueConvolutional(second, steps: 20 - steps)
    #expect(try second.bits() == whole.bits())
    #expect(second.runs == whole.runs)
  }

  @Test func releasingALongChainDoesNotOverflow() {
    var x = Tensor.input("x", [2])
    for _ in 0..<100_000 { x = x + 1 }
    #expect(x.shape == [2])
    // Shared along the way, too.
    var y = Tensor.input("y", [2])
    for _ in 0..<100_000 { y = y * y }
    #expect(y.shape == [2])
  }

  @Test func longChainsCompile() throws {
    var x = Tensor.input("x", [2])
    var expected = 1.0
    for i in 0..<3_000 {
      x = i % 3 == 0 ? 0.999 * x : x + x.stopped * 1e-4
      expected *= i % 3 == 0 ? 0.999 : 1.0001
    }
    let slope = gradients(of: x.sum(), withRespectTo: [.input("x", [2])])
    #expect(slope[0].shape == [2])
    let program = try Runtime(seed: 0, threads: 1).compile("p", [x])
    let input = Tensor.input("x", [2])
    let value = try program.outputs([x], [(input, [1, 2])])[0]
    #expect(abs(value[0] / expected - 1) < 1e-3 && abs(value[1] / (2 * expected) - 1) < 1e-3)
  }

  @Test func squaringAgainAndAgainCompiles() throws {
    let x = Tensor.input("x", [3])
    var y = x
    for _ in 0..<80 { y = y * y }
    let program = try Runtime(seed: 0, threads: 1).compile("p", [y])
    #expect(try program.outputs([y], [(x, [1, 0, -1])])[0] == [1, 0, 1])
  }

  @Test func manyBroadcastOperandsCompile() throws {
    let x = Tensor.input("x", [5, 4])
    var y = x
    for i in 0..<300 { y = y + Double(i) * Tensor.input("b\(i)", [4]) }
    let program = try Runtime(seed: 0, threads: 1).compile("p", [y])
    #expect(
      try program.outputs([y], [(x, (0..<20).map { Double($0) })])[0] == (0..<20).map { Double($0) }
    )
  }

  @Test func inputsKeepTheirContents() throws {
    let x = Tensor.input("x", [64])
    let y = tanh(exp(x) * 2 - sin(x))
    let program = try Runtime(seed: 0, threads: 1).compile("p", [y, x, x + 0])
    let values = (0..<64).map { Double($0) / 64 }
    let first = try program.outputs([y, x], [(x, values)])
    program.run()
    #expect(try program.values(y).map { Double($0) } == first[0])
    #expect(first[1] == values)
  }

  @Test func anOutputNamedTwiceAndOutputsThatAreSources() throws {
    let v = Variable("v", initially: .literal([1, 2], [2]))
    let (x, c) = (Tensor.input("x", [2]), Tensor.literal([5, 6], [2]))
    let sum = x + v.value
    let outputs = [v.value, x, c, sum, sum, Tensor(3), sum.reshape([2, 1])]
    let program = try Runtime(seed: 0, threads: 1)
      .compile("p", outputs, updates: [Update(v, sum)])
    let first = try program.outputs(outputs, [(x, [10, 20])])
    #expect(first == [[1, 2], [10, 20], [5, 6], [11, 22], [11, 22], [3], [11, 22]])
    #expect(try program.outputs(outputs)[3] == [21, 42])
  }

  @Test func programsThatShareTheArenaDoNotDisturbEachOther() throws {
    let runtime = try Runtime(seed: 3, threads: 2)
    let other = try Runtime(seed: 3, threads: 1)
    func programs(_ runtime: Runtime) throws -> [(Program, RandomGraph)] {
      try [11, 12, 13, 14, 15].map { seed in
        let graph = RandomGraph(seed: seed)
        // Variables of the graphs have the same names and other shapes.
        let names = Dictionary(
          uniqueKeysWithValues: graph.variables.map {
            ($0, Variable("\(seed).\($0.name)", initially: Tensor($0.initial)))
          })
        let values = names.mapValues(\.value)
        let updates = graph.updates.compactMap { update in
          names[update.variable].map { Update($0, update.value.substituting(values)) }
        }
        let program = try runtime.compile(
          "p\(seed)", graph.outputs.map { $0.substituting(values) }, updates: updates)
        for (x, numbers) in graph.inputs where program.reads(x) {
          try program.fill(x, with: numbers.map { Float($0) })
        }
        return (program, graph)
      }
    }
    let interleaved = try programs(runtime)
    for _ in 0..<3 { for (program, _) in interleaved { program.run() } }
    for (program, _) in try programs(other) { for _ in 0..<3 { program.run() } }
    #expect(try runtime.bits() == other.bits())
  }

  @Test func aProgramKeepsItsOutputsWhileOthersRun() throws {
    let runtime = try Runtime(seed: 3, threads: 1)
    let x = Tensor.normal([1000])
    let (a, b) = (exp(x), sin(x) * 3)
    let (p, q) = (try runtime.compile("p", [a]), try runtime.compile("q", [b]))
    let before = try p.outputs([a])
    q.run()
    #expect(try p.values(a).map { Double($0) } == before[0])
  }
}
