import Domains
import Experiments
import Runs
import Support

/// Time to train for, from which the number of steps is chosen by measuring this machine.
package struct TimeBudget {
  /// An experiment with its number of steps, and the commands that reproduce and resume its run.
  package struct Resolved {
    package let experiment: Experiment
    let command, resumeCommand: String

    package init(experiment: Experiment, command: String, resumeCommand: String) {
      (self.experiment, self.command) = (experiment, command)
      self.resumeCommand = resumeCommand
    }
  }

  /// Fewest steps that are worth a run.
  private static let fewestSteps = 10
  /// Largest number of steps of an experiment.
  private static let mostSteps = 16_000_000

  private let minutes: Double
  private let resolve: ([String]) throws -> Resolved

  /// Makes a budget.
  ///
  /// - Parameters:
  ///   - minutes: Duration of the whole training, above 0.
  ///   - resolve: Resolves the experiment with further settings, such as "steps=4500".
  package init(minutes: Double, resolve: @escaping ([String]) throws -> Resolved) {
    (self.minutes, self.resolve) = (minutes, resolve)
  }

  /// Checks that no run is in the way, before anything is measured.
  ///
  /// - Throws: `FigmentError` if a run to resume exists, or the folder given by the user is in use.
  func check(_ experiment: Experiment, folder: String?, resumes: Bool) throws {
    let keys = Set(ScaledSetting.all(of: experiment).map(\.key) + ["steps"])
    guard
      let found = try RunFolder.existing(
        name: experiment.name, experiment: experiment.yaml, explicit: folder, resumes: resumes,
        ignoring: keys)
    else { return }
    throw FigmentError(
      "--minutes: \(printable(found.folder)) already holds a run, with its own number of steps; resume it "
        + "with: \(try resolve(found.settings).resumeCommand)")
  }

  /// Chooses the number of steps.
  ///
  /// - Parameters:
  ///   - pace: Times measured on this machine.
  ///   - spent: Seconds of preparation, before the first step of the run.
  /// - Returns: The experiment with that number, and a line for the user.
  /// - Throws: `FigmentError` if the time is too short for a sample grid, or longer than the most
  ///   steps take.
  package func choose(_ experiment: Experiment, _ pace: Pace, spent: Double) throws -> (
    Resolved, String
  ) {
    func seconds(_ steps: Int) -> Double {
      spent + pace.seconds(ScaledSetting.lasting(steps, experiment))
    }
    let budget = 60 * minutes
    let least = seconds(Self.fewestSteps)
    guard least <= budget else {
      // Measured times vary from one start to the next.
      throw FigmentError(
        "--minutes: \(decimal(minutes)) is too short: here one sample grid takes "
          + "\(Pace.spoken(pace.preview)), and preparation, pictures and \(Self.fewestSteps) steps "
          + "\(Pace.spoken(least)); expected at least \(decimal(Self.roundedUp(1.25 * least / 60)))"
      )
    }
    let most = seconds(Self.mostSteps)
    guard most >= budget else {
      throw FigmentError(
        "--minutes: \(decimal(minutes)) is too long: the most steps of an experiment, "
          + "\(grouped(Self.mostSteps)), take \(Pace.spoken(most)) here; expected at most "
          + "\(Int(most / 60))")
    }
    var (low, high) = (Self.fewestSteps, Self.mostSteps)
    while high - low > 1 {
      let middle = (low + high) / 2
      if seconds(middle) <= budget { low = middle } else { high = middle }
    }
    let steps = Self.roundedDown(low)
    let changed = ScaledSetting.changes(steps, experiment)
    let settings = ["steps=\(steps)"] + changed.map { "\($0.key)=\($0.value)" }
    let resolved = try resolve(settings)
    let saved =
      changed.isEmpty ? "steps" : list(["steps"] + changed.map { "\($0.key) \($0.value)" })
    return (
      resolved, "\(pace.words(resolved.experiment)); saved in the run's experiment: \(saved)"
    )
  }

  private func list(_ words: [String]) -> String { words.joined(separator: ", ") }

  /// The number with its three leading digits, the others 0.
  static func roundedDown(_ number: Int) -> Int {
    var unit = 1
    while number / unit >= 1000 { unit *= 10 }
    return number / unit * unit
  }

  /// The next number of two significant digits, or from 10 the next whole number.
  package static func roundedUp(_ number: Double) -> Double {
    var (scale, places) = (number, 0)
    while scale < 10 { (scale, places) = (scale * 10, places + 1) }
    var result = number.rounded(.up)
    if places > 0 {
      // Division by a power of ten gives the double that is printed with that many digits.
      var power = 1.0
      for _ in 0..<places { power *= 10 }
      result = (number * power).rounded(.up) / power
    }
    return result
  }
}

/// A setting counted in steps that a shorter run has to reduce.
package struct ScaledSetting {
  /// Key in experiment files.
  package let key: String
  /// Value for the experiment's own number of steps.
  package let value: Int
  /// Fraction of the run beyond which the value is useless.
  let limit: Double
  /// Fraction of the run that replaces it.
  let fraction: Double

  /// The settings of an experiment: intervals within the run, and the warm-up of rates and losses
  /// in its first half.
  static func all(of experiment: Experiment) -> [ScaledSetting] {
    let report = experiment.report
    let intervals = [
      ("report.metricsEvery", report.metricsEvery), ("report.samplesEvery", report.samplesEvery),
      ("report.checkpointEvery", report.checkpointEvery),
    ]
    let warmups =
      [("optimizer.warmup", experiment.optimizer.warmup)]
      + (experiment.model.warmup.map { [($0.key, $0.steps)] } ?? [])
    return intervals.map { ScaledSetting(key: $0, value: $1, limit: 1, fraction: 0.5) }
      + warmups.map { ScaledSetting(key: $0, value: $1, limit: 0.5, fraction: 0.1) }
  }

  /// The settings that a run of `steps` steps changes, with their values.
  ///
  /// A value that is beyond the limit for the experiment's own number of steps is meant so, and
  /// stays.
  package static func changes(_ steps: Int, _ experiment: Experiment) -> [(key: String, value: Int)]
  {
    all(of: experiment).compactMap { setting in
      guard Double(setting.value) <= setting.limit * Double(experiment.steps),
        Double(setting.value) > setting.limit * Double(steps)
      else { return nil }
      return (setting.key, max(1, Int(setting.fraction * Double(steps))))
    }
  }

  /// The experiment with `steps` steps and its intervals changed, to compute its duration.
  static func lasting(_ steps: Int, _ experiment: Experiment) -> Experiment {
    var result = experiment
    result.steps = steps
    for (key, value) in changes(steps, experiment) {
      if key == "report.samplesEvery" { result.report.samplesEvery = value }
      if key == "report.checkpointEvery" { result.report.checkpointEvery = value }
    }
    return result
  }
}
