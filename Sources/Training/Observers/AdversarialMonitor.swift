import Datasets
import Domains
import Experiments
import Formats
import Quality
import Support

/// Observer of a generator and its critic in training: counts the modes of the samples, and detects
/// a network that has stopped learning.
final class AdversarialMonitor: Observer {
  private let set: ToySet?
  private var most = 0
  private var wasSilent = false

  /// Makes an observer, or nil for a model that is not adversarial.
  init?(_ domain: Domain, _ model: any ModelSettings) {
    guard model.isAdversarial else { return nil }
    if case .points(let plane) = domain, let set = plane.set, !set.modes.isEmpty {
      self.set = set
    } else {
      set = nil
    }
  }

  /// True to look at samples after the last step, too.
  var looksAtSamples: Bool { self.set != nil }

  func observe(_ report: inout StepReport) throws {
    let isSilent = !(report.figures.gradientNorm > 1e-9)
    if isSilent, !wasSilent {
      report.warnings.append(
        "the critic is dead: the generator's gradient is \(rounded(Double(report.figures.gradientNorm))); "
          + "a lower learning rate or another constraint may help (optimizer.rate, model.constraint)"
      )
    }
    wasSilent = isSilent
    // The last caption holds the samples of the weights used for evaluation.
    guard let set, let samples = report.samples.last?.samples else { return }
    let quality = try ToyQuality(dataCoordinates(samples, Plane(set)), set)
    report.metrics += [
      ("modesFound", .integer(quality.modesFound)), ("highQuality", .number(quality.highQuality)),
    ]
    if quality.modesFound < most {
      report.warnings.append(
        "modes were lost: found \(quality.modesFound) of \(quality.modes), at most \(most) before")
    }
    most = quality.modesFound
  }
}
