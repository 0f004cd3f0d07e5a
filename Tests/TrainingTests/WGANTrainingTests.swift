import Datasets
import Experiments
import Formats
import Quality
import Runs
import TensorCore
import TestSupport
import Testing
import Training

/// Trains small generators and critics; serialized, since each uses every core.
@Suite(.serialized) struct WGANTrainingTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  /// The files that equal runs share, pictures apart, byte for byte.
  private static let files = ["metrics.jsonl", "checkpoint.safetensors", "samples.png"]

  @Test(arguments: [
    [], ["model.constraint=sn", "model.loss=logistic"], ["model.constraint=gp"],
    ["model.constraint=clip", "model.loss=wasserstein"],
    ["model.consistency={weight: 5}", "model.criticActivation=silu"],
    ["model.constraint=gran", "optimizer.average=null", "optimizer.lookahead={every: 6}"],
  ])
  func aResumedRunEqualsAnUninterruptedOne(_ overrides: [String]) throws {
    var run = try SmallRun.wgan()
    run.overrides = overrides
    #expect(try run.train(in: root.file("whole")) == .finished)
    for stop in [1, 3, 8, 15] { _ = try run.train(in: root.file("broken"), stopAt: stop) }
    #expect(try run.train(in: root.file("broken")) == .finished)
    root.expect("broken", equals: "whole", in: Self.files + ["curves.png", "critic.png"])
  }

  @Test func imagesResume() throws {
    for network in ["convolutional", "residual", "mlp"] {
      var run = try SmallRun.images()
      run.yaml = try SmallRun.wgan().yaml.replacing("eight-gaussians", with: "mnist")
      run.overrides = [
        "model.network=\(network)", "model.generator=[4, 3]", "model.critic=[3, 4]", "batch=4",
        "steps=4", "sampling.count=5",
      ]
      #expect(try run.train(in: root.file("whole-\(network)")) == .finished)
      _ = try run.train(in: root.file("broken-\(network)"), stopAt: 3)
      try run.train(in: root.file("broken-\(network)"))
      root.expect(
        "broken-\(network)", equals: "whole-\(network)", in: Self.files + ["interpolation.png"])
    }
  }

  /// A sample has the requested class, whatever its seed and choice of latent variables.
  @Test func classesCanBeRequested() throws {
    var run = try SmallRun.classifier()
    run.yaml = try SmallRun.wgan().yaml.replacing("eight-gaussians", with: "mnist")
    run.overrides = [
      "model.network=convolutional", "model.generator=[4, 3]", "model.critic=[3, 4]", "batch=4",
      "steps=4", "sampling.count=5", "model.classes=3",
    ]
    #expect(try run.train(in: root.file("a")) == .finished)
    let trained = try Run(folder: root.file("a"), threads: 1)
    let seeds: [UInt64] = [3, 14]
    let plain = try trained.sample(seeds: seeds)
    #expect(try trained.sample(seeds: seeds, SampleRequest(labels: [0, 2])) == plain)
    #expect(try trained.sample(seeds: seeds, SampleRequest(labels: [2, 0])) != plain)
    let near = try trained.sample(
      seeds: seeds, latent: .truncated(1), SampleRequest(labels: [0, 2]))
    #expect(zip(near, plain).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(throws: TensorError.self) {
      try trained.sample(seeds: seeds, SampleRequest(labels: [0, 3]))
    }
  }

  @Test func metricsHaveBothNetworks() throws {
    try SmallRun.wgan().train(in: root.file("a"))
    let records = try Metrics.read(root.file("a/metrics.jsonl")).records
    for name in [
      "loss", "gradientNorm", "criticLoss", "criticScoreOfData", "criticScoreOfSamples",
      "criticGradientNorm", "criticSlope",
    ] {
      #expect(records.allSatisfy { $0[name]?.double?.isFinite == true }, "\(name)")
    }
    #expect(Metrics.curve("modesFound", in: records).map(\.step) == [6, 12, 18, 20])
    // Only the generator draws, so only its weights are averaged.
    let names = try variables(root.file("a")).map(\.name)
    #expect(names.contains("ema.wgan/generator/output/bias"))
    #expect(!names.contains { $0.hasPrefix("ema.wgan/critic") })
  }

  /// A checkpoint written before a metric was reported still resumes; only the run counter is
  /// needed, and its absence is an error.
  @Test func aCheckpointWithoutAMetricResumes() throws {
    let run = try SmallRun.wgan()
    try run.train(in: root.file("whole"))
    _ = try run.train(in: root.file("older"), stopAt: 3)
    let path = root.file("older/checkpoint.safetensors")
    let reader = try SafetensorsReader(path)
    let (arrays, metadata) = (try reader.all(), reader.metadata)
    let older = arrays.filter { $0.name != "report/critic/slope" }
    #expect(older.count == arrays.count - 1)
    try Safetensors.write(
      older.filter { $0.name != "report/critic/step" }, metadata: metadata, to: path)
    #expect(
      failure { try run.train(in: root.file("older")) }
        == "\(path): lacks \"report/critic/step\", which the experiment's model has")
    try Safetensors.write(older, metadata: metadata, to: path)
    #expect(try run.train(in: root.file("older")) == .finished)
    root.expect("older", equals: "whole", in: ["samples.png"])
  }

  @Test(arguments: ["linear", "cosine"]) func theRateEndsAtItsFloor(_ decay: String) throws {
    try SmallRun.wgan(
      "optimizer.decay=\(decay)", "optimizer.floor=0.25", "model.criticRate=1"
    ).train(in: root.file("a"))
    let rates = Metrics.curve("rate", in: try Metrics.read(root.file("a/metrics.jsonl")).records)
    let (least, last) = (rates.map(\.value).min() ?? 0, rates.last?.value ?? 0)
    #expect(abs(last - 0.25 * 1e-2) < 1e-8 && last == least, "\(rates)")
  }

  @Test func clippedCriticsStayWithin() throws {
    try SmallRun.wgan("model.constraint=clip", "model.limit=0.05").train(in: root.file("a"))
    for array in try variables(root.file("a")) where array.name.hasPrefix("wgan/critic") {
      let isWeight = ["weight", "bias"].contains { array.name.hasSuffix("/" + $0) }
      if isWeight { #expect(array.values.allSatisfy { abs($0) <= 0.05 }, "\(array.name)") }
    }
  }

  @Test func samplesDependOnTheirSeedsOnly() throws {
    try SmallRun.wgan("steps=4").train(in: root.file("a"))
    let run = try Run(folder: root.file("a"), threads: 2)
    let all = try run.sample(seeds: (0..<66).map { UInt64($0) })
    let one = try run.sample(seeds: [64])
    #expect(one.map(\.bitPattern) == all[128..<130].map(\.bitPattern))
  }

  @Test(arguments: [
    ("model.criticNorm=batch", "expected none, group"),
    ("model.generatorNorm=batch", "expected none, group"),
    ("model.network=residual", "residual needs images, but the data are points; expected mlp"),
    ("model.criticSteps=0", "expected a whole number from 1 to 1000, found 0"),
    ("model.constraint=gq", "expected one of gn, gran, gp, sn, clip, none, found gq"),
  ]) func mistakesAreNamed(_ override: String, _ end: String) throws {
    let yaml = try SmallRun.wgan().yaml
    let message = failure { _ = try Experiment(yaml: yaml, file: "e.yaml", overrides: [override]) }
    #expect(message.contains(end), "\(message)")
  }
}

