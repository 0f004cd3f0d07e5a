import Testing
import Training

@Suite struct MetricsTests {
  private let records = [
    MetricsRecord(step: 10, values: [("loss", .single(0.1)), ("rate", .number(0.1))]),
    MetricsRecord(step: 20, values: [("loss", .single(.nan)), ("count", .integer(-3))]),
    MetricsRecord(step: 20, values: [("phase", .text("eval \"1\""))]),
    MetricsRecord(step: 30, values: [("loss", .number(-.infinity)), ("x", .number(1e-300))]),
  ]
  private let text = """
    {"step":10,"loss":0.1,"rate":0.1}
    {"step":20,"loss":"NaN","count":-3}
    {"step":20,"phase":"eval \\"1\\""}
    {"step":30,"loss":"-Infinity","x":1e-300}

    """

  private func written(_ folder: TemporaryFolder) throws {
    let writer = try MetricsWriter(folder.file("m"), continuingFrom: 0)
    for record in records { try writer.append(step: record.step, record.values) }
    try writer.synchronize()
  }

  @Test func linesAreStable() throws {
    let folder = try TemporaryFolder()
    try written(folder)
    #expect(folder.text("m") == text)
  }

  @Test func curvesAreRead() throws {
    let folder = try TemporaryFolder()
    try written(folder)
    let curve = Metrics.curve("loss", in: try Metrics.read(folder.file("m")))
    #expect(curve.map(\.step) == [10, 20, 30])
    #expect(curve[0].value == 0.1)
    #expect(curve[1].value.isNaN)
    #expect(curve[2].value == -.infinity)
  }

  static let cuts: [(text: String, step: Int, kept: String)] = [
    ("", 5, ""),
    ("{\"step\":5}\n", 5, "{\"step\":5}\n"),
    ("{\"step\":5}\n{\"step\":6}\n", 5, "{\"step\":5}\n"),
    (
      "{\"step\":5}\n{\"step\":5,\"a\":1}\n{\"step\":7}\n", 6,
      "{\"step\":5}\n{\"step\":5,\"a\":1}\n"
    ),
    ("{\"step\":5}\n{\"step\":5,\"a\":1", 9, "{\"step\":5}\n"),
    ("{\"step\":5}\n{\"step\":5,\"a\":1}", 9, "{\"step\":5}\n"),
    ("{\"step\":5}\n\0\0\0\0", 9, "{\"step\":5}\n"),
    ("{\"step\":5}\n{\"step\":6,\"a\":1\n", 9, "{\"step\":5}\n"),
    ("{\"step\":5}\n{\"st", 4, ""),
    ("{\"st", 4, ""),
  ]

  @Test(arguments: cuts.indices)
  func cutsBackToTheStep(_ index: Int) throws {
    let (text, step, kept) = Self.cuts[index]
    let folder = try TemporaryFolder()
    try folder.put(text.utf8, at: "m")
    #expect(
      try Metrics.truncate(folder.file("m"), toStep: step) == text.utf8.count - kept.utf8.count)
    #expect(folder.text("m") == kept)
  }

  @Test func damageInTheMiddleIsNotRepaired() throws {
    let folder = try TemporaryFolder()
    let text = "{\"step\":1}\n{\"step\":x}\n{\"step\":3}\n"
    try folder.put(text.utf8, at: "m")
    let error = #expect(throws: FormatError.self) {
      try Metrics.truncate(folder.file("m"), toStep: 5)
    }
    #expect(
      error?.problem == "line 2 is damaged or later than step 5, but line 3 is of step 3")
    #expect(folder.text("m") == text)
    #expect(
      throws: FormatError(
        path: folder.file("m"), problem: "line 2: expected a number of steps at byte 8, found \"x\""
      )
    ) { try Metrics.read(folder.file("m")) }
  }

  @Test func aResumedFileIsTheUnbrokenOne() throws {
    let folder = try TemporaryFolder()
    try written(folder)
    for step in [10, 20, 25] {
      try folder.put(text.utf8.dropLast(step), at: "m")
      let writer = try MetricsWriter(folder.file("m"), continuingFrom: step)
      for record in records where record.step > step {
        try writer.append(step: record.step, record.values)
      }
      #expect(folder.text("m") == text, "from step \(step)")
    }
  }

  @Test func aMissingFileIsNothingToCut() throws {
    let folder = try TemporaryFolder()
    #expect(try Metrics.truncate(folder.file("m"), toStep: 5) == 0)
    #expect(folder.names().isEmpty)
  }
}
