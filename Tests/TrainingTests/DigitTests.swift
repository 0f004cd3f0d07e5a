import Datasets
import Domains
import Evaluation
import Experiments
import Foundation
import Likelihood
import Reporting
import Support
import TensorCore
import TestSupport
import Testing
import Training

/// Predictions with normal features around a point, and logits for class `label` with a given
/// confidence.
private func predictions(
  _ count: Int, width: Int = 2, mean: Double = 0, deviation: Double = 1,
  label: (Int) -> Int = { $0 % 3 }, confidence: (Int) -> Double = { _ in 0.9 }, seed: Int
) -> Predictions {
  var numbers = SplitMix64(seed: seed)
  var result = Predictions(width: width, classes: 3)
  for i in 0..<count {
    for axis in 0..<width {
      result.features.append(Float((axis == 0 ? mean : 0) + deviation * numbers.normal()))
    }
    // The softmax of (log 2c/(1 - c), 0, 0) gives c to the first class.
    let gap = (2 * confidence(i) / (1 - confidence(i))).logarithm
    result.logits += (0..<3).map { $0 == label(i) ? Float(gap) : 0 }
  }
  return result
}

private func figures(_ images: Predictions, _ reference: Predictions) throws -> DigitMetrics {
  try DigitReference(reference, try Runtime(seed: 0, threads: 2)).figures(of: images)
}

@Suite(.serialized) struct DigitFigureTests {
  @Test func classesAndConfidence() throws {
    let found = try figures(
      predictions(300, label: { $0 < 200 ? 1 : 2 }, confidence: { _ in 0.8 }, seed: 1),
      predictions(300, seed: 2))
    #expect(found.histogram == [0, 200, 100])
    #expect(abs(found.confidence.mean - 0.8) < 1e-6)
    #expect(found.confidence.standardError < 1e-6)
    #expect(found.sureFraction.mean == 0)
  }

  /// One of five images is above the threshold and one just below it.
  @Test func theSureFractionIsAboveItsThreshold() throws {
    let confidences = [0.96, 0.94, 0.5, 0.5, 0.5]
    let found = try figures(
      predictions(300, confidence: { confidences[$0 % 5] }, seed: 1), predictions(300, seed: 2))
    #expect(abs(found.sureFraction.mean - 0.2) < 1e-12)
    // The standard error of a mean of zeros and ones.
    #expect(abs(found.sureFraction.standardError - (0.2 * 0.8 / 299).squareRoot()) < 1e-12)
  }

  /// The metrics of equal distributions are near their best values; of distant ones no image is
  /// among the others.
  @Test func nearAndFar() throws {
    let reference = predictions(1000, seed: 3)
    let near = try figures(predictions(1000, seed: 4), reference)
    #expect(near.frechetDistance.mean < 0.1)
    #expect(near.precision.mean > 0.9 && near.recall.mean > 0.9)
    let far = try figures(predictions(1000, mean: 30, seed: 5), reference)
    #expect(abs(far.frechetDistance.mean - 900) < 4.5 * far.frechetDistance.standardError)
    #expect(far.precision.mean == 0 && far.recall.mean == 0)
  }

  /// A collapsed generator has high precision and low recall, a random one the opposite.
  @Test func precisionAndRecallAreNotExchanged() throws {
    let reference = predictions(500, seed: 6)
    let collapsed = try figures(predictions(500, deviation: 0.01, seed: 7), reference)
    #expect(collapsed.precision.mean > 0.95 && collapsed.recall.mean < 0.05)
    let wide = try figures(predictions(500, deviation: 8, seed: 8), reference)
    #expect(wide.precision.mean < 0.3 && wide.recall.mean > 0.8)
  }

