import Experiments
import Runs
import Support
import TensorCore

/// Detector of diverging losses during training.
///
/// A critic's loss diverges above 100 times its running median, and any loss if it is above 100
/// times its initial size for 100 steps. The losses of a generator and its critic start small and
/// change sign, so the rules use absolute values, and an initial size below 1 counts as 1, the
/// order of magnitude of scores.
package struct Divergence: Sendable {
  /// Factor over the median, or over the initial size, at which a loss has diverged.
  package static let factor = 100.0
  /// Number of steps that a loss must stay above its initial size, and that a median requires.
  package static let patience = 100

  private struct Rule: Sendable {
    let name: String
    let isAdversarial: Bool
    let hasMedian: Bool
    /// Absolute values of the first losses; their median is the initial size.
    var first: [Double] = []
    var start: Double?
    var window = RunningMedian(count: 1000)
    /// Number of consecutive steps with the loss far above its initial size, or not.
    var (stepsAbove, stepsBelow) = (0, 0)
    /// True if each warning was given; once per run is enough.
    var (hasSaidMedian, hasSaidStart) = (false, false)
    var (isAboveMedian, isAboveStart) = (false, false)
    private(set) var latest = 0.0

    init(name: String, isAdversarial: Bool, hasMedian: Bool) {
      (self.name, self.isAdversarial, self.hasMedian) = (name, isAdversarial, hasMedian)
    }

    /// Reference for later losses, or nil if the first ones were 0.
    private func median(ofTen sizes: [Double]) -> Double {
      let median = sizes.sorted()[5]
      return isAdversarial ? max(median, 1) : median > 0 ? median : .infinity
    }

    /// Records a loss that stands for `steps` steps; returns whether a diverging state began for
    /// the first time.
    mutating func observe(_ loss: Double, steps: Int) -> (aboveMedian: Bool, aboveStart: Bool) {
      latest = loss
      let size = isAdversarial ? abs(loss) : loss
      if hasMedian {
        // Outliers do not enter the median; otherwise a persistent divergence would end the state by
        // itself.
        isAboveMedian =
          window.count >= patience && size > factor * max(window.median, .leastNormalMagnitude)
        if !isAboveMedian { for _ in 0..<min(steps, 1000) { window.append(size) } }
      }
      if first.count < 10 {
        first += [Double](repeating: abs(loss), count: min(steps, 10 - first.count))
        if first.count == 10 { start = median(ofTen: first) }
      }
      let isAbove = start.map { size > factor * $0 } ?? false
      (stepsAbove, stepsBelow) = isAbove ? (stepsAbove + steps, 0) : (0, stepsBelow + steps)
      // A swinging loss may be small from time to time.
      if stepsAbove >= patience { isAboveStart = true }
      if stepsBelow >= patience { isAboveStart = false }
      let began = (isAboveMedian && !hasSaidMedian, isAboveStart && !hasSaidStart)
      (hasSaidMedian, hasSaidStart) = (hasSaidMedian || began.0, hasSaidStart || began.1)
      return began
    }
  }

  private var rules: [Rule]

  /// Makes a detector for the losses of a model.
  package init(_ model: any ModelSettings) {
    if model.isAdversarial {
      rules = [
        Rule(name: "criticLoss", isAdversarial: true, hasMedian: true),
        Rule(name: "loss", isAdversarial: true, hasMedian: false),
      ]
    } else {
      rules = [Rule(name: "loss", isAdversarial: false, hasMedian: false)]
    }
  }

  /// Records the losses by name after a step and returns new warnings, each of them once per run.
  package mutating func warnings(
    _ losses: [(name: String, value: Double)], steps: Int = 1
  ) -> [String] {
    rules.indices.flatMap { i -> [String] in
      let name = rules[i].name
      guard let loss = losses.first(where: { $0.name == name })?.value else { return [] }
      let began = rules[i].observe(loss, steps: steps)
      return (began.aboveMedian ? [medianProblem(rules[i]) + "; " + Self.remedy(rules[i])] : [])
        + (began.aboveStart ? [startProblem(rules[i]) + "; " + Self.remedy(rules[i])] : [])
    }
  }

  /// Replays the metrics recorded by a run before it was interrupted.
  package mutating func replay(_ records: [MetricsRecord]) {
    var before = 0
    for record in records where record.step > before {
      let losses = record.values.compactMap { name, value in value.double.map { (name, $0) } }
      guard losses.contains(where: { $0.0 == "loss" }) else { continue }
      _ = warnings(losses, steps: record.step - before)
      before = record.step
    }
  }

  /// The reason why the run has diverged as of the latest step, or nil.
  package var verdict: String? {
    for rule in rules {
      if rule.isAboveMedian { return medianProblem(rule) }
      if rule.isAboveStart { return startProblem(rule) }
    }
    return nil
  }

  private func title(_ rule: Rule) -> String {
    rule.name == "criticLoss" ? "the critic's loss" : "the loss"
  }

  private func medianProblem(_ rule: Rule) -> String {
    "\(title(rule)), \(rounded(rule.latest)), is above \(decimal(Self.factor)) times its running median, "
      + rounded(rule.window.median)
  }

  private func startProblem(_ rule: Rule) -> String {
    "\(title(rule)), \(rounded(rule.latest)), has been above \(decimal(Self.factor)) times its start, "
      + "\(rounded(rule.start ?? 0)), for \(Self.patience) steps"
  }

  private static func remedy(_ rule: Rule) -> String {
    rule.isAdversarial
      ? "a lower rate or another constraint may help (optimizer.rate, model.criticRate, model.constraint)"
      : "a lower rate or clipping may help (optimizer.rate, optimizer.clip)"
  }
}

/// Warns of diverging losses.
final class DivergenceObserver: Observer {
  private var divergence: Divergence

  /// Makes an observer.
  ///
  /// - Parameter records: Metrics recorded so far, for a resumed run.
  init(_ model: any ModelSettings, after records: [MetricsRecord]) {
    divergence = Divergence(model)
    divergence.replay(records)
  }

  /// The reason why the run has diverged as of the latest step, or nil.
  var verdict: String? { divergence.verdict }

  func observe(_ report: inout StepReport) {
    let losses = report.figures.losses.map { (name: $0.name, value: Double($0.value)) }
    report.warnings += divergence.warnings(losses)
  }
}
