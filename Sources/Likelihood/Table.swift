import Glibc
import Support
import TensorCore

/// What densities are with respect to, or what is counted.
package enum BaseMeasure: String, Sendable {
  /// Of points of the plane, in the units of the data.
  case area = "density by area, data coordinates"
  /// Of images of which each pixel is 0 or 1.
  case bits = "probability of zeros and ones"
  /// Of images whose bytes are spread evenly over their 256ths.
  case dequantised = "density of (byte + uniform)/256 on [0, 1]"
  /// Of images of bytes.
  case levels = "probability of 256 levels"

  /// Whether bits per dimension say something: of images with many levels.
  package var hasBits: Bool { self == .dequantised || self == .levels }
}

/// What log-likelihoods are of: only those of one setting can be compared.
package struct Setting: Hashable, Sendable {
  /// The data set.
  package let dataset: String
  /// The part of it.
  package let split: String
  /// How images became zeros and ones; "none" where they did not.
  package let binarisation: String
  /// The seed of the draws that binarised them, where draws did.
  package let binarisationSeed: UInt64?
  /// What densities are with respect to, or what is counted.
  package let baseMeasure: BaseMeasure
  /// The numbers of an example.
  package let dimensions: Int

  /// A setting.
  package init(
    dataset: String, split: String, binarisation: String, binarisationSeed: UInt64?,
    baseMeasure: BaseMeasure, dimensions: Int
  ) {
    (self.dataset, self.split, self.dimensions) = (dataset, split, dimensions)
    (self.binarisation, self.binarisationSeed) = (binarisation, binarisationSeed)
    self.baseMeasure = baseMeasure
  }

  /// The setting in a line, with the unit.
  package var title: String {
    let images =
      binarisation == "none"
      ? "no binarisation"
      : "binarisation \(binarisation)" + (binarisationSeed.map { ", seed \($0)" } ?? "")
    return "\(dataset), \(split): log p(x) in nats, \(dimensions) dimensions; "
      + "\(baseMeasure.rawValue); "
      + images
  }
}

/// An estimate for a run.
package struct ScoredRun: Sendable {
  /// How the run is called; "data" for the density that examples were drawn from.
  package let run: String
  /// What was scored.
  package let setting: Setting
  /// What was found.
  package let estimate: Estimate

  /// An estimate for a run.
  package init(run: String, setting: Setting, estimate: Estimate) {
    (self.run, self.setting, self.estimate) = (run, setting, estimate)
  }

  /// Bits per dimension, where the setting has them.
  ///
  /// Of densities on [0, 1] they are those of the 256 levels that were dequantised.
  package var bitsPerDimension: Double? {
    guard setting.baseMeasure.hasBits else { return nil }
    let bits = -estimate.figure.mean / (Double(setting.dimensions) * log(2))
    return setting.baseMeasure == .dequantised ? bits + 8 : bits
  }
}

/// Estimates of one setting, the likeliest run first, with the differences between runs.
package struct LikelihoodTable: Sendable {
  /// What all its rows are of.
  package let setting: Setting
  /// The rows, those of a run one after another.
  package let rows: [ScoredRun]

  /// One run less another, on the same examples.
  package struct Difference: Sendable {
    /// The two, by their tightest estimates.
    package let first, second: ScoredRun
    /// The mean of log p by the first less log p by the second, in nats.
    package let figure: Statistic
  }

  /// Estimates in tables: those of different settings, or of different numbers of examples, are never in
  /// one.
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

  /// The estimate that a run is compared by: the exact one, or else the highest bound.
  private static func tightest(_ rows: [ScoredRun]) -> ScoredRun? {
    rows.first { $0.estimate.estimator == .exact }
      ?? rows.max { $0.estimate.figure.mean < $1.estimate.figure.mean }
  }

  /// Each run less each of those below it; of more than five, the first less the others.
  package var differences: [Difference] {
    var names: [String] = []
    for row in rows where !names.contains(row.run) { names.append(row.run) }
    let best = names.compactMap { name in Self.tightest(rows.filter { $0.run == name }) }
    return best.indices.flatMap { i in
      (i + 1..<max(i + 1, best.count)).compactMap { j in
        guard best.count <= 5 || i == 0,
          best[i].estimate.values.count == best[j].estimate.values.count
        else { return nil }
        return Difference(
          first: best[i], second: best[j],
          figure: .paired(best[i].estimate.values, best[j].estimate.values))
      }
    }
  }
}
