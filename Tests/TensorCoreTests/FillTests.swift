import TensorCore
import Testing

/// Inputs of programs, and programs of one name.
@Suite struct FillTests {
  private let x = Tensor.input("x", [2, 3])
  private let keys = Tensor.seeds("keys", 2)

  private func program() throws -> Program {
    let y = x + Tensor.normal([2, 3], "noise", keys: keys)
    return try Runtime(seed: 0, threads: 1).compile("p", [y])
  }

  @Test(arguments: [0, 1, 5, 7]) func aWrongCountIsRefused(_ count: Int) throws {
    let program = try program()
    #expect(
      throws: TensorError(
        "input x of program p is given \(count) numbers; expected 6, as its shape is [2, 3]")
    ) { try program.fill(x, with: [Float](repeating: 1, count: count)) }
    guard count != 1 else { return }
    #expect(
      throws: TensorError("input keys of program p is given \(count) seeds; expected 1 to 2")
    ) { try program.fill(seeds: keys, with: [UInt64](repeating: 1, count: count)) }
  }

  @Test func whatTheProgramDoesNotReadIsRefused() throws {
    let program = try program()
    #expect(program.reads(x) && program.reads(keys) && program.reads(.input("x", [2, 3])))
    let other = Tensor.input("label", [2])
    #expect(!program.reads(other) && !program.reads(x + 1) && !program.reads(.input("x", [6])))
    let unread = TensorError("program p does not read input label; it reads keys, x")
    #expect(throws: unread) { try program.fill(other, with: [1, 2]) }
    #expect(throws: unread) { try program.fill(other) { $0[0] = 1 } }
    #expect(throws: unread) { try program.fill(seeds: other, with: [1, 2]) }
    #expect(
      throws: TensorError("program p cannot be given values of add [2, 3]: expected an input")
    ) { try program.fill(x + 1, with: [1]) }
    #expect(throws: TensorError("input x of program p has shape [2, 3], not [6]")) {
      try program.fill(.input("x", [6]), with: [1, 2, 3, 4, 5, 6])
    }
    #expect(
      throws: TensorError("input x of program p has shape [2, 3], and seeds have [rows, 4]")
    ) { try program.fill(seeds: x, with: [1]) }
    #expect(throws: TensorError("add of shapes [2, 3] and [2]")) {
      try program.fill(x + Tensor.input("b", [2]), with: [1])
    }
    let none = try Runtime(seed: 0, threads: 1).compile("q", [Tensor(1)])
    #expect(throws: TensorError("program q does not read input x; it reads none")) {
      try none.fill(x, with: [1, 2, 3, 4, 5, 6])
    }
  }

  /// An expression that reads an input although the compiler needs it not.
  @Test func anInputThatDoesNotMatterMayBeFilled() throws {
    let z = Tensor.input("z", [4])
    let y = select(Tensor(1), x.sum(), z.sum())
    let program = try Runtime(seed: 0, threads: 1).compile("p", [y])
    try program.fill(z, with: [1, 2, 3, 4])
    try program.fill(x, with: [1, 2, 3, 4, 5, 6])
    program.run()
    #expect(try program.scalar(y) == 21)
  }

  @Test func aScalarIsASingleNumber() throws {
    let y = x.sum(1)
    let program = try Runtime(seed: 0, threads: 1).compile("p", [y])
    #expect(throws: TensorError("output [2] of program p is not a single number")) {
      try program.scalar(y)
    }
  }

  // MARK: Names

  @Test func programsOfOneNameShareDrawsOnlyWhereTold() throws {
    let runtime = try Runtime(seed: 3, threads: 1)
    let (a, b) = (Tensor.normal([5], "n"), Tensor.normal([5], "n"))
    let first = try runtime.compile("p", [a])
    let message = """
      there is a program p in this runtime already, and two of one name would draw the same numbers and count \
      their runs together: expected another name, or sharesDraws: true
      """
    #expect(throws: TensorError(message)) { try runtime.compile("p", [b]) }
    let second = try runtime.compile("p", [b], sharesDraws: true)
    first.run(at: 4)
    second.run(at: 4)
    #expect(try first.values(a) == second.values(b))
    _ = try runtime.compile("q", [b])
    _ = try Runtime(seed: 3, threads: 1).compile("p", [b])
  }

  @Test func anotherProgramsDrawsAreRefusedUnderAnyName() throws {
    let runtime = try Runtime(seed: 3, threads: 1)
    _ = try runtime.compile("a/b", [.normal([5], "c")])
    // The same path: a/b/c.
    #expect(
      throws: TensorError("draw b/c of program a would be equal to one of program a/b: rename one")
    ) { try runtime.compile("a", [.normal([5], "b/c")]) }
    let w = Variable("w", initially: .normal([2], "start"))
    _ = try runtime.values(of: w)
    #expect(throws: TensorError.self) { try runtime.compile("initial/w", [.normal([2], "start")]) }
  }

  @Test func aNameIsNotTakenByWhatDidNotCompile() throws {
    let runtime = try Runtime(seed: 3, threads: 1)
    #expect(throws: TensorError.self) { try runtime.compile("p", [x + Tensor.input("b", [2])]) }
    _ = try runtime.compile("p", [x])
  }
}
