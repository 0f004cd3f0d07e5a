import Formats
import Glibc
import Likelihood
import Support
import TensorCore

extension LikelihoodTable {
  /// Table rows: a header, then a row per estimate; numbers are flush right in `numericColumns`.
  package var cells: [[String]] {
    let hasBits = setting.baseMeasure.hasBits
    let header =
      ["run", "estimator", "nats", "+-"] + (hasBits ? ["bits/dim"] : [])
      + ["K", "n", "ESS", "seconds", "-log p by term"]
    return [header]
      + rows.map { row in
        let (estimate, figure) = (row.estimate, row.estimate.figure)
        let variant = estimate.variant.isEmpty ? "" : " \(estimate.variant)"
        let place = DecimalPlace(error: figure.standardError)
        let ess = estimate.effectiveSamples.map(Statistic.init).map {
          DecimalPlace(error: $0.standardError)($0.mean)
        }
        let terms = estimate.terms.map { "\($0.name) \(place($0.mean))" }
        return [printable(row.run), estimate.estimator.rawValue + variant, place(figure.mean)]
          + [figure.count > 1 ? place(figure.standardError) : "-"]
          + (hasBits ? [row.bitsText ?? "-"] : [])
          + [
            estimate.samples > 0 ? "\(estimate.samples)" : "-", "\(figure.count)", ess ?? "-",
            fixed(estimate.seconds, 1), terms.isEmpty ? "-" : terms.joined(separator: ", "),
          ]
      }
  }

  /// Indices of the columns of `cells` that hold numbers.
  package var numericColumns: Set<Int> { Set(2...(setting.baseMeasure.hasBits ? 8 : 7)) }
}

extension LikelihoodTable.Difference {
  /// The difference and its confidence interval on one line.
  package var line: String {
    let sign = figure.mean < 0 ? "" : "+"
    let place = DecimalPlace(error: figure.standardError)
    let head = "\(first.label) less \(second.label): \(sign)\(place(figure.mean)) nats"
    guard figure.count > 1 else { return head + ", n 1" }
    let (lower, upper) = figure.interval
    return head + " +- \(place(figure.standardError)), 95 % from \(place(lower)) to "
      + "\(place(upper)), paired over n \(figure.count)"
  }
}

extension LikelihoodTable {
  /// Lines for the class-conditional runs: the accuracy of choosing the class of highest bound, or
  /// for a single image without a known class, that class.
  package var classLines: [String] {
    tightestRows.compactMap { row in
      guard let classes = row.estimate.classes else { return nil }
      let name = row.label
      if let accuracy = classes.accuracy {
        let error = accuracy.standardError
        let percents =
          error > 0
          ? measuredPercent(accuracy.mean, error) : fixed(100 * accuracy.mean, 1) + " %"
        return "\(name): the class of the highest bound is the example's own for \(percents), "
          + "n \(accuracy.count)"
      }
      guard let guess = row.guess else { return nil }
      return "\(name): class \(quoted(guess.name)), of probability \(fixed(guess.probability, 4))"
    }
  }
}

extension ScoredRun {
  /// The run and the estimator.
  fileprivate var label: String {
    [printable(run), estimate.estimator.rawValue, estimate.variant]
      .filter { !$0.isEmpty }.joined(separator: " ")
  }

  /// The most probable class of a single example.
  fileprivate var guess: (name: String, probability: Double)? {
    guard let classes = estimate.classes, classes.values.count == 1 else { return nil }
    let number = classes.guess(0)
    return (
      classNames.indices.contains(number) ? classNames[number] : "\(number)",
      classes.values[0][number]
    )
  }

  /// Bits per dimension, with as many digits as are significant.
  fileprivate var bitsText: String? {
    guard let bits = bitsPerDimension else { return nil }
    let error = estimate.figure.standardError / (Double(setting.dimensions) * log(2))
    return DecimalPlace(error: error)(bits)
  }

  /// JSON object of the row; `differences` are those of its table.
  package func json(seed: UInt64, differences: [LikelihoodTable.Difference]) -> String {
    let figure = estimate.figure
    var members: [(name: String, value: JSONValue?)] = [
      ("run", .text(run)), ("dataset", .text(setting.dataset)), ("split", .text(setting.split)),
      ("binarisation", .text(setting.binarisation)), ("unit", .text("nats")),
      ("dimensions", .integer(setting.dimensions)),
      ("estimator", .text(estimate.estimator.rawValue)), ("samples", .integer(estimate.samples)),
      ("mean", .number(figure.mean)),
      ("stderr", figure.count > 1 ? .number(figure.standardError) : nil),
      ("n", .integer(figure.count)), ("seconds", .number(estimate.seconds)),
      ("base_measure", .text(setting.baseMeasure.rawValue)),
      ("binarisation_seed", setting.binarisationSeed.map(number)), ("seed", number(seed)),
    ]
    if !estimate.variant.isEmpty { members.append(("variance", .text(estimate.variant))) }
    if estimate.quantity == .givenLabel { members.append(("given", .text("class"))) }
    if let bits = bitsPerDimension { members.append(("bits_per_dimension", .number(bits))) }
    members += classMembers
    if let effective = estimate.effectiveSamples {
      members.append(("ess", .number(Statistic(effective).mean)))
      members.append(("ess_min", .number(effective.min() ?? .nan)))
    }
    members += estimate.terms.map { term in
      (term.name.replacing(" ", with: "_"), JSONValue.number(term.mean))
    }
    let mine = differences.filter { $0.first.run == run && $0.first.isSameEstimate(as: self) }
    let texts = members.map { jsonString($0.name) + ":" + ($0.value?.json ?? "null") }
    let compared = mine.map { difference in
      "{\"run\":\(jsonString(difference.second.run)),\"estimator\":"
        + "\(jsonString(difference.second.estimate.estimator.rawValue)),\"mean\":"
        + JSONValue.number(difference.figure.mean).json + ",\"stderr\":"
        + (figure.count > 1 ? JSONValue.number(difference.figure.standardError).json : "null")
        + "}"
    }
    let tail = compared.isEmpty ? "" : ",\"less\":[" + compared.joined(separator: ",") + "]"
    return "{" + texts.joined(separator: ",") + tail + "}"
  }

  /// The accuracy of the class of highest bound, or that class of a single example.
  private var classMembers: [(name: String, value: JSONValue?)] {
    if let accuracy = estimate.classes?.accuracy {
      return [
        ("accuracy", .number(accuracy.mean)),
        ("accuracy_stderr", accuracy.count > 1 ? .number(accuracy.standardError) : nil),
      ]
    }
    guard let guess else { return [] }
    return [("class", .text(guess.name)), ("class_probability", .number(guess.probability))]
  }

  /// Most readers of JSON parse integers exactly up to 2^53 only; larger seeds are strings.
  private func number(_ seed: UInt64) -> JSONValue {
    seed < 1 << 53 ? .integer(Int(seed)) : .text("\(seed)")
  }

  private func isSameEstimate(as other: ScoredRun) -> Bool {
    estimate.estimator == other.estimate.estimator && estimate.variant == other.estimate.variant
  }
}
