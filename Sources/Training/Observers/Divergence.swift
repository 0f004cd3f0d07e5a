import Experiments
import Runs
import Support
import TensorCore

/// Looks at the losses of a run while it trains, and says when they have left all bounds.
///
/// A critic's loss has left them above 100 times its running median, and any loss above 100 times its start
/// for 100 steps. The losses of a generator and its critic are small at the start and have both signs, so
/// of them the sizes count, and a start below 1 is taken for 1: scores are of that order.
package struct Divergence: Sendable {
  /// How many times its median, or its start, a loss has to be.
  package static let factor = 100.0
  /// Steps that a loss stays above its start, and after which a median is known.
  package static let patience = 100

  private struct Rule: Sendable {
    let name: String
    let isAdversarial: Bool
    let hasMedian: Bool
    /// The sizes of the first losses, of which the median is the start.
    var first: [Double] = []
    var start: Double?
    var window = RunningMedian(count: 1000)
    /// Steps in a row that the loss has been far above its start, or not.
    var (stepsAbove, stepsBelow) = (0, 0)
    /// What has been said of it: once in a run is enough.
    var (hasSaidMedian, hasSaidStart) = (false, false)
    var (isAboveMedian, isAboveStart) = (false, false)
    private(set) var latest = 0.0

    init(name: String, isAdversarial: Bool, hasMedian: Bool) {
      (self.name, self.isAdversarial, self.hasMedian) = (name, isAdversarial, hasMedian)
    }

    /// What losses are compared with; nothing where the first were 0.
    private func median(ofTen sizes: [Double]) -> Double {
      let median = sizes.sorted()[5]
      return isAdversarial ? max(median, 1) : median > 0 ? median : .infinity
    }

    /// Takes note of a loss that stands for `steps` steps; whether a state has begun for the first time.
    mutating func observe(_ loss: Double, steps: Int) -> (aboveMedian: Bool, aboveStart: Bool) {
      latest = loss
      let size = isAdversarial ? abs(loss) : loss
      if hasMedian {
        // What is far out does not move the median, so that a state does not end by lasting.
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
      // One that swings is now and then small by the way.
      if stepsAbove >= patience { isAboveStart = true }
      if stepsBelow >= patience { isAboveStart = false }
      let began = (isAboveMedian && !hasSaidMedian, isAboveStart && !hasSaidStart)
      (hasSaidMedian, hasSaidStart) = (hasSaidMedian || began.0, hasSaidStart || began.1)
      return began
    }
  }

  private var rules: [Rule]

  /// Looks at the losses that a model has.
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

  /// Takes note of the losses by name after a step; what the user should be told, each thing once.
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

  /// Takes note of what a run has recorded before it was broken off.
  package mutating func replay(_ records: [MetricsRecord]) {
    var before = 0
    for record in records where record.step > before {
      let losses = record.values.compactMap { name, value in value.double.map { (name, $0) } }
      guard losses.contains(where: { $0.0 == "loss" }) else { continue }
      _ = warnings(losses, steps: record.step - before)
      before = record.step
    }
  }

  /// Why the run has diverged, as of the latest step, or nil.
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

/// Warns of losses that leave all bounds.
final class DivergenceObserver: Observer {
  private var divergence: Divergence

  /// - Parameter records: What a run that goes on has recorded so far.
  init(_ model: any ModelSettings, after records: [MetricsRecord]) {
    divergence = Divergence(model)
    divergence.replay(records)
  }

  /// Why the run has diverged, as of the latest step, or nil.
  var verdict: String? { divergence.verdict }

  func observe(_ report: inout StepReport) {
    let losses = report.figures.losses.map { (name: $0.name, value: Double($0.value)) }
    report.warnings += divergence.warnings(losses)
  }
}
