import Datasets
import Domains
import Experiments
import Glibc
import Likelihood
import Runs
import Sampling
import Support
import TensorCore

/// Options of `likelihood`.
package struct Scoring: Sendable {
  /// The estimators, or nil for all that a run has.
  package var estimators: [Estimator]?
  /// K, the number of draws per example, or nil for the model's default.
  package var samples: Int?
  /// Number of examples, or nil for the whole split (10,000 for 2-D sets; fewer for class-conditional
  /// models).
  package var examples: Int?
  /// Split of the data.
  package var split = Split.test
  /// Evaluation seed, for binarisation and all draws.
  package var seed: UInt64 = 0
  /// Path of a picture to score instead.
  package var image: String?
  /// Folder of downloaded data sets.
  package var dataDirectory = "data"

  /// All estimators on the whole test split.
  package init() {}
}

/// Examples to score, as a model sees them.
struct ScoredData {
  let setting: Setting
  let examples: Examples
  /// Logarithm of the Jacobian, in nats: added to a log density of model inputs, it gives that of
  /// the data.
  let shift: Double
  /// log p of each example under the true density, in nats, if that is known.
  let exact: Estimate?
  /// Number of examples that there are.
  let available: Int
}

extension Run {
  /// Checks the requested estimators against the run.
  ///
  /// - Throws: `SkippedPath`, naming the run's estimators.
  func chosenEstimators(_ wanted: [Estimator]?, _ name: String) throws -> [Estimator] {
    let (known, reason) = model.estimators(of: self)
    guard !known.isEmpty else {
      throw SkippedPath("\(printable(name)): no likelihood: \(reason)")
    }
    if let missing = wanted?.first(where: { !known.contains($0) }) {
      let names = known.map(\.rawValue).joined(separator: ", ")
      throw SkippedPath(
        "\(printable(name)): a \(experiment.model.kind) has no \(missing.rawValue); it has \(names)"
      )
    }
    return known.filter { wanted?.contains($0) ?? true }
  }

  /// The requested examples.
  ///
  /// - Throws: `FigmentError` if there are none, or their shape differs from the run's.
  func scoredData(_ scoring: Scoring, _ name: String) throws -> ScoredData {
    if let image = scoring.image {
      guard domain.shape.count == 3 else {
        throw FigmentError(
          "\(printable(name)): --image needs a run on images, and this one is on points")
      }
      let picture = try readPicture(
        image, height: domain.shape[0], width: domain.shape[1], channels: domain.shape[2])
      let table = try ByteTable(picture.pixels, rowShape: domain.shape)
      return try scoredImages(
        table, labels: nil, scoring, dataset: image, split: "image", limit: 1)
    }
    if case .points(let plane) = domain, let set = plane.set {
      return scoredPoints(set, plane, scoring)
    }
    var data = try TrainingData(
      experiment.data, directory: scoring.dataDirectory, split: scoring.split)
    if let count = experiment.model.classCount {
      data = try data.ordered(byClasses: classes, experiment.data)
      if case .images(_, let labels?) = data { try checkLabels(labels.bytes, classes: count) }
    }
    guard data.domain.shape == domain.shape else {
      throw FigmentError(
        "\(printable(name)): trained on examples of shape \(domain.shape); "
          + "\(printable(experiment.data)) has \(data.domain.shape)")
    }
    switch data {
    case .images(let table, let labels):
      return try scoredImages(
        table, labels: experiment.model.classCount == nil ? nil : labels, scoring,
        dataset: experiment.data, split: scoring.split.rawValue,
        limit: scoring.examples ?? table.rows)
    case .ownPoints(let points, _):
      return try scoredPoints(points, scoring)
    case .points(let set):
      return scoredPoints(set, Plane(set), scoring)
    }
  }

  private func planeSetting(_ split: String) -> Setting {
    Setting(
      dataset: experiment.data, split: split, binarisation: "none", binarisationSeed: nil,
      baseMeasure: .area, dimensions: 2)
  }

