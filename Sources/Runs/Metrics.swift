import Formats
import Glibc
import Support

/// One line of a file of metrics: the step and the metrics, in the order of writing.
package struct MetricsRecord: Equatable, Sendable {
  /// Number of steps done when the line was written.
  package let step: Int
  /// The metrics by name.
  package let values: [(name: String, value: JSONValue)]

  /// Makes a record of the metrics after `step` steps.
  package init(step: Int, values: [(name: String, value: JSONValue)]) {
    self.step = step
    self.values = values
  }

  /// The metric of a name, or nil if the line lacks it.
  package subscript(name: String) -> JSONValue? { values.first { $0.name == name }?.value }

  /// Equality of step, names, values and order.
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
        values.append((name, .text(try cursor.string("a metric"))))
      } else {
        let text = try cursor.number("a metric")
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

/// Contents of a file of metrics: its records, and its damage.
package struct MetricsFile: Sendable {
  /// The lines that are records, in order.
  package let records: [MetricsRecord]
  /// The first invalid line and the number of further ones, or nil if all lines are valid.
  package let damage: FigmentError?

  /// The damage as a warning.
  package var warning: String? { damage.map { "\($0); skipped" } }
}

/// Files of metrics: one JSON object per line, `{"step":500,"loss":0.25}`.
///
/// Keys keep the order of writing, numbers have the fewest digits that read back as the same
/// number, and values that JSON cannot represent are the strings "NaN", "Infinity" and "-Infinity".
///
/// Invalid lines are skipped: lost metrics do not make a checkpoint useless.
package enum Metrics {
  /// Reads the lines of a file, except a last line that is still being written.
  ///
  /// - Throws: `FigmentError` if the file cannot be read.
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

  /// The curve of one metric: its values, finite or not, by step.
  package static func curve(
    _ name: String, in records: [MetricsRecord]
  ) -> [(step: Int, value: Double)] {
    records.compactMap { record in record[name]?.double.map { (record.step, $0) } }
  }

  /// Cuts a file back to the records of at most `step` steps; removes invalid lines as well,
  /// including an incomplete last one.
  ///
  /// A missing file is not created. If only the end has to go, the file is truncated; otherwise it
  /// is rewritten atomically.
  ///
  /// - Returns: The number of bytes removed, and the invalid lines among them.
  /// - Throws: `FigmentError` if the file cannot be read or cut.
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

  /// The invalid lines of a file.
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

  /// Ranges of the lines that end in a line feed, without it.
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
/// Every line is passed to the operating system in one write, so that a killed process loses none.
/// Call `synchronize()`, which waits for the disk, before writing a checkpoint, so that after a
/// power cut no checkpoint is ahead of its metrics.
package struct MetricsWriter: ~Copyable, Sendable {
  private let file: OpenFile
  /// Warning about invalid lines that were removed from the file, or nil.
  package let warning: String?

  /// Opens `path`, cut back to the records of at most `step` steps; step 0 starts an empty file.
  ///
  /// - Throws: as `Metrics.truncate(_:toStep:)`.
  package init(_ path: String, continuingFrom step: Int) throws {
    let cut = try Metrics.truncate(path, toStep: step == 0 ? -1 : step)
    let file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_APPEND)
    self.warning = cut.damage.map { "\($0); removed" }
    self.file = file
  }

  /// Appends one line.
  ///
  /// - Throws: `FigmentError` if it cannot be written; the file then ends with the previous line.
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

  /// Waits until all lines are on disk.
  ///
  /// - Throws: `FigmentError` if synchronization fails.
  package func synchronize() throws { try file.synchronize() }
}