  /// The jackknife's errors agree with the spread of independent repetitions, for a reference of as
  /// many images or of more.
  @Test(arguments: [200, 600]) func standardErrorsAreThoseOfRepetitions(_ reference: Int) throws {
    var found: [[Statistic]] = [[], [], []]
    for seed in 0..<24 {
      let one = try figures(
        predictions(200, mean: 1, seed: 100 + 2 * seed),
        predictions(reference, seed: 101 + 2 * seed))
      for (i, figure) in [one.frechetDistance, one.precision, one.recall].enumerated() {
        found[i].append(figure)
      }
    }
    for (name, figures) in zip(["Fréchet", "precision", "recall"], found) {
      let repeated = Statistic(figures.map(\.mean))
      let spread = repeated.standardError * Double(figures.count).squareRoot()
      let claimed =
        (figures.reduce(0) { $0 + $1.standardError * $1.standardError } / Double(figures.count))
        .squareRoot()
      // A spread of 24 values is known to 15 %, the mean of as many jackknives to 5 %. Numbers that
      // count nearest neighbours are not smooth, and the jackknife overstates their errors.
      let largest = name == "Fréchet" ? 2.0 : 3.0
      #expect((0.5...largest).contains(claimed / spread), "\(name): \(claimed) for \(spread)")
    }
  }

  /// Precision and recall of a perfect generator agree even if the reference has five times as many
  /// images: the fraction of points in the balls of others hardly depends on the number of balls.
  @Test func precisionAndRecallDoNotNeedEqualNumbers() throws {
    let found = try figures(predictions(400, seed: 9), predictions(2000, seed: 10))
    #expect(abs(found.precision.mean - found.recall.mean) < 0.05)
    #expect(found.precision.mean > 0.9)
  }
}

@Suite struct DigitTableTests {
  private func row(_ name: String, _ classifier: String, _ count: Int = 100) throws
    -> EvaluatedDigits
  {
    EvaluatedDigits(
      name: name, latent: .hubs(quantile: 0.9), sampler: nil, step: 7,
      setting: DigitSetting(
        dataset: "mnist", classifier: classifier, count: count, referenceCount: 2 * count),
      figures: try figures(predictions(count, seed: 1), predictions(2 * count, seed: 2)))
  }

  @Test func tablesDoNotMixClassifiersOrCounts() throws {
    let rows = [
      try row("a", "1234"), try row("b", "5678"), try row("c", "1234"), try row("d", "1234", 120),
    ]
    let tables = DigitTable.tables(rows)
    #expect(tables.map { $0.rows.map(\.name) } == [["a", "c"], ["b"], ["d"]])
    for table in tables {
      #expect(table.setting.title[0].contains("classifier \(table.setting.classifier)"))
    }
    #expect(tables[0].cells.count == 3)
    #expect(tables[0].cells.allSatisfy { $0.count == 11 })
    #expect(tables[0].setting.title[0].hasPrefix("mnist: 100 images per row against 200 of the "))
    #expect(tables[0].shares[1] == ["a hubs:0.9", "34.0", "33.0", "33.0"])
  }

  @Test func everyResultNamesItsClassifier() throws {
    let text = try row("a", "1234").json.description
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(object["classifier"] as? String == "1234")
    #expect(object["latent"] as? String == "hubs:0.9")
    #expect(object["class_0"] as? Int == 34 && object["n"] as? Int == 100)
    #expect(object["reference_n"] as? Int == 200)
    for name in ["frechet_distance", "precision", "recall", "confidence", "sure_fraction"] {
      #expect(object[name] is Double && object[name + "_stderr"] is Double, "\(name)")
    }
  }
}

let digitsFolder = ProcessInfo.processInfo.environment["FIGMENT_DATA"] ?? "data/mnist"
let hasDigits =
  FileManager.default.fileExists(
    atPath: digitsFolder + "/t10k-labels-idx1-ubyte")
  || FileManager.default.fileExists(atPath: digitsFolder + "/t10k-labels-idx1-ubyte.gz")

