import Experiments
import Images
import Runs
import TensorCore
import TestSupport
import Testing
import Training
import VAE

/// Trains small VAEs; serialized, since each uses every core.
@Suite(.serialized) struct VAETrainingTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  /// The files that equal runs share, pictures apart, byte for byte.
  private static let files = ["metrics.jsonl", "checkpoint.safetensors", "samples.png"]

  @Test(arguments: [
    [], ["binarisation=static"], ["model.likelihood=gaussian"], ["patience=3"],
    ["patience=2", "optimizer.average=0.9", "model.klWarmup=12"],
    ["model.posterior=vmf", "model.bound=iwae", "model.draws=3"],
    ["model.network=convolutional", "model.channels=[2, 3]", "model.hidden=[8]"],
  ])
  func aResumedRunEqualsAnUninterruptedOne(_ overrides: [String]) throws {
    var run = try SmallRun.vae()
    run.overrides = overrides
    #expect(try run.train(in: root.file("whole")) == .finished)
    for stop in [1, 5, 14, 15, 23] { _ = try run.train(in: root.file("broken"), stopAt: stop) }
    #expect(try run.train(in: root.file("broken")) == .finished)
    let pictures = [
      "curves.png", "reconstructions.png", "interpolation.png", "latent.png",
      "latent-scatter.png",
    ]
    root.expect("broken", equals: "whole", in: Self.files + pictures)
    #expect(root.bytes("whole/strip.png") == nil)
  }

  /// A point on the sphere and its density belong to one draw, whichever weights are read.
  @Test func averagedWeightsKeepADrawTogether() throws {
    try SmallRun.toyVAE().train(in: root.file("a"))
    func ratios(withPoints: Bool) throws -> [Float] {
      let run = try Run(folder: root.file("a"), threads: 1)
      let model = try run.model(AutoencoderModel.self, for: "this").vae
      let draws = model.posterior(.normal([50, 2], "x")).draws(3)
      let ratio = run.reading(draws.logRatio)
      let points = withPoints ? [run.reading(draws.points)] : []
      let program = try run.runtime.compile("test", points + [ratio])
      program.run()
      return try program.values(ratio)
    }
    #expect(try ratios(withPoints: true) == ratios(withPoints: false))
  }

  @Test func pointsResume() throws {
    let run = try SmallRun.toyVAE("patience=1")
    #expect(try run.train(in: root.file("whole")) == .finished)
    for stop in [3, 25, 26] { _ = try run.train(in: root.file("broken"), stopAt: stop) }
    try run.train(in: root.file("broken"))
    root.expect(
      "broken", equals: "whole", in: Self.files + ["reconstructions.png", "latent-scatter.png"])
  }

  @Test func metricsHaveTheLossesParts() throws {
    let run = try SmallRun.vae("patience=100")
    try run.train(in: root.file("a"))
    let records = try Metrics.read(root.file("a/metrics.jsonl")).records
    for record in records {
      let (loss, reconstruction, divergence) = (
        try #require(record["loss"]?.double), try #require(record["reconstruction"]?.double),
        try #require(record["divergence"]?.double)
      )
      #expect(abs(loss - reconstruction - divergence) < 1e-4 * abs(loss))
    }
    // Forty images in batches of eight: an epoch is five steps.
    let epochs = records.filter { $0["validationLoss"] != nil }.map(\.step)
    #expect(epochs == [5, 10, 15, 20, 25, 30, 35, 40])
    #expect(records.last?["activeUnits"]?.double.map { (0...2).contains($0) } == true)
  }

  /// During the warm-up of the KL no epoch counts; afterwards the run ends when the bound stays
  /// below its best, and keeps the best weights.
  @Test func patienceIsCountedFromTheEndOfTheWarmUp() throws {
    let run = try SmallRun.vae(
      "patience=2", "model.klWarmup=20", "model.hidden=[64]", "steps=1000")
    #expect(try run.train(in: root.file("a")) == .finished)
    let records = try Metrics.read(root.file("a/metrics.jsonl")).records
    let losses = Metrics.curve("validationLoss", in: records).filter { $0.step >= 20 }
    let best = try #require(losses.min { $0.value < $1.value })
    let last = try #require(records.last?.step)
    #expect(last >= 30 && last < 1000)
    #expect(last == best.step + 10)
    // The same folder is finished, and samples use the kept weights.
    #expect(try run.train(in: root.file("a")) == .finished)
    let arrays = try variables(root.file("a"))
    let kept = arrays.first { $0.name == "best.vae/decoder/output/bias" }
    let raw = arrays.first { $0.name == "vae/decoder/output/bias" }
    #expect(kept != nil && kept?.values != raw?.values)
  }

  @Test func weightsDoNotDependOnThreads() throws {
    let run = try SmallRun.vae("batch=32", "model.posterior=vmf", "model.hidden=[64]", "patience=4")
    for threads in [1, 2] { try run.train(in: root.file("\(threads)"), threads: threads) }
    root.expect("1", equals: "2", in: Self.files + ["reconstructions.png"])
  }

  @Test func samplesDependOnTheirSeedsOnly() throws {
    for (name, small) in [
      ("toy", try SmallRun.toyVAE("steps=4")), ("vae", try SmallRun.vae("steps=4")),
    ] {
      try small.train(in: root.file(name))
      let run = try Run(folder: root.file(name), threads: 2)
      let width = run.domain.shape.reduce(1, *)
      let all = try run.sample(seeds: (0..<66).map { UInt64($0) })
      #expect(all.count == 66 * width)
      for seed in [0, 5, 64] {
        let one = try run.sample(seeds: [UInt64(seed)])
        #expect(one.map(\.bitPattern) == all[seed * width..<(seed + 1) * width].map(\.bitPattern))
      }
    }
  }

  /// Static binarisation, where brighter pixels are more often 1, and thresholding.
  @Test(arguments: [("static", 0.5), ("threshold", 0.5), ("dynamic", 0.5), ("none", 0.5)])
  func imagesAreBinarisedAsAsked(_ word: String, _ mean: Double) throws {
    var run = try SmallRun.vae("binarisation=\(word)", "steps=2")
    run.data = .images(
      try ByteTable([UInt8](repeating: 128, count: 64 * 64), rowShape: [8, 8, 1]), labels: nil)
    let digits = try run.data.examples(64, as: run.experiment())
    let again = try run.data.examples(64, as: run.experiment())
    #expect(digits == again)
    let average = digits.reduce(0) { $0 + Double($1) } / Double(digits.count)
    switch word {
    case "threshold": #expect(digits.allSatisfy { $0 == 1 })
    case "none": #expect(digits.allSatisfy { $0 == 128.0 / 255 })
    default:
      #expect(Set(digits) == [0, 1])
      // 4096 pixels, half of them on.
      #expect(abs(average - 128.0 / 255) < 4.5 / 128)
    }
  }

  private func error(_ overrides: String...) throws -> String {
    let yaml = try SmallRun.vae().yaml
    return failure { _ = try Experiment(yaml: yaml, file: "e.yaml", overrides: overrides) }
  }

  @Test func mistakesAreNamed() throws {
    #expect(
      try error("model.latent=0")
        == "--set model.latent=0: model.latent: expected a whole number from 1 to 4096, found 0")
    #expect(
      try error("model.latent=5000")
        == "--set model.latent=5000: model.latent: expected a whole number from 1 to 4096, found 5000"
    )
    #expect(
      try error("model.concentration=3")
        == "--set model.concentration=3: model.concentration: expected null with a gaussian posterior, "
        + "found 3")
    #expect(try error("model.concentration=null") == "nothing was thrown")
    for value in ["0", "-1", "2e6"] {
      #expect(
        try error("model.posterior=vmf", "model.concentration=\(value)")
          == "--set model.concentration=\(value): model.concentration: expected a number at least "
          + "0.001 and at most 1000000, found \(value)")
    }
    #expect(
      try error("model.draws=0")
        == "--set model.draws=0: model.draws: expected a whole number from 1 to 10000, found 0")
    #expect(
      try error("binarisation=dinamic")
        == "--set binarisation=dinamic: binarisation: expected one of none, dynamic, static, threshold, "
        + "found dinamic; did you mean \"dynamic\"?")
    #expect(
      try error("data=moons")
        == "e.yaml:5: model.network: a bernoulli likelihood needs images, but the data are points; "
        + "expected gaussian")
    #expect(
      try error("model.network=convolutional", "model.channels=[2, 2, 2]").hasSuffix(
        "images of 28x28 cannot be halved 3 times: use fewer channels than [2, 2, 2]"))
    #expect(
      try error("sampling.method=ddim").hasPrefix(
        "--set sampling.method=ddim: sampling.method: unknown key"))
  }

  @Test func diffusionOnlyCommandsAreRefused() throws {
    try SmallRun.vae("steps=2").train(in: root.file("a"))
    let run = try Run(folder: root.file("a"), threads: 1)
    let image = [Float](repeating: 0, count: 28 * 28)
    #expect(
      failure { _ = try run.inpaint(image, isDrawn: image.map { _ in true }, seeds: [0]) }
        == "inpaint: needs a run of kind ddpm or flow-matching; tiny-vae is a vae")
    #expect(
      failure { _ = try run.interpolate(from: image, to: image, count: 3, t0: 5, seed: 0) }
        == "--t0 and --class: needs a run of kind ddpm or flow-matching; tiny-vae is a vae")
    let way = try run.interpolate(from: image, to: image, count: 3, t0: nil, seed: 0)
    #expect(way.count == 3 * 784)
  }

  /// On a sphere the path between two points stays on it, at even angles.
  @Test func pathsOnSpheresAreGeodesics() {
    let sphere = Latent.sphere(dimension: 1, concentration: nil)
    let way = sphere.path(from: [1, 0], to: [0, 1], count: 4)
    let angles = [0, 30, 60, 90].map { Double($0) * .pi / 180 }
    for (i, angle) in angles.enumerated() {
      #expect(abs(Double(way[2 * i]) - angle.cosine) < 1e-6)
      #expect(abs(Double(way[2 * i + 1]) - angle.sine) < 1e-6)
    }
    #expect(sphere.path(from: [1, 0], to: [1, 0], count: 2) == [1, 0, 1, 0])
    #expect(
      sphere.path(from: [1, 0], to: [-1, 0], count: 3).allSatisfy { $0.isFinite })
    #expect(
      Latent.gaussian(dimension: 2).path(from: [0, 0], to: [2, 4], count: 3) == [0, 0, 1, 2, 2, 4])
  }
}
