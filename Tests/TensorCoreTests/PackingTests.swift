import TensorCore
import Testing

/// Filters are packed for the kernels when they have changed, and only those that have.
@Suite struct PackingTests {
  private static let channels = 16
  private static let shape = [3, 3, channels, channels]

  private static func filter(_ name: String) -> Variable {
    Variable(name, .parameter, initially: .normal(shape, "initial"))
  }

  /// A convolution of fixed numbers by a filter.
  private static func image(_ filter: Variable) -> Tensor {
    let values = (0..<128 * channels).map { Double($0 % 37) / 16 - 1 }
    return Tensor.literal(values, [2, 8, 8, channels]).convolution(filter.value, padding: 1)
  }

  private let runtime: Runtime
  private let filter = Self.filter("filter")
  private let result = Self.image(Self.filter("filter"))
  private let reader: Program

  init() throws {
    runtime = try Runtime(seed: 3, threads: 2)
    reader = try runtime.compile("read", [result])
  }

  /// The result of a program that has never run before, with the filter as it is now.
  private func fresh() throws -> [Float] {
    let other = try Runtime(seed: 9, threads: 1)
    try other.restore(variable: "filter", shape: Self.shape, try runtime.values(of: filter))
    let program = try other.compile("read", [result])
    program.run()
    return try program.values(result)
  }

  private func read() throws -> [Float] {
    reader.run()
    return try reader.values(result)
  }

  /// Ways for a filter to change.
  enum Way: CaseIterable {
    case update, updateInItsOwnReader, updateOfRows, updateByKernel, profiled, write, restore
  }

  @Test(arguments: Way.allCases) func aChangedFilterIsPackedAnew(_ way: Way) throws {
    var before = try read()
    #expect(try before == fresh())
    try #require(reader.packedCount == 1)
    let count = filter.shape.reduce(1, *)
    let doubled = [Update(filter, filter.value * 2)]
    let change: () throws -> Void
    switch way {
    case .update:
      let writer = try runtime.compile("write", [], updates: doubled)
      change = { writer.run() }
    case .updateInItsOwnReader:
      let writer = try runtime.compile("write", [result], updates: doubled)
      change = {
        let expected = try fresh()
        writer.run()
        #expect(try writer.values(result) == expected)
      }
    case .updateOfRows:
      let rows = Tensor.literal([1], [1])
      let value = filter.value.gather(rows) * 2
      let writer = try runtime.compile(
        "write", [], updates: [Update(filter, value, rows: rows)])
      change = { writer.run() }
    case .updateByKernel:
      let writer = try runtime.compile(
        "write", [result], updates: doubled, options: .init(isFusing: false))
      change = { _ = try writer.firstNonFinite(behind: [result], at: 0) }
    case .profiled:
      let writer = try runtime.compile("write", [], updates: doubled)
      var times: [Int64] = []
      change = { writer.runProfiled(&times) }
    case .write:
      var values = [Float](repeating: 0.5, count: count)
      change = {
        values = values.map { $0 + 1 }
        try runtime.write(variable: "filter", values)
      }
    case .restore:
      var values = [Float](repeating: 0.5, count: count)
      change = {
        values = values.map { $0 + 1 }
        try runtime.restore(variable: "filter", shape: Self.shape, values)
      }
    }
    for step in 1...3 {
      try change()
      let after = try read()
      #expect(after != before && reader.packedCount == 1 + step, "step \(step)")
      #expect(try after == fresh(), "step \(step)")
      before = after
    }
  }

  @Test func unchangedFiltersAreNotPackedAnew() throws {
    // As a critic and a generator: each program reads both filters and updates one.
    let other = Self.filter("other")
    let sum = result + Self.image(other)
    let critic = try runtime.compile("critic", [sum], updates: [Update(filter, filter.value * 0.9)])
    let generator = try runtime.compile(
      "generator", [sum], updates: [Update(other, other.value * 0.9)])
    for _ in 0..<5 { critic.run() }
    try #require(critic.packedCount == 6)
    for _ in 0..<3 { generator.run() }
    // The first run packs both, those after it `other` alone.
    #expect(generator.packedCount == 4)
    critic.run()
    #expect(critic.packedCount == 8)
    // A program that changes nothing packs nothing after its first run.
    _ = try (read(), read())
    #expect(reader.packedCount == 1)
    try runtime.write(variable: "other", [Float](repeating: 1, count: 9 * 256))
    _ = try read()
    #expect(reader.packedCount == 1)
  }
}
