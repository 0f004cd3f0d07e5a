import Runs
import TestSupport
import Testing

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
    let curve = Metrics.curve("loss", in: try Metrics.read(folder.file("m")).records)
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
      try Metrics.truncate(folder.file("m"), toStep: step).bytes == text.utf8.count
        - kept.utf8.count)
    #expect(folder.text("m") == kept)
  }

  /// Files with invalid lines, their contents after cutting to step 5, and the start of the damage
  /// message.
  static let foreign: [(text: String, kept: [Int], damage: String?)] = [
    ("{\"step\":1}\n{\"step\":3}\n", [1, 3], nil),
    ("{\"step\":1}\r\n{\"step\":3}\r\n", [1, 3], nil),
    (
      "{\"step\":1}\n{\"step\":x}\n{\"step\":3}\n", [1, 3],
      "line 2: expected a number of steps at byte 8"
    ),
    ("steps 1/3 (33 %)\n{\"step\":1}\n{\"step\":3}\n", [1, 3], "line 1: expected an object"),
    (
      "{\"step\":1}\n\n\n{\"step\":3}\n", [1, 3],
      "line 2: expected an object at byte 0, found the end; 1 line more"
    ),
    ("{\"step\":1}\n{\"step\":3}\nbye\n\u{0}\u{1}\u{7F}\n", [1, 3], "line 3: expected an object"),
    ("{\"step\":1}\n{\"step\":9}\n{\"step\":3}\n", [1, 3], nil),
    ("{\"step\":1}{\"step\":2}\n{\"step\":3}\n", [3], "line 1: expected the end"),
    ("\u{FEFF}{\"step\":1}\n{\"step\":3}\n", [3], "line 1: expected an object"),
    (
      String(repeating: "x", count: 3_000_000) + "\n{\"step\":3}\n", [3],
      "line 1: expected an object"
    ),
    ("{\"step\":3}\n{\"step\":4,\"lo", [3], "line 2: torn"),
    ("nothing at all", [], "line 1: torn"),
  ]

  @Test(arguments: foreign.indices)
  func invalidLinesAreSkippedAndRemoved(_ index: Int) throws {
    let (text, kept, damage) = Self.foreign[index]
    let folder = try TemporaryFolder()
    let path = folder.file("m")
    try folder.put(text.utf8, at: "m")
    let read = try Metrics.read(path)
    #expect(read.records.map(\.step).filter { $0 <= 5 } == kept)
    // A reader ignores an incomplete last line silently.
    if damage?.hasSuffix("torn") == true {
      #expect(read.damage == nil)
    } else {
      #expect((read.damage == nil) == (damage == nil))
      #expect(
        read.damage.map { $0.problem.hasPrefix(damage ?? "") } ?? true, "\(read.damage as Any)")
    }
    let cut = try Metrics.truncate(path, toStep: 5)
    #expect((cut.damage == nil) == (damage == nil))
    #expect(cut.damage.map { $0.problem.hasPrefix(damage ?? "") } ?? true, "\(cut.damage as Any)")
    let after = try Metrics.read(path)
    #expect(after.records.map(\.step) == kept && after.damage == nil)
    #expect(cut.bytes == text.utf8.count - (folder.text("m") ?? "").utf8.count)
    #expect(folder.names() == ["m"])
    // The file can be appended to.
    let writer = try MetricsWriter(path, continuingFrom: 5)
    try writer.append(step: 6, [])
    #expect(try Metrics.read(path).records.map(\.step) == kept + [6])
  }

  @Test func invalidUTF8IsADamagedLine() throws {
    let folder = try TemporaryFolder()
    var random = SystemRandomNumberGenerator()
    let noise = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) }
      .filter { $0 != 0x0A && $0 != 0x7B }
    try folder.put(Array("{\"step\":1}\n".utf8) + noise + Array("\n{\"step\":2}\n".utf8), at: "m")
    #expect(try Metrics.read(folder.file("m")).records.map(\.step) == [1, 2])
    #expect(try Metrics.truncate(folder.file("m"), toStep: 2).damage != nil)
    #expect(folder.text("m") == "{\"step\":1}\n{\"step\":2}\n")
  }

  @Test func aResumedFileEqualsAnUninterruptedOne() throws {
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

  @Test func cuttingAMissingFileDoesNothing() throws {
    let folder = try TemporaryFolder()
    #expect(try Metrics.truncate(folder.file("m"), toStep: 5).bytes == 0)
    #expect(folder.names().isEmpty)
  }
}