  private func scoredPoints(_ set: ToySet, _ plane: Plane, _ scoring: Scoring) -> ScoredData {
    let start = ContinuousClock.now
    let points = set.heldOut(scoring.split, seed: scoring.seed, count: scoring.examples ?? 10_000)
    let densities = points.map { set.logDensity($0.x, $0.y) }
    return ScoredData(
      setting: planeSetting(scoring.split.rawValue),
      examples: Examples(plane.standardised(points), count: points.count, seed: scoring.seed),
      shift: plane.logScale,
      exact: Estimate(
        .exact, values: densities, seconds: (ContinuousClock.now - start).seconds),
      available: points.count)
  }

  private func scoredPoints(_ points: UserPoints, _ scoring: Scoring) throws -> ScoredData {
    guard case .points(let plane) = domain else {
      throw FigmentError("expected a run on points, found one on images")
    }
    let rows = scoring.split.rows(of: points.count).prefix(scoring.examples ?? .max)
    guard !rows.isEmpty else {
      throw FigmentError(
        "\(printable(experiment.data)): \(points.count) points have no \(scoring.split.rawValue) "
          + "split; expected at least \(Split.fewestRows)")
    }
    let chosen = rows.map { Point(x: points.values[2 * $0], y: points.values[2 * $0 + 1]) }
    return ScoredData(
      setting: planeSetting(scoring.split.rawValue),
      examples: Examples(plane.standardised(chosen), count: chosen.count, seed: scoring.seed),
      shift: plane.logScale, exact: nil, available: points.count)
  }

  private func scoredImages(
    _ table: ByteTable, labels: ImageClasses?, _ scoring: Scoring, dataset: String, split: String,
    limit: Int
  ) throws -> ScoredData {
    let binarisation = experiment.binarisation
    let isDrawn = binarisation == .dynamic || binarisation == .fixed
    let seed = binarisation == .dynamic ? scoring.seed : 0
    let bytes = isDrawn ? try table.drawn(seed: seed) : try table.binarised(binarisation)
    let pixels = experiment.model.pixels
    let count = min(limit, table.rows)
    let dimensions = domain.shape.product
    let measure: BaseMeasure =
      binarisation != .none ? .bits : pixels.isDequantised ? .dequantised : .levels
    return ScoredData(
      setting: Setting(
        dataset: dataset, split: split, binarisation: binarisation.rawValue,
        binarisationSeed: isDrawn ? seed : nil, baseMeasure: measure, dimensions: dimensions),
      examples: try examples(
        bytes, pixels, count: count, seed: scoring.seed,
        labels: labels?.bytes.prefix(count).map { Int($0) }),
      shift: 0, exact: nil, available: table.rows)
  }

  /// The first rows of a table, as models see them; each row is dequantised with its own key.
  private func examples(
    _ table: ByteTable, _ pixels: PixelScale, count: Int, seed: UInt64, labels: [Int]?
  ) throws -> Examples {
    let batch = min(500, count)
    let rows = Tensor.input("rows", [batch])
    let keys = Tensor.seeds("keys", batch)
    let binarisation = experiment.binarisation == .none ? Binarisation.none : .fixed
    let y = pixels(.rows(of: table, at: rows), binarisation, keys: keys) + 0
    let program = try Runtime(seed: 0, threads: 1).compile("examples", [y])
    var values: [Float] = []
    values.reserveCapacity(count * domain.shape.product)
    for first in stride(from: 0, to: count, by: batch) {
      let places = (first..<first + batch).map { min($0, count - 1) }
      try program.fill(rows, with: places.map { Float($0) })
      if program.reads(keys) {
        try program.fill(seeds: keys, with: places.map { Examples.key(seed: seed, $0) })
      }
      program.run(at: 0)
      values += try program.values(y).prefix(min(batch, count - first) * domain.shape.product)
    }
    return Examples(values, count: count, seed: seed, labels: labels)
  }
}