@Suite struct ToyDistanceTests {
  @Test func perfectSamplesHaveZeroDistance() throws {
    let set = try ToySet.named("eight-gaussians")
    let found = ToyDistances(set.points(seed: 9, count: 2000), set)
    for figure in [found.discrepancy, found.energy] {
      #expect(abs(figure.mean) < 4.5 * figure.standardError)
    }
    #expect(abs(found.logDensity.mean + set.entropy) < 4.5 * found.logDensity.standardError)
    #expect(found.outside == 0)
  }

  /// The standard error of sliced W2 equals the spread of its values over samples.
  @Test func theErrorOfSlicedW2IsItsSpread() throws {
    let set = try ToySet.named("moons")
    let found = (0..<40).map { seed in
      ToyDistances(set.points(seed: UInt64(seed + 1), count: 1000), set, seed: UInt64(seed))
        .slicedWasserstein
    }
    let values = found.map(\.mean)
    let mean = values.reduce(0, +) / 40
    let spread = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 39).squareRoot()
    let errors = found.map(\.standardError).reduce(0, +) / 40
    // The spread of 40 values is known to a ninth, and the jackknife of a root errs upwards.
    #expect(errors > 0.6 * spread && errors < 2.5 * spread, "\(errors) \(spread)")
    #expect(found.allSatisfy { $0.count == 1000 })
  }

  /// Computed over all samples together: it falls with their number, which means over blocks of one
  /// size would not.
  @Test func slicedW2IsOfAllSamples() throws {
    let set = try ToySet.named("eight-gaussians")
    let few = ToyDistances(set.points(seed: 3, count: 1000), set)
    let many = ToyDistances(set.points(seed: 3, count: 16_000), set)
    #expect(many.slicedWasserstein.mean < 0.5 * few.slicedWasserstein.mean)
    #expect(many.count == 16_000)
    // Blocks of 1,000 give sixteen values, a tenth of 1,000 ten.
    #expect(many.discrepancy.count == 16 && few.discrepancy.count == 10)
    #expect(ToyDistances(set.points(seed: 3, count: 10_999), set).energy.count == 10)
    #expect(ToyDistances(set.points(seed: 3, count: 103), set).energy.count >= 10)
  }

  /// All points at the origin, against a circle of radius 2.
  @Test func figuresByHand() throws {
    let set = try ToySet.named("eight-gaussians")
    let found = ToyDistances([Float](repeating: 0, count: 4000), set)
    // A projection of the set has half its squared radius: 2, and noise of 0.0025.
    #expect(abs(found.slicedWasserstein.mean - 2.0025.squareRoot()) < 0.01)
    // 2 E|y| - E|y - y'|; the chords of eight even points are 4 sin(k pi / 8).
    let chords = (0..<8).reduce(0.0) { $0 + 4 * (Double.pi * Double($1) / 8).sine } / 8
    #expect(abs(found.energy.mean - (4 - chords)) < 0.05)
    #expect(abs(found.logDensity.mean - set.logDensity(0, 0)) < 1e-9)
    let board = ToyDistances(
      [Float](repeating: 5, count: 400), try ToySet.named("checkerboard"))
    #expect(board.outside == 1 && board.logDensity.mean == -.infinity)
  }
}
