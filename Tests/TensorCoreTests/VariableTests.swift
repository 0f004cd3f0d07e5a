import TensorCore
import Testing

/// The kinds of variables.
@Suite struct VariableTests {
  @Test func checkpointsHoldAllButScratch() throws {
    let p = Parameters("model")
    let w = p.make("w", .ones([2]))
    let moment = Variable("moment", initially: .zeros([2]))
    let buffer = Variable("buffer", .scratch, initially: .zeros([2]))
    #expect(p.variables.map(\.kind) == [.parameter] && moment.kind == .state)
    let runtime = try Runtime(seed: 0, threads: 1)
    let program = try runtime.compile(
      "p", [], updates: [Update(buffer, w + 1), Update(moment, w + buffer.value)])
    #expect(program.variableNames == ["buffer", "model/w", "moment"])
    #expect(program.savedNames == ["model/w", "moment"])
    #expect(runtime.savedNames == ["moment", "model/w"])
    #expect(Set(runtime.variableNames) == ["buffer", "model/w", "moment"])
    program.run()
    #expect(try runtime.values(of: buffer) == [2, 2])
  }

  @Test func aNameIsOfOneKind() throws {
    let runtime = try Runtime(seed: 0, threads: 1)
    // A restored array has no kind before a program asks for it.
    try runtime.restore(variable: "v", shape: [1], [3])
    #expect(runtime.savedNames == ["v"])
    let scratch = Variable("v", .scratch, initially: .zeros([1]))
    #expect(try runtime.values(of: scratch) == [3])
    #expect(runtime.savedNames.isEmpty)
    #expect(
      throws: TensorError(
        "variable v is scratch in one program and state in another: expected one kind, or another name"
      )
    ) { try runtime.values(of: Variable("v", initially: .zeros([1]))) }
  }
}