@Suite(.serialized) struct DigitEvaluationTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  private var dataDirectory: String {
    URL(fileURLWithPath: digitsFolder).deletingLastPathComponent().path
  }

  /// A few steps suffice to tell real digits from collapsed ones.
  @Test(.enabled(if: hasDigits, "no MNIST here: `figment data fetch`, or set FIGMENT_DATA"))
  func baselinesAreTheEndsOfTheScale() throws {
    var small = try SmallRun.classifier(
      "steps=150", "batch=64", "model.classes=10", "patience=null")
    small.data = try TrainingData("mnist", directory: dataDirectory)
    try small.train(in: root.file("classifier"))
    try SmallRun.vae("steps=4").train(in: root.file("vae"))
    let classifier = try Run(folder: root.file("classifier"), threads: 2)
    let evaluation = try DigitEvaluation(
      classifier, count: 400, dataDirectory: dataDirectory, threads: 2)
    #expect(evaluation.setting.classifier == (try classifier.weightsDigest))
    let rows = try evaluation.baselines()
    #expect(rows.map(\.name) == ["digits of the test part", "ten digits repeated"])
    let (real, collapsed) = (rows[0].figures, rows[1].figures)
    #expect(collapsed.frechetDistance.mean > 3 * real.frechetDistance.mean)
    #expect(real.precision.mean > 0.6 && real.recall.mean > 0.6)
    #expect(collapsed.recall.mean < 0.05 && collapsed.precision.mean > collapsed.recall.mean + 0.3)
    #expect(real.histogram.allSatisfy { $0 > 20 })

    let run = try Run(folder: root.file("vae"), threads: 2)
    let samples = try run.sample(seeds: (0..<400).map { UInt64($0) })
    let judged = try evaluation.evaluate(samples, of: run, name: "vae", latent: .plain)
    #expect(judged.figures.frechetDistance.mean > real.frechetDistance.mean)
    #expect(judged.figures.histogram.reduce(0, +) == 400)
    let sheet = try evaluation.neighbours(samples, of: run, command: "figment evaluate")
    #expect(try describe(sheet: sheet).contains("made again by: figment evaluate"))
    #expect(
      failure {
        _ = try DigitEvaluation(
          classifier, count: 10_001, dataDirectory: dataDirectory, threads: 2)
      } == "--count: expected at most 10000, the images of the test split, found 10001")
    #expect(
      failure {
        _ = try DigitEvaluation(run, count: 400, dataDirectory: dataDirectory, threads: 2)
      } == "evaluating digits: needs a run of kind classifier; tiny-vae is a vae")
    let accuracy = try classifier.accuracy(on: .test, dataDirectory: dataDirectory)
    #expect(accuracy.share.count == 10_000 && accuracy.share.mean > 0.5)
  }

  private func describe(sheet: [UInt8]) throws -> [String] {
    try root.put(sheet, at: "sheet.png")
    return try Reporting.describe(root.file("sheet.png"))
  }

  @Test func otherDataAreRefused() throws {
    let line =
      "evaluate: needs a 2-D set with a known density, digits (data: mnist) or a classifier; "
    try SmallRun.vae("steps=2", "data=fashion-mnist").train(in: root.file("fashion"))
    #expect(
      failure { _ = try Run(folder: root.file("fashion"), threads: 1).evaluationReference() }
        == line + "tiny-vae was trained on fashion-mnist")
    try SmallRun.toy("steps=2").train(in: root.file("toy"))
    #expect(try Run(folder: root.file("toy"), threads: 1).evaluationReference() == .set)
    try SmallRun.classifier("steps=2", "data=fashion-mnist").train(in: root.file("c"))
    #expect(try Run(folder: root.file("c"), threads: 1).evaluationReference() == .labels)
    #expect(
      failure {
        _ = try DigitEvaluation(
          try Run(folder: root.file("c"), threads: 1), count: 100, dataDirectory: "nowhere",
          threads: 1)
      } == "tiny-classifier is a classifier of fashion-mnist; expected one of mnist")
  }
}
