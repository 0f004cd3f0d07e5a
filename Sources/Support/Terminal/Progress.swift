/// The progress of a run on the console: a bar on a terminal, occasional lines elsewhere.
///
/// The rate is measured over the last half minute, so that a slow first step or a pause does not
/// distort it for long. Times are seconds of a monotonic clock, supplied by the caller.
package struct Progress: Sendable {
  /// The form in which progress is shown.
  package enum Style: Sendable {
    /// A bar if the console is a terminal, lines otherwise.
    case automatic
    /// Occasional lines, even on a terminal.
    case lines
    /// No output.
    case quiet
  }

  private let console: Console
  private let style: Style
  private let unit: String
  private let total: Int
  private let clock: @Sendable () -> Double
  private let start: Double
  private var marks: [(time: Double, step: Int)]
  private var nextDrawing: Double
  private var lastDrawn: Int?

  /// Seconds of the system's monotonic clock.
  static let monotonicClock: @Sendable () -> Double = {
    let (seconds, attoseconds) = ContinuousClock().systemEpoch.duration(to: .now).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }

  /// Starts at step `first` of `total`; `unit` is a plural noun such as "steps".
  ///
  /// Only the steps after `first` count towards the rate, so a resumed run shows its own speed.
  package init(
    total: Int, from first: Int = 0, unit: String = "steps", style: Style = .automatic,
    console: Console, clock: @escaping @Sendable () -> Double = Progress.monotonicClock
  ) {
    self.console = console
    self.style = style
    self.unit = unit
    self.total = total
    self.clock = clock
    start = clock()
    marks = [(start, first)]
    nextDrawing = start
    if console.width == nil || style == .lines { nextDrawing += 5 }
  }

  /// Reports that `step` steps are done, and redraws if enough time has passed.
  ///
  /// `note` is evaluated only when the progress is drawn: a few words such as "loss 0.0312".
  package mutating func update(_ step: Int, note: @autoclosure () -> String = "") {
    let now = clock()
    if let last = marks.last, now - last.time >= 1 {
      marks.append((now, step))
      // The first mark is the beginning of the window over which the rate is measured.
      while marks.count > 2, now - marks[1].time >= 30 { marks.removeFirst() }
    }
    guard style != .quiet, now >= nextDrawing || step >= total else { return }
    guard lastDrawn != step else { return }
    lastDrawn = step
    if let width = style == .automatic ? console.width : nil {
      nextDrawing = now + 0.1
      console.show(bar(step, now, note(), width: width))
      if step >= total { console.settle() }
    } else {
      nextDrawing = now + min(60, max(5, (now - start) / 4))
      console.print(line(step, now, note()))
    }
  }

  /// Leaves the bar on the screen before the run ends early.
  package func finish() {
    if style == .automatic { console.settle() }
  }

  private func parts(_ step: Int, _ now: Double, _ note: String) -> [String] {
    var parts: [String] = []
    if let first = marks.first, now > first.time, step > first.step {
      let rate = Double(step - first.step) / (now - first.time)
      parts.append(Self.rate(rate, unit))
      if step < total { parts.append(Self.duration(Double(total - step) / rate) + " left") }
    }
    if step >= total { parts.append(Self.duration(now - start) + " in all") }
    if !note.isEmpty { parts.append(printable(note)) }
    return parts
  }

  private func percentage(_ step: Int) -> Int { total > 0 ? 100 * min(step, total) / total : 100 }

  private func line(_ step: Int, _ now: Double, _ note: String) -> String {
    (["\(unit) \(step)/\(total) (\(percentage(step)) %)"] + parts(step, now, note))
      .joined(separator: ", ")
  }

  private func bar(_ step: Int, _ now: Double, _ note: String, width: Int) -> String {
    let count = "\(step)/\(total)"
    let percent = "\(percentage(step)) %"
    let paddedCount = String(repeating: " ", count: max(0, 2 * "\(total)".count + 1 - count.count))
    let paddedPercent = String(repeating: " ", count: max(0, 5 - percent.count))
    let head = paddedCount + count
    let tail = ([paddedPercent + percent] + parts(step, now, note)).joined(separator: "  ")
    // The last column stays empty: some terminals wrap the line when it is used.
    let room = width - 1 - head.count - tail.count - 4
    let cells = min(30, room)
    if cells >= 5 {
      let full = total > 0 ? min(cells, cells * step / total) : cells
      let filled = String(repeating: "=", count: full)
      let empty = String(repeating: " ", count: cells - full)
      return head + " [" + filled + empty + "] " + tail
    }
    return String((head + " " + tail).prefix(max(0, width - 1)))
  }

  /// A rate such as "4.25 steps/s", or below one per second "2.00 s per step".
  package static func rate(_ rate: Double, _ unit: String) -> String {
    if rate >= 1 || rate <= 0 { return short(rate) + " \(unit)/s" }
    return short(1 / rate) + " s per " + (unit.hasSuffix("s") ? String(unit.dropLast()) : unit)
  }

  /// `value` in about three digits: 0.25, 4.25, 42.5, 425.
  private static func short(_ value: Double) -> String {
    fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0)
  }

  package static func duration(_ seconds: Double) -> String {
    guard seconds < 8.64e6 else { return "over 100 days" }
    let seconds = Int(seconds.rounded())
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    if seconds < 3600 { return "\(seconds / 60):\(two(seconds % 60))" }
    return "\(seconds / 3600):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }
}
