import ArgumentParser
import Foundation
import TensorCore
import Training

/// Measures what checkpoints and the checks of every step cost, as shares of the time of training.
struct Overhead: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures what checkpoints, and asking of each step whether it is finite, cost.",
    discussion: """
      Two programs of the same experiment take turns, one of them without the checks; the share is the median \
      over the turns, with the ranks between which it lies with 95 % confidence. A checkpoint is written nine \
      times. An otherwise idle machine, please.
      """)

  @Argument(help: "Experiment files.")
  var experiments: [String]

  @Option(help: "Seconds of each turn, about.")
  var seconds = 0.1

  @Option(help: "Turns.")
  var turns = 100

  @Option(help: ArgumentHelp("The folder of downloaded data sets.", valueName: "dir"))
  var dataDirectory = "data"

  func run() throws {
    var rows = [
      [
        "experiment", "ms a step", "checks", "95 %", "a checkpoint, ms", "every steps",
        "checkpoints", "together",
      ]
    ]
    for path in experiments { rows.append(try row(try Experiment(contentsOf: path))) }
    for line in columns(rows) { print(line) }
  }

  private func row(_ experiment: Experiment) throws -> [String] {
    let data = try TrainingData(standingInFor: experiment.data, directory: dataDirectory)
    let programs = try [true, false].map { isChecked in
      try TrainingProgram(
        experiment, data, try Runtime(seed: 0, threads: Runtime.processors), isChecked: isChecked)
    }
    let clock = ContinuousClock()
    func time(_ body: () throws -> Void) rethrows -> Double {
      try clock.measure(body) / .seconds(1)
    }
    var step = 0
    func turn(_ program: TrainingProgram, _ steps: Int) throws -> Double {
      try time { for i in step..<step + steps { try program.runUnreported(step: i) } }
        / Double(steps)
    }
    for program in programs { _ = try turn(program, 3) }
    let count = max(1, Int(try seconds / turn(programs[0], 3)))
    var (shares, times): ([Double], [Double]) = ([], [])
    for i in 0..<turns {
      step += count
      // Each goes first in turn.
      let first = try turn(programs[i % 2], count)
      let second = try turn(programs[1 - i % 2], count)
      let (checked, unchecked) = i % 2 == 0 ? (first, second) : (second, first)
      shares.append(checked / unchecked - 1)
      times.append(checked)
    }
    let path = FileManager.default.temporaryDirectory.path + "/figment-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writes = try (0..<9).map { _ in
      try time {
        try Checkpoint.write(programs[0].runtime, experiment, data.domain, step: 0, to: path)
      }
    }
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }
    let (share, seconds) = (median(shares), median(times))
    // Ranks of a median: binomial, by its normal approximation.
    let apart = 0.98 * Double(shares.count).squareRoot()
    let low = Swift.max(0, Int(Double(shares.count) / 2 - apart))
    let high = shares.count - 1 - low
    let every = experiment.report.checkpointEvery
    let saving = median(writes) / (Double(every) * seconds)
    return [
      experiment.name, String(format: "%.2f", 1e3 * seconds), percent(share),
      "\(percent(shares.sorted()[low])) to \(percent(shares.sorted()[high]))",
      String(format: "%.1f", 1e3 * median(writes)), "\(every)", percent(saving),
      percent(share + saving),
    ]
  }
}
