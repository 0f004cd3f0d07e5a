import Formats
import Glibc
import Support

/// One line of a file of metrics: the step and the figures, in the order they were written.
package struct MetricsRecord: Equatable, Sendable {
  /// The number of steps that were done when the line was written.
  package let step: Int
  /// The figures by name.
  package let values: [(name: String, value: JSONValue)]

  /// Makes a record of the figures after `step` steps.
  package init(step: Int, values: [(name: String, value: JSONValue)]) {
    self.step = step
    self.values = values
  }

  /// The figure of a name, if the line has it.
  package subscript(name: String) -> JSONValue? { values.first { $0.name == name }?.value }

  /// Equal steps, names, figures and order.
  package static func == (a: MetricsRecord, b: MetricsRecord) -> Bool {
    a.step == b.step && a.values.elementsEqual(b.values, by: ==)
  }

  package var line: String {
    JSONObject([("step", .integer(step))] + values).description + "\n"
  }

  package init(line: ArraySlice<UInt8>) throws {
    var cursor = JSONCursor(Array(line))
    var step: Int?
    var values: [(name: String, value: JSONValue)] = []
    try cursor.object("an object") { name, cursor in
      if step == nil {
        guard name == "step" else {
          throw FigmentError("expected \"step\" first, found \(quoted(name))")
        }
        step = try cursor.count("a number of steps")
      } else if cursor.peek() == UInt8(ascii: "\"") {
        values.append((name, .text(try cursor.string("a figure"))))
      } else {
        let text = try cursor.number("a figure")
        if let whole = Int(text) {
          values.append((name, .integer(whole)))
        } else {
          values.append((name, .number(Double(text) ?? .nan)))
        }
      }
    }
    try cursor.end()
    guard let step else { throw FigmentError("expected \"step\"") }
    self.init(step: step, values: values)
  }
}

/// What a file of metrics holds: its records, and what is wrong with it.
package struct MetricsFile: Sendable {
  /// The lines that are records, in their order.
  package let records: [MetricsRecord]
  /// The first of the lines that are none and how many more there are, or nil where all are.
  package let damage: FigmentError?

  /// The damage as a warning says it.
  package var warning: String? { damage.map { "\($0); passed over" } }
}

/// Files of metrics: one JSON object a line, `{"step":500,"loss":0.25}`.
///
/// Keys keep the order they are written in, numbers have the fewest digits that read back as the
/// same number, and what JSON has no number for is the string "NaN", "Infinity" or "-Infinity".
///
/// A line that is no record, whoever wrote it, is passed over: figures that are lost make no checkpoint
/// useless.
package enum Metrics {
  /// Reads the lines of a file; a last line that is still being written is left out.
  ///
  /// - Throws: `FigmentError` where the file cannot be read.
  package static func read(_ path: String) throws -> MetricsFile {
    let bytes = try FileSystem.read(path, limit: .max)
    var records: [MetricsRecord] = []
    var damage = Damage()
    for (index, line) in lines(of: bytes).enumerated() {
      do {
        records.append(try MetricsRecord(line: bytes[line]))
      } catch let error as FigmentError {
        damage.note(error.problem, line: index + 1)
      }
    }
    return MetricsFile(records: records, damage: damage.error(path))
  }

  /// The points of one figure in a list of records: steps and finite or non-finite values.
  package static func curve(
    _ name: String, in records: [MetricsRecord]
  ) -> [(step: Int, value: Double)] {
    records.compactMap { record in record[name]?.double.map { (record.step, $0) } }
  }

  /// Cuts a file back to the records of at most `step` steps; lines that are no records, a torn last one
  /// included, go as well.
  ///
  /// A file that does not exist stays so. Where only its end goes it is cut; else it is written anew, whole
  /// or not at all.
  ///
  /// - Returns: The number of bytes that were cut off, and the lines among them that were no records.
  /// - Throws: `FigmentError` where the file cannot be read or cut.
  @discardableResult
  package static func truncate(
    _ path: String, toStep step: Int
  ) throws -> (bytes: Int, damage: FigmentError?) {
    guard FileSystem.kind(of: path) != .nothing else { return (0, nil) }
    let file = try OpenFile(path, flags: O_RDWR)
    let bytes = try file.bytes(at: 0, count: file.length())
    var kept: [UInt8] = []
    var isPrefix = true
    var end = 0
    var damage = Damage()
    var count = 0
    for line in lines(of: bytes) {
      count += 1
      let whole = line.lowerBound..<line.upperBound + 1
      do {
        guard try MetricsRecord(line: bytes[line]).step <= step else { continue }
        isPrefix = isPrefix && whole.lowerBound == kept.count
        kept += bytes[whole]
      } catch let error as FigmentError {
        damage.note(error.problem, line: count)
      }
      end = whole.upperBound
    }
    if end < bytes.count, bytes.last != 0x0A { damage.note("torn", line: count + 1) }
    guard kept.count < bytes.count else { return (0, nil) }
    if isPrefix {
      guard ftruncate(file.descriptor, off_t(kept.count)) == 0 else {
        throw FigmentError(path: path, operation: "cut back", code: errno)
      }
      try file.synchronize()
    } else {
      try writeAtomically(kept, to: path)
    }
    return (bytes.count - kept.count, damage.error(path))
  }

  /// The lines of a file that are no records.
  private struct Damage {
    private var first: String?
    private var more = 0

    mutating func note(_ problem: String, line: Int) {
      if first == nil { first = "line \(line): \(problem)" } else { more += 1 }
    }

    func error(_ path: String) -> FigmentError? {
      guard let first else { return nil }
      let rest = more == 0 ? "" : "; \(counted(more, "line")) more"
      return FigmentError(path: path, problem: first + rest)
    }
  }

  /// The ranges of the lines that end in a line feed, without it.
  private static func lines(of bytes: [UInt8]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var start = 0
    while let end = bytes[start...].firstIndex(of: 0x0A) {
      result.append(start..<end)
      start = end + 1
    }
    return result
  }
}

/// Appends lines to a file of metrics.
///
/// Every line goes to the system whole and at once, so that a killed process loses none; the
/// system writes it to the disk when it likes. `synchronize()` waits for the disk: call it before
/// a checkpoint is written, so that no checkpoint is ahead of its metrics after a power cut.
package struct MetricsWriter: ~Copyable, Sendable {
  private let file: OpenFile
  /// What was cut out of the file because it was no record, as a warning says it.
  package let warning: String?

  /// Opens `path`, cut back to the records of at most `step` steps; step 0 begins anew.
  ///
  /// - Throws: as `Metrics.truncate(_:toStep:)`.
  package init(_ path: String, continuingFrom step: Int) throws {
    let cut = try Metrics.truncate(path, toStep: step == 0 ? -1 : step)
    let file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_APPEND)
    self.warning = cut.damage.map { "\($0); cut out" }
    self.file = file
  }

  /// Appends one line.
  ///
  /// - Throws: `FigmentError` where it cannot be written; the file then ends with the line before.
  package func append(step: Int, _ values: [(name: String, value: JSONValue)]) throws {
    let line = Array(MetricsRecord(step: step, values: values).line.utf8)
    let length = try file.length()
    do {
      try line.withUnsafeBytes { try file.write($0) }
    } catch {
      _ = ftruncate(file.descriptor, off_t(length))
      throw error
    }
  }

  /// Waits until all lines are on the disk.
  ///
  /// - Throws: `FigmentError` where the disk refuses.
  package func synchronize() throws { try file.synchronize() }
}
