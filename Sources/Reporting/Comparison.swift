import Configuration
import Formats
import Images
import Runs
import Support

/// A comparison of runs: their curves, and the settings that differ.
package struct Comparison: Sendable {
  private struct Entry: Sendable {
    let name: String
    let checkpoint: Checkpoint
    let settings: [(path: String, text: String)]
    let records: [MetricsRecord]
    let minutes: [Int: Double]

    func setting(_ path: String) -> String? { settings.first { $0.path == path }?.text }
    var losses: [Double] { records.compactMap { $0["loss"]?.double } }
    var lastLoss: Double? { losses.last }

    /// The last loss, with as many digits as it would share with the same run under other draws.
    var lastLossText: String {
      guard let lastLoss else { return "-" }
      return DecimalPlace(error: spread(losses.suffix(20)))(lastLoss)
    }
  }

  private let entries: [Entry]
  private let differences: [String]
  /// Warnings about damaged files of metrics; their intact lines are used.
  package let warnings: [String]

  /// Reads the runs in `folders`, without the arrays of their checkpoints.
  ///
  /// - Parameter remark: Receives the reason for each path that is skipped.
  /// - Throws: `FigmentError` if a path does not exist or a run is damaged.
  package init(folders: [String], remark: (String) -> Void = { _ in }) throws {
    var warnings: [String] = []
    func records(_ path: String) -> [MetricsRecord] {
      // A run that stopped before its first line of metrics has no such file.
      guard FileSystem.kind(of: path) != .nothing else { return [] }
      do {
        let file = try Metrics.read(path)
        if let warning = file.warning { warnings.append(warning) }
        return file.records
      } catch {
        warnings.append("\(error); skipped")
        return []
      }
    }
    let found = try chosenRuns(folders, remark: remark) { folder in
      (path: RunPaths(folder), checkpoint: try RunPaths(folder).loadCheckpoint())
    }
    let entries = try found.map { path, checkpoint in
      let tree = try ConfigurationTree(yaml: checkpoint.experiment.yaml, file: path.checkpoint)
      return Entry(
        name: path.folder, checkpoint: checkpoint, settings: tree.leaves,
        records: records(path.metrics), minutes: minutes(records(path.timings)))
    }
    self.warnings = warnings
    var keys: [String] = []
    for key in entries.flatMap(\.settings).map(\.path) where !keys.contains(key) {
      keys.append(key)
    }
    differences = keys.filter { key in Set(entries.map { $0.setting(key) }).count > 1 }
    self.entries = entries
  }

  /// Number of runs.
  package var count: Int { entries.count }

  /// Table rows with a column per run: the settings that differ, the steps done, the last loss.
  package var rows: [[String]] {
    func row(_ name: String, _ value: (Entry) -> String) -> [String] {
      [name] + entries.map(value)
    }
    return [row("") { printable($0.name) }]
      + differences.map { key in
        row(printable(key)) { $0.setting(key).map { printable($0, limit: 40) } ?? "-" }
      } + [
        row("steps done") { "\($0.checkpoint.step) of \($0.checkpoint.experiment.steps)" },
        row("last loss") { $0.lastLossText },
      ]
  }

  /// JSON array with an object per run; differing settings are strings, null if the run lacks the
  /// key.
  package var json: String {
    let objects = entries.map { entry in
      let settings = differences.map { key in
        jsonString(key) + ":" + (entry.setting(key).map { jsonString($0) } ?? "null")
      }
      let known: [(name: String, value: JSONValue)] = [
        ("run", .text(entry.name)), ("step", .integer(entry.checkpoint.step)),
        ("steps", .integer(entry.checkpoint.experiment.steps)),
      ]
      let loss = entry.lastLoss.map { JSONValue.number($0).json } ?? "null"
      return JSONObject(known).description.dropLast()
        + ",\"last_loss\":\(loss),\"settings\":{\(settings.joined(separator: ","))}}"
    }
    return "[" + objects.joined(separator: ",") + "]"
  }

  /// PNG of the curves of all runs, or nil if no run has metrics yet.
  ///
  /// - Parameter isOverMinutes: True if the x axis is minutes of training rather than steps.
  package func picture(command: String, isOverMinutes: Bool = false) throws -> [UInt8]? {
    let runs = entries.map {
      CurveSource(
        name: printable($0.name), records: $0.records,
        isClipped: $0.checkpoint.experiment.optimizer.clip != nil,
        minutes: isOverMinutes ? $0.minutes : nil)
    }
    guard let bitmap = try curves(runs, title: "") else { return nil }
    return try PNG.encode(
      bitmap, text: [("Software", "figment \(figmentVersion)"), ("figment.command", command)])
  }
}

/// Standard deviation of a slowly drifting series about its trend, from the squares of successive
/// differences (von Neumann 1941); NaN for fewer than three values.
package func spread(_ values: ArraySlice<Double>) -> Double {
  guard values.count > 2 else { return .nan }
  let squares = zip(values, values.dropFirst()).reduce(0) { $0 + ($1.1 - $1.0) * ($1.1 - $1.0) }
  return (squares / Double(2 * (values.count - 1))).squareRoot()
}

/// Minutes of training up to each step that has a line in a file of timings.
private func minutes(_ timings: [MetricsRecord]) -> [Int: Double] {
  var (seconds, result): (Double, [Int: Double]) = (0, [:])
  for record in timings {
    seconds += record["seconds"]?.double ?? 0
    result[record.step] = seconds / 60
  }
  return result
}
