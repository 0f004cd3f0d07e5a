import Datasets
import Experiments
import Runs
import TensorCore
import TestSupport
import Testing
import Training

/// Trains small classifiers; serialized, since each uses every core.
@Suite(.serialized) struct ClassifierTrainingTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  @Test(arguments: [[], ["optimizer.average=null", "model.shift=0"], ["patience=2"]])
  func aResumedRunEqualsAnUninterruptedOne(_ overrides: [String]) throws {
    var run = try SmallRun.classifier()
    run.overrides = overrides
    #expect(try run.train(in: root.file("whole")) == .finished)
    for stop in [1, 6, 13, 29] { _ = try run.train(in: root.file("broken"), stopAt: stop) }
    #expect(try run.train(in: root.file("broken")) == .finished)
    for file in ["metrics.jsonl", "checkpoint.safetensors", "confusion.png", "curves.png"] {
      let (a, b) = (root.bytes("broken/" + file), root.bytes("whole/" + file))
      #expect(a != nil && a == b, "\(file) differs from that of the unbroken run")
    }
    // It draws no samples.
    #expect(root.bytes("whole/samples.png") == nil)
    #expect(root.bytes("whole/samples/latest.png") == nil)
  }

  @Test func accuracyIsLearnedAndReported() throws {
    try SmallRun.classifier().train(in: root.file("a"))
    let records = try Metrics.read(root.file("a/metrics.jsonl")).records
    // Sixty images in batches of ten: an epoch is six steps.
    let found = Metrics.curve("validationAccuracy", in: records)
    #expect(found.map(\.step) == Array(stride(from: 6, through: 60, by: 6)))
    #expect((found.last?.value ?? 0) > 0.95, "\(found)")
    let losses = Metrics.curve("validationLoss", in: records).map(\.value)
    #expect((losses.last ?? 1) < 0.5 * (losses.first ?? 0), "\(losses)")
    #expect(records.allSatisfy { $0["accuracy"]?.double.map((0...1).contains) ?? false })
    let run = try Run(folder: root.file("a"), threads: 2)
    #expect(
      failure { _ = try run.sample(seeds: [0]) }
        == "tiny-classifier is a classifier, which draws no samples")
    #expect(run.model.estimators(of: run).known.isEmpty)
  }

  @Test func theDigestIsOfTheWeights() throws {
    func digest(_ folder: String) throws -> String {
      try Run(folder: root.file(folder), threads: 1).weightsDigest
    }
    try SmallRun.classifier("steps=3").train(in: root.file("a"))
    try SmallRun.classifier("steps=3").train(in: root.file("b"), threads: 1)
    try SmallRun.classifier("steps=3", "seed=1").train(in: root.file("c"))
    try SmallRun.classifier("steps=3", "patience=null", "optimizer.average=null")
      .train(in: root.file("d"))
    let first = try digest("a")
    #expect(first.count == 64)
    #expect(try digest("b") == first)
    #expect(try digest("c") != first)
    // The evaluation reads other weights of the same training.
    #expect(try digest("d") != first)
  }

  @Test func mistakesAreNamed() throws {
    var run = try SmallRun.classifier()
    guard case .images(let table, _) = run.data else { return }
    run.data = .images(table, labels: nil)
    #expect(
      failure { try run.train(in: root.file("a")) }
        == "model.classes: 3, but the data have no classes; expected labelled images")
    run = try SmallRun.classifier("model.classes=2")
    #expect(
      failure { try run.train(in: root.file("b")) }
        == "model.classes: 2, but the data have class 2; expected at least 3")
    for (override, end) in [
      ("sampling.count=3", "sampling: unknown key"),
      ("model.classes=1", "expected a whole number from 2 to 64, found 1"),
      ("model.shift=-1", "expected a number at least 0 and at most 16, found -1"),
      ("data=moons", "a classifier needs images, but the data are points"),
    ] {
      run = try SmallRun.classifier(override)
      let message = failure { _ = try run.experiment() }
      #expect(message.contains(end), "\(message)")
    }
  }
}
