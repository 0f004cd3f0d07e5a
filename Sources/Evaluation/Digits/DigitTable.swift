import Formats
import Likelihood
import Sampling
import Support

/// Setting of an evaluation of digits; only metrics of equal settings can be compared.
package struct DigitSetting: Hashable, Sendable {
  /// Name of the data set.
  package let dataset: String
  /// SHA-256 of the classifier's weights.
  package let classifier: String
  /// Number of images evaluated.
  package let count: Int
  /// Number of reference images they are compared with.
  package let referenceCount: Int

  /// Makes a setting.
  package init(dataset: String, classifier: String, count: Int, referenceCount: Int) {
    (self.dataset, self.classifier) = (dataset, classifier)
    (self.count, self.referenceCount) = (count, referenceCount)
  }

  /// The setting in two lines.
  package var title: [String] {
    [
      "\(dataset): \(count) images per row against \(referenceCount) of the validation split; features of "
        + "classifier \(classifier.prefix(16))",
      "squared Fréchet distance on these features (not FID); precision and recall with k = "
        + "\(DigitMetrics.neighbours); +- is a standard error",
    ]
  }
}

/// Metrics of one source of digits.
package struct EvaluatedDigits: Sendable {
  /// Name of the source: a run, or one of the baselines.
  package let name: String
  /// Choice of latent variables; nil for baselines.
  package let latent: LatentDraw?
  /// Sampler of a model with a reverse process, else nil.
  package let sampler: EvaluationSampler?
  /// Steps of training; nil for baselines.
  package let step: Int?
  /// The classifier and the number of images.
  package let setting: DigitSetting
  /// The metrics.
  package let figures: DigitMetrics

  /// Makes a row for one source.
  package init(
    name: String, latent: LatentDraw?, sampler: EvaluationSampler?, step: Int?,
    setting: DigitSetting, figures: DigitMetrics
  ) {
    (self.name, self.latent, self.sampler, self.step) = (name, latent, sampler, step)
    (self.setting, self.figures) = (setting, figures)
  }

  private var named: [(name: String, figure: Statistic)] {
    [
      ("frechet_distance", figures.frechetDistance), ("precision", figures.precision),
      ("recall", figures.recall), ("confidence", figures.confidence),
      ("sure_fraction", figures.sureFraction),
    ]
  }

  /// The row as a JSON object.
  package var json: JSONObject {
    var members: [(name: String, value: JSONValue)] = [
      ("run", .text(name)), ("dataset", .text(setting.dataset)),
    ]
    if let step { members.append(("step", .integer(step))) }
    if let latent { members.append(("latent", .text("\(latent)"))) }
    if let sampler { members += sampler.members }
    members += [
      ("classifier", .text(setting.classifier)), ("k", .integer(DigitMetrics.neighbours)),
    ]
    for (name, figure) in named {
      members += [
        (name, .number(figure.mean)), (name + "_stderr", .number(figure.standardError)),
      ]
    }
    if let asked = figures.askedFraction {
      members += [
        ("asked_fraction", .number(asked.mean)),
        ("asked_fraction_stderr", .number(asked.standardError)),
      ]
    }
    members += figures.histogram.enumerated().map { ("class_\($0)", .integer($1)) }
    return JSONObject(
      members + [
        ("n", .integer(setting.count)), ("reference_n", .integer(setting.referenceCount)),
      ])
  }

  /// A line on the fraction of images of the class that was asked for, or nil.
  package var askedLine: String? {
    figures.askedFraction.map {
      let place = DecimalPlace(error: 100 * $0.standardError)
      return "\(label): predicted class is the one asked for in \(place(100 * $0.mean)) +- "
        + "\(place(100 * $0.standardError)) %"
    }
  }

  fileprivate var label: String {
    let chosen = latent.map { $0 == .plain ? "" : " \($0)" } ?? ""
    return printable(name) + chosen + (sampler.map { ", \($0)" } ?? "")
  }

  fileprivate var cells: [String] {
    [label]
      + named.flatMap { _, figure in
        let place = DecimalPlace(error: figure.standardError)
        return [place(figure.mean), place(figure.standardError)]
      }
  }

  fileprivate var shares: [String] {
    [label]
      + figures.histogram.map { fixed(100 * Double($0) / Double(max(1, setting.count)), 1) }
  }
}

/// Table of comparable metrics of digits.
package struct DigitTable: Sendable {
  /// The setting shared by all rows.
  package let setting: DigitSetting
  /// The rows, in the order given.
  package let rows: [EvaluatedDigits]

  /// Groups rows into one table per classifier and number of images.
  package static func tables(_ rows: [EvaluatedDigits]) -> [DigitTable] {
    var settings: [DigitSetting] = []
    for row in rows where !settings.contains(row.setting) { settings.append(row.setting) }
    return settings.map { setting in
      DigitTable(setting: setting, rows: rows.filter { $0.setting == setting })
    }
  }

  /// Table rows: a header, then a row per source.
  package var cells: [[String]] {
    let header = [
      "", "Fréchet", "+-", "precision", "+-", "recall", "+-", "confidence", "+-",
      "above \(DigitMetrics.sure)", "+-",
    ]
    return [header] + rows.map(\.cells)
  }

  /// Table of the fraction of each class, in percent.
  package var shares: [[String]] {
    let classes = rows.first?.figures.histogram.count ?? 0
    return [["predicted class, %"] + (0..<classes).map { "\($0)" }] + rows.map(\.shares)
  }
}
