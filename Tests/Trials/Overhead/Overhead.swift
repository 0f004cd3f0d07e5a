import ArgumentParser
import Domains
import Experiments
import Foundation
import Runs
import TensorCore
import Training

/// Measures the cost of checkpoints and of finiteness checks, as fractions of training time.
struct Overhead: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the cost of checkpoints and of checking each step for finite values.",
    discussion: """
      Two programs of the same experiment take turns, one of them without the checks. Several such pairs are \
      measured, because the location of a program in memory matters, too; the result is the median over the \
      pairs of their medians, with a 95 % confidence interval from ranks. A checkpoint is written nine times. \
      Use an otherwise idle machine.
      """)

  @Argument(help: "Experiment files.")
  var experiments: [String]

  @Option(help: "Approximate duration of each turn, in seconds.")
  var seconds = 0.1

  @Option(help: "Number of turns of each pair.")
  var turns = 10

  @Option(help: "Number of pairs of programs, at least 2.")
  var pairs = 16

  @Option(help: ArgumentHelp("Folder of downloaded data sets.", valueName: "dir"))
  var dataDirectory = "data"

  func validate() throws {
    guard turns > 0, pairs > 1 else {
      throw ValidationError("--turns: expected at least 1, and --pairs at least 2")
    }
  }

  func run() throws {
    var rows = [
      [
        "experiment", "ms per step", "checks", "95 %", "a checkpoint, ms", "every steps",
        "checkpoints", "together",
      ]
    ]
    for path in experiments { rows.append(try row(try Experiment(contentsOf: path))) }
    for line in columns(rows) { print(line) }
  }

  private func row(_ experiment: Experiment) throws -> [String] {
    let data = try TrainingData(standingInFor: experiment.data, directory: dataDirectory)
    let found = try (0..<pairs).map { try pair(experiment, data, isCheckedFirst: $0 % 2 == 0) }
    let shares = found.map(\.share).sorted()
    let share = median(shares)
    // Ranks of the interval: binomial, by its normal approximation.
    let low = Swift.max(0, Int(Double(pairs) / 2 - 0.98 * Double(pairs).squareRoot()))
    let step = median(found.map(\.seconds))

    let program = try TrainingProgram(experiment, data, runtime())
    let path = FileManager.default.temporaryDirectory.path + "/figment-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let writing = median(
      try (0..<9).map { _ in
        try time {
          try Checkpoint.write(program.runtime, experiment, data.domain, step: 0, to: path)
        }
      })
    func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }
    let every = experiment.report.checkpointEvery
    let saving = writing / (Double(every) * step)
    return [
      experiment.name, String(format: "%.2f", 1e3 * step), percent(share),
      "\(percent(shares[low])) to \(percent(shares[pairs - 1 - low]))",
      String(format: "%.1f", 1e3 * writing), "\(every)", percent(saving), percent(share + saving),
    ]
  }

  /// Cost of the checks as a fraction of a step, and the duration of a checked step in seconds.
  private func pair(_ experiment: Experiment, _ data: TrainingData, isCheckedFirst: Bool) throws
    -> (share: Double, seconds: Double)
  {
    let isChecked = [isCheckedFirst, !isCheckedFirst]
    let programs = try isChecked.map {
      try TrainingProgram(experiment, data, runtime(), isChecked: $0)
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
      // The programs alternate in going first.
      let first = try turn(programs[i % 2], count)
      let second = try turn(programs[1 - i % 2], count)
      let (checked, unchecked) = isChecked[i % 2] ? (first, second) : (second, first)
      shares.append(checked / unchecked - 1)
      times.append(checked)
    }
    return (median(shares), median(times))
  }

  private func runtime() throws -> Runtime { try Runtime(seed: 0, threads: Runtime.processors) }

  private func time(_ body: () throws -> Void) rethrows -> Double {
    try ContinuousClock().measure(body) / .seconds(1)
  }

  private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
