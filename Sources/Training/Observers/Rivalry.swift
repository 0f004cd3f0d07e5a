import Datasets
import Domains
import Experiments
import Formats
import Quality
import Support

/// Looks at a generator and its critic while they train: how many modes the samples have, and whether
/// either has stopped learning.
final class Rivalry: Observer {
  private let set: ToySet?
  private var most = 0
  private var wasSilent = false

  /// Nil for a model that is not of two networks against each other.
  init?(_ domain: Domain, _ model: any ModelSettings) {
    guard model.isAdversarial else { return nil }
    if case .points(let plane) = domain, let set = plane.set, !set.modes.isEmpty {
      self.set = set
    } else {
      set = nil
    }
  }

  /// Whether samples are of use at the end, too.
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
    // The last of the samples are those of the weights to evaluate with.
    guard let set, let samples = report.samples.last?.samples else { return }
    let quality = try ToyQuality(dataCoordinates(samples, Plane(set)), set)
    report.metrics += [
      ("modesFound", .integer(quality.modesFound)), ("highQuality", .number(quality.highQuality)),
    ]
    if quality.modesFound < most {
      report.warnings.append(
        "modes were lost: \(quality.modesFound) of \(quality.modes) are found, after \(most)")
    }
    most = quality.modesFound
  }
}
