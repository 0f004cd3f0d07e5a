import Datasets
import Experiments
import Formats
import Quality
import Support

/// Looks at a generator and its critic while they train: how many modes the samples have, and whether
/// either has stopped learning.
struct Rivalry {
  private let set: ToySet?
  private let isWatching: Bool
  private var most = 0
  private var wasSilent = false

  init(_ domain: Domain, _ model: ModelSettings) {
    isWatching = model.isAdversarial
    if case .points(let plane) = domain, let set = plane.set, !set.modes.isEmpty, isWatching {
      self.set = set
    } else {
      set = nil
    }
  }

  /// Whether samples are of use at the end, too.
  var looksAtSamples: Bool { self.set != nil }

  /// Modes and quality of the last of the samples, of sets that have modes.
  func quality(
    _ drawn: [(caption: String, samples: [Float])]
  ) throws -> ToyQuality? {
    guard let set, let samples = drawn.last?.samples else { return nil }
    return try ToyQuality(dataCoordinates(samples, Plane(set)), set)
  }

  /// What the user should know after a step.
  mutating func warnings(
    _ figures: TrainingProgram.Figures, _ quality: ToyQuality?
  ) -> [String] {
    guard isWatching else { return [] }
    var warnings: [String] = []
    let isSilent = !(figures.gradientNorm > 1e-9)
    if isSilent, !wasSilent {
      warnings.append(
        "the critic is dead: the generator's gradient is \(rounded(Double(figures.gradientNorm))); "
          + "a lower learning rate or another constraint may help (optimizer.rate, model.constraint)"
      )
    }
    wasSilent = isSilent
    if let quality {
      if quality.modesFound < most {
        warnings.append(
          "modes were lost: \(quality.modesFound) of \(quality.modes) are found, after \(most)")
      }
      most = quality.modesFound
    }
    return warnings
  }
}

extension ToyQuality {
  /// As a line of metrics has them.
  var metrics: [(name: String, value: MetricValue)] {
    [("modesFound", .integer(modesFound)), ("highQuality", .number(highQuality))]
  }
}
