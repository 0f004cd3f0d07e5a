import Glibc
import Support
import TensorCore

/// The base measure of densities, or the event of probabilities.
package enum BaseMeasure: String, Sendable {
  /// Area, for points of the plane in data coordinates.
  case area = "density by area, data coordinates"
  /// Counting measure on images whose pixels are 0 or 1.
  case bits = "probability of zeros and ones"
  /// Lebesgue measure on dequantised images: bytes with uniform noise, scaled to [0, 1].
  case dequantised = "density of (byte + uniform)/256 on [0, 1]"
  /// Counting measure on images of bytes.
  case levels = "probability of 256 levels"

  /// True if bits per dimension are meaningful: for images with many levels.
  package var hasBits: Bool { self == .dequantised || self == .levels }
}

/// The data and base measure of log-likelihoods; only those of equal settings can be compared.
package struct Setting: Hashable, Sendable {
  /// The data set.
  package let dataset: String
  /// The split of the data set.
  package let split: String
  /// The binarisation of images; "none" without one.
  package let binarisation: String
  /// The seed of a random binarisation; nil otherwise.
  package let binarisationSeed: UInt64?
  /// The base measure of the density or probability.
  package let baseMeasure: BaseMeasure
  /// Number of dimensions of an example.
  package let dimensions: Int
  /// The estimated quantity.
  package private(set) var quantity = Estimate.Quantity.marginal

  /// Creates a setting for log p(x).
  package init(
    dataset: String, split: String, binarisation: String, binarisationSeed: UInt64?,
    baseMeasure: BaseMeasure, dimensions: Int
  ) {
    (self.dataset, self.split, self.dimensions) = (dataset, split, dimensions)
    (self.binarisation, self.binarisationSeed) = (binarisation, binarisationSeed)
    self.baseMeasure = baseMeasure
  }

  /// The same setting for another quantity.
  package func estimating(_ quantity: Estimate.Quantity) -> Setting {
    var result = self
    result.quantity = quantity
    return result
  }

  /// The setting and the unit, in one line.
  package var title: String {
    let images =
      binarisation == "none"
      ? "no binarisation"
      : "binarisation \(binarisation)" + (binarisationSeed.map { ", seed \($0)" } ?? "")
    let logarithm =
      switch quantity {
      case .marginal: "log p(x)"
      case .givenLabel: "log p(x | its own class)"
      }
    return "\(dataset), \(split): \(logarithm) in nats, \(dimensions) dimensions; "
      + "\(baseMeasure.rawValue); "
      + images
  }
}

/// An estimate for one run.
package struct ScoredRun: Sendable {
  /// The name of the run; "data" for the true density of a synthetic data set.
  package let run: String
  /// The setting of the estimate.
  package let setting: Setting
  /// The log-likelihoods.
  package let estimate: Estimate
  /// Names of the run's classes from 0, if known.
  package let classNames: [String]

  /// Creates an estimate for a run; its quantity becomes that of the setting.
  package init(run: String, setting: Setting, estimate: Estimate, classNames: [String] = []) {
    (self.run, self.setting) = (run, setting.estimating(estimate.quantity))
    (self.estimate, self.classNames) = (estimate, classNames)
  }

  /// Bits per dimension, if they are meaningful for the setting.
  ///
  /// For densities on [0, 1] they are those of the 256 levels before dequantisation.
  package var bitsPerDimension: Double? {
    guard setting.baseMeasure.hasBits else { return nil }
    let bits = -estimate.figure.mean / (Double(setting.dimensions) * log(2))
    return setting.baseMeasure == .dequantised ? bits + 8 : bits
  }
}

/// Estimates of one setting, the run of highest likelihood first, with the differences between
/// runs.
package struct LikelihoodTable: Sendable {
  /// The setting of all rows.
  package let setting: Setting
  /// The rows, grouped by run.
  package let rows: [ScoredRun]

  /// The difference between two runs on the same examples.
  package struct Difference: Sendable {
    /// The two runs, represented by their tightest estimates.
    package let first, second: ScoredRun
    /// The mean over examples of log p by the first minus log p by the second, in nats.
    package let figure: Statistic
  }

  /// Groups estimates into tables by setting and number of examples, so that only comparable ones
  /// are together.
  package static func tables(_ rows: [ScoredRun]) -> [LikelihoodTable] {
    var settings: [Setting] = []
    for row in rows where !settings.contains(row.setting) { settings.append(row.setting) }
    return settings.map { setting in
      LikelihoodTable(setting, rows.filter { $0.setting == setting })
    }
  }

  private init(_ setting: Setting, _ rows: [ScoredRun]) {
    self.setting = setting
    var runs: [(name: String, rows: [ScoredRun])] = []
    for row in rows {
      if let place = runs.firstIndex(where: { $0.name == row.run }) {
        runs[place].rows.append(row)
      } else {
        runs.append((row.run, [row]))
      }
    }
    func best(_ rows: [ScoredRun]) -> Double {
      Self.tightest(rows)?.estimate.figure.mean ?? -.infinity
    }
    self.rows = runs.sorted { best($0.rows) > best($1.rows) }.flatMap(\.rows)
  }

  /// The estimate by which a run is compared: the exact one, otherwise the highest bound.
  private static func tightest(_ rows: [ScoredRun]) -> ScoredRun? {
    rows.first { $0.estimate.estimator == .exact }
      ?? rows.max { $0.estimate.figure.mean < $1.estimate.figure.mean }
  }

  /// The row by which each run is compared, in the order of the runs.
  package var tightestRows: [ScoredRun] {
    var names: [String] = []
    for row in rows where !names.contains(row.run) { names.append(row.run) }
    return names.compactMap { name in Self.tightest(rows.filter { $0.run == name }) }
  }

  /// Each run minus each of those below it; with more than five runs, the first minus each of the
  /// others.
  ///
  /// Rows of a setting score the same examples in the same order, one perhaps fewer of them.
  package var differences: [Difference] {
    let best = tightestRows
    return best.indices.flatMap { i in
      (i + 1..<max(i + 1, best.count)).compactMap { j in
        guard best.count <= 5 || i == 0 else { return nil }
        return Difference(
          first: best[i], second: best[j],
          figure: .paired(best[i].estimate.values, best[j].estimate.values))
      }
    }
  }
}
