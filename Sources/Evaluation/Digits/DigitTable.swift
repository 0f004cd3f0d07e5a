import Formats
import Likelihood
import Sampling
import Support

/// What figures of digits are by and of: only those of one setting can be compared.
package struct DigitSetting: Hashable, Sendable {
  /// The data set.
  package let dataset: String
  /// The SHA-256 of the classifier's weights.
  package let classifier: String
  /// How many images were judged, and how many others they were compared with.
  package let count: Int

  /// A setting.
  package init(dataset: String, classifier: String, count: Int) {
    (self.dataset, self.classifier, self.count) = (dataset, classifier, count)
  }

  /// The setting in two lines.
  package var title: [String] {
    [
      "\(dataset): \(count) images a row against \(count) of the validation part; features of "
        + "classifier \(classifier.prefix(16))",
      "squared Fréchet distance on these features (not FID); precision and recall with k = "
        + "\(DigitFigures.neighbours); +- is a standard error",
    ]
  }
}

/// The figures of one source of digits.
package struct JudgedDigits: Sendable {
  /// What the images are of: a run, or one of the baselines.
  package let name: String
  /// How the latent variables of samples were chosen; nothing of baselines.
  package let latent: LatentDraw?
  /// Steps of training; nothing of baselines.
  package let step: Int?
  /// By what they were judged.
  package let setting: DigitSetting
  /// What was found.
  package let figures: DigitFigures

  /// The figures of one source.
  package init(
    name: String, latent: LatentDraw?, step: Int?, setting: DigitSetting, figures: DigitFigures
  ) {
    (self.name, self.latent, self.step) = (name, latent, step)
    (self.setting, self.figures) = (setting, figures)
  }

  private var named: [(name: String, figure: Statistic)] {
    [
      ("frechet_distance", figures.frechetDistance), ("precision", figures.precision),
      ("recall", figures.recall), ("confidence", figures.confidence),
    ]
  }

  /// The row as a JSON object.
  package var json: JSONObject {
    var members: [(name: String, value: JSONValue)] = [
      ("run", .text(name)), ("dataset", .text(setting.dataset)),
    ]
    if let step { members.append(("step", .integer(step))) }
    if let latent { members.append(("latent", .text("\(latent)"))) }
    members += [
      ("classifier", .text(setting.classifier)), ("k", .integer(DigitFigures.neighbours)),
    ]
    for (name, figure) in named {
      members += [
        (name, .number(figure.mean)), (name + "_stderr", .number(figure.standardError)),
      ]
    }
    members += figures.histogram.enumerated().map { ("class_\($0)", .integer($1)) }
    return JSONObject(members + [("n", .integer(setting.count))])
  }

  fileprivate var label: String {
    guard let latent, latent != .plain else { return printable(name) }
    return "\(printable(name)) \(latent)"
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

/// Figures of digits that can be compared.
package struct DigitTable: Sendable {
  /// What all rows are by.
  package let setting: DigitSetting
  /// The rows, as they were given.
  package let rows: [JudgedDigits]

  /// Rows in tables: those of different classifiers or different numbers of images are never in one.
  package static func tables(_ rows: [JudgedDigits]) -> [DigitTable] {
    var settings: [DigitSetting] = []
    for row in rows where !settings.contains(row.setting) { settings.append(row.setting) }
    return settings.map { setting in
      DigitTable(setting: setting, rows: rows.filter { $0.setting == setting })
    }
  }

  /// The table for people: a header, then a row for each source.
  package var cells: [[String]] {
    let header = ["", "Fréchet", "+-", "precision", "+-", "recall", "+-", "confidence", "+-"]
    return [header] + rows.map(\.cells)
  }

  /// The share of each class in percent.
  package var shares: [[String]] {
    let classes = rows.first?.figures.histogram.count ?? 0
    return [["taken for class, %"] + (0..<classes).map { "\($0)" }] + rows.map(\.shares)
  }
}
