import DDPM
import Experiments
import Formats
import Images
import Runs
import Support
import Synchronization
import TensorCore
import TestSupport
import Testing
import Training

/// Trains small models; serialized, since each uses every core.
@Suite(.serialized) struct TrainerTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  /// The files that equal runs share, byte for byte.
  private static let files = [
    "experiment.yaml", "metrics.jsonl", "checkpoint.safetensors", "samples.png", "strip.png",
    "denoising.png", "curves.png", "samples/latest.png",
  ]

  @Test func aRunLeavesTheFilesOfTheContract() throws {
    let run = try SmallRun.toy()
    #expect(try run.train(in: root.file("whole")) == .finished)
    #expect(root.text("whole/experiment.yaml") == (try run.experiment().yaml))
    let metrics = try Metrics.read(root.file("whole/metrics.jsonl")).records
    #expect(metrics.map(\.step) == [7, 14, 21, 28, 35, 40])
    #expect(metrics.allSatisfy { $0["loss"]?.double.map { $0 > 0 && $0 < 10 } ?? false })
    for (file, step) in [
      ("samples.png", "40"), ("strip.png", "40"), ("curves.png", "40"),
      ("denoising.png", "40"), ("trajectories.png", "40"),
      ("samples/latest.png", "40"),
      ("samples/000010.png", "10"), ("samples/000030.png", "30"),
    ] {
      let bytes = try #require(root.bytes("whole/" + file), "\(file)")
      let text = try PNG.text(of: bytes)
      #expect(text.contains { $0 == ("figment.step", step) }, "\(file)")
      #expect(text.contains { $0 == ("figment.experiment", root.text("whole/experiment.yaml")) })
    }
    #expect(root.bytes("whole/samples/000040.png") == nil)
    let reader = try SafetensorsReader(root.file("whole/checkpoint.safetensors"))
    #expect(reader.metadata["figment.step"] == "40")
    let names = Set(reader.arrays.map(\.name))
    #expect(
      names.isSuperset(of: [
        "denoiser/output/weight", "ema.denoiser/output/weight", "denoiser/output/weight/m",
      ]))
  }

  /// Stopping points of a run of 40 steps with metrics every 7, sample grids every 10 and checkpoints
  /// every 13.
  @Test(arguments: [[1], [7], [10], [13], [26, 27], [39], [1, 2, 3, 30], [40, 40]])
  func aResumedRunEqualsAnUninterruptedOne(_ stops: [Int]) throws {
    let run = try SmallRun.toy()
    try run.train(in: root.file("whole"))
    for stop in stops {
      let end = try run.train(in: root.file("broken"), stopAt: stop)
      #expect(end == (stop < 40 ? .stopped(step: stop) : .finished))
    }
    #expect(try run.train(in: root.file("broken")) == .finished)
    let pictures = ["samples/000010.png", "samples/000030.png", "trajectories.png"]
    root.expect("broken", equals: "whole", in: Self.files + pictures)
  }

  @Test(arguments: [
    ["optimizer.decay=linear", "optimizer.average=null"],
    ["optimizer.average=null", "optimizer.lookahead={every: 6, state: average}"],
    ["optimizer.kind=sgd", "optimizer.lookahead={every: 6, state: reset}"],
    ["optimizer.decay=constant", "optimizer.clip=null", "report.metricsEvery=1"],
    ["report.checkpointEvery=1", "report.metricsEvery=1000", "sampling.method=ddim"],
  ])
  func everyOptimizerResumes(_ overrides: [String]) throws {
    var run = try SmallRun.toy()
    run.overrides = overrides
    try run.train(in: root.file("whole"))
    for stop in [4, 18] { try run.train(in: root.file("broken"), stopAt: stop) }
    try run.train(in: root.file("broken"))
    root.expect("broken", equals: "whole", in: Self.files)
  }

  @Test func imagesResume() throws {
    let run = try SmallRun.images()
    #expect(try run.train(in: root.file("whole")) == .finished)
    for stop in [1, 3, 5, 6] {
      #expect(try run.train(in: root.file("broken"), stopAt: stop) == .stopped(step: stop))
    }
    try run.train(in: root.file("broken"))
    root.expect("broken", equals: "whole", in: Self.files + ["samples/000004.png"])
  }

  /// The signal is polled once per step, and then once per step of the final sampling.
  @Test(arguments: [1, 7, 25, 40, 41, 44])
  func anInterruptedRunIsSavedAndResumes(_ call: Int) throws {
    let run = try SmallRun.toy()
    try run.train(in: root.file("whole"))
    let calls = Counter()
    let end = try run.train(in: root.file("broken")) {
      calls.next() >= call ? .terminate : nil
    }
    #expect(end == .interrupted(.terminate, step: min(call, 40)))
    #expect(try Checkpoint(root.file("broken/checkpoint.safetensors")).step == min(call, 40))
    #expect(root.bytes("broken/samples.png") == nil)
    #expect(try run.train(in: root.file("broken")) == .finished)
    root.expect("broken", equals: "whole", in: Self.files)
  }

  @Test func aKilledRunResumesFromItsLastCheckpoint() throws {
    let run = try SmallRun.toy()
    try run.train(in: root.file("whole"))
    try run.train(in: root.file("broken"), stopAt: 13)
    let checkpoint = try #require(root.bytes("broken/checkpoint.safetensors"))
    try run.train(in: root.file("broken"), stopAt: 25)
    // As if the process had died after step 25 and before its checkpoint, in the middle of a line.
    try root.put(checkpoint, at: "broken/checkpoint.safetensors")
    let metrics = try #require(root.bytes("broken/metrics.jsonl"))
    try root.put(metrics + "{\"step\":28,\"lo".utf8, at: "broken/metrics.jsonl")
    try run.train(in: root.file("broken"))
    root.expect("broken", equals: "whole", in: Self.files)
  }

  @Test func aFinishedRunDrawsOnlyMissingPictures() throws {
    let run = try SmallRun.toy()
    try run.train(in: root.file("whole"))
    let before = Self.files.map { root.bytes("whole/" + $0) }
    try root.put("mine".utf8, at: "whole/samples/latest.png")
    #expect(try run.train(in: root.file("whole")) == .finished)
    #expect(root.text("whole/samples/latest.png") == "mine")
    for file in ["samples.png", "curves.png"] { try root.remove("whole/" + file) }
    #expect(try run.train(in: root.file("whole")) == .finished)
    #expect(Self.files.map { root.bytes("whole/" + $0) } == before)
  }

  @Test(arguments: [true, false])
  func weightsDoNotDependOnThreads(_ isToy: Bool) throws {
    // A batch that is large enough to be split.
    let run =
      isToy
      ? try SmallRun.toy("batch=512", "model.width=64", "report.samplesEvery=1000")
      : try SmallRun.images("batch=16", "report.samplesEvery=1000")
    for threads in [1, 2] {
      try run.train(in: root.file("\(threads)"), threads: threads)
    }
    root.expect("1", equals: "2", in: Self.files)
  }

  @Test func drawingDoesNotChangeTraining() throws {
    try SmallRun.toy("report.samplesEvery=3").train(in: root.file("often"))
    try SmallRun.toy("report.samplesEvery=1000").train(in: root.file("never"))
    #expect(try variables(root.file("often")) == variables(root.file("never")))
    #expect(root.bytes("often/metrics.jsonl") == root.bytes("never/metrics.jsonl"))
  }

  /// An average without memory equals the weights themselves.
  @Test(arguments: [("0", 1), ("null", 1), ("0.999", 2)])
  func previewsShowRawAndAverageUntilTheyAgree(_ decay: String, _ panels: Int) throws {
    try SmallRun.toy("optimizer.average=\(decay)").train(in: root.file("a"), stopAt: 10)
    let bytes = try #require(root.bytes("a/samples/000010.png"))
    #expect(root.bytes("a/samples/latest.png") == bytes)
    let picture = try PNG.decode(bytes).bitmap
    #expect(picture.width == 12 + panels * 652)
  }

  @Test func anotherSeedIsAnotherRun() throws {
    for seed in [0, 1] {
      try SmallRun.toy("seed=\(seed)", "steps=3").train(in: root.file("\(seed)"))
    }
    #expect(try variables(root.file("0")) != variables(root.file("1")))
  }

  @Test func samplesDependOnTheirSeedsOnly() throws {
    try SmallRun.toy("steps=5").train(in: root.file("toy"))
    try SmallRun.images("steps=2").train(in: root.file("images"))
    for (folder, width) in [("toy", 2), ("images", 28 * 28)] {
      let run = try Run(folder: root.file(folder), threads: 2)
      let all = try run.sample(seeds: (0..<66).map { UInt64($0) })
      #expect(all.count == 66 * width)
      for seed in [0, 5, 63, 64, 65] {
        let one = try run.sample(seeds: [UInt64(seed)])
        #expect(one.map(\.bitPattern) == all[seed * width..<(seed + 1) * width].map(\.bitPattern))
      }
      let single = try Run(folder: root.file(folder), threads: 1).sample(seeds: [5])
      #expect(single.map(\.bitPattern) == all[5 * width..<6 * width].map(\.bitPattern))
    }
  }

  @Test func samplingStepsAreCounted() throws {
    try SmallRun.toy("steps=1").train(in: root.file("toy"))
    let run = try Run(folder: root.file("toy"), threads: 1)
    #expect(run.samplingSteps(count: 1) == 6)
    #expect(run.samplingSteps(count: 2049, SampleRequest(steps: 2)) == 4)
    var seen: [Int] = []
    _ = try run.sample(
      seeds: (0..<2049).map { UInt64($0) }, SampleRequest(steps: 2)
    ) { done, _ in
      seen.append(done)
    }
    #expect(seen == [0, 1, 2, 2, 3, 4])
  }

  @Test func aCheckpointOfAnotherRunIsRefused() throws {
    let path = root.file("a/checkpoint.safetensors")
    try SmallRun.toy("steps=3").train(in: root.file("a"))
    try SmallRun.toy("steps=3", "seed=7", "model.width=8").train(in: root.file("b"))
    let other = try #require(root.bytes("b/checkpoint.safetensors"))
    try root.put(other, at: "a/checkpoint.safetensors")
    #expect(
      failure { try SmallRun.toy("steps=3").train(in: root.file("a")) }
        == "\(path): is of another run, which differs in seed (7 there, 0 here), "
        + "model.width (8 there, 16 here)")
    #expect(root.bytes("a/checkpoint.safetensors") == other)
  }

  /// A checkpoint of a version before the key existed.
  @Test func missingKeysHaveDefaults() throws {
    try SmallRun.toy().train(in: root.file("a"), stopAt: 3)
    let text = try #require(root.text("a/experiment.yaml"))
    let older = text.replacing("  kind: adam\n", with: "")
    #expect(older != text)
    try root.put(older.utf8, at: "a/experiment.yaml")
    #expect(try SmallRun.toy().train(in: root.file("a"), stopAt: 5) == .stopped(step: 5))
    try root.put(older.replacing("beta1: 0.9", with: "beta1: 0.8").utf8, at: "a/experiment.yaml")
    #expect(
      failure { try SmallRun.toy().train(in: root.file("a")) }.contains("optimizer.beta1 (0.8"))
  }

  @Test func aCheckpointOfAnotherArchitectureIsRefused() throws {
    let path = root.file("a/checkpoint.safetensors")
    try SmallRun.toy("steps=3").train(in: root.file("a"))
    let reader = try SafetensorsReader(path)
    let (arrays, metadata) = (try reader.all(), reader.metadata)
    func message(_ changed: [NamedArray], sampling: Bool = false) throws -> String {
      try Safetensors.write(changed, metadata: metadata, to: path)
      return failure {
        if sampling {
          _ = try Run(folder: root.file("a"), threads: 1)
        } else {
          try SmallRun.toy("steps=3").train(in: root.file("a"))
        }
      }
    }
    let name = "denoiser/output/weight"
    let missing = arrays.filter { $0.name != name }
    #expect(
      try message(missing) == "\(path): lacks \"\(name)\", which the experiment's model has")
    #expect(
      try message(missing, sampling: true)
        == "\(path): holds no array \"\(name)\" of shape [16, 2]")
    #expect(
      try message(arrays.filter { $0.name != "ema." + name }, sampling: true)
        == "\(path): holds no array \"ema.\(name)\" of shape [16, 2]")
    let extra = arrays + [NamedArray(name: "more", shape: [1], values: [0])]
    #expect(
      try message(extra) == "\(path): holds \"more\", which the experiment's model lacks")
    let reshaped =
      missing + [NamedArray(name: name, shape: [2, 16], values: .init(repeating: 0, count: 32))]
    #expect(
      try message(reshaped)
        == "\(path): does not fit the experiment's model: variable \(name) has shape [2, 16], not [16, 2]"
    )
    var later = metadata
    later["figment.format"] = "2"
    try Safetensors.write(arrays, metadata: later, to: path)
    #expect(
      failure { try SmallRun.toy("steps=3").train(in: root.file("a")) }
        == "\(path): is of checkpoint format \"2\", and this program reads 1 (version 0.1.0)")
    try Safetensors.write(arrays, to: path)
    #expect(
      failure { try SmallRun.toy("steps=3").train(in: root.file("a")) }
        == "\(path): has no figment.step in its metadata; expected the checkpoint of a run")
  }

  @Test func aTruncatedCheckpointIsRefusedAndUnchanged() throws {
    try SmallRun.toy("steps=3").train(in: root.file("a"))
    let whole = try #require(root.bytes("a/checkpoint.safetensors"))
    let path = root.file("a/checkpoint.safetensors")
    for length in [0, 7, 8, 100, whole.count / 2, whole.count - 1] {
      try root.put(whole.prefix(length), at: "a/checkpoint.safetensors")
      let line = failure { try SmallRun.toy("steps=3").train(in: root.file("a")) }
      #expect(line.hasPrefix(path + ": "), "\(length) bytes: \(line)")
      #expect(line.contains("cut short") || line.contains("expected at least 8"), "\(line)")
      #expect(!line.contains("\n"))
      #expect(root.bytes("a/checkpoint.safetensors")?.count == length)
    }
  }

  @Test func aNonFiniteStepStopsTheRun() throws {
    let run = try SmallRun.toy(
      "optimizer.rate=10", "optimizer.warmup=0", "optimizer.clip=null", "model.depth=16",
      "report.checkpointEvery=1", "report.samplesEvery=1000", "report.metricsEvery=1",
      "optimizer.decay=constant")
    let line = failure { try run.train(in: root.file("a")) }
    let step = try Checkpoint(root.file("a/checkpoint.safetensors")).step
    #expect(step > 0)
    #expect(line.hasPrefix("step \(step + 1): the "), "\(line)")
    #expect(line.contains(" is not finite (loss "), "\(line)")
    let records = try Metrics.read(root.file("a/metrics.jsonl")).records
    let norms = Metrics.curve("gradientNorm", in: records).suffix(1).map { rounded($0.value) }
    #expect(
      line.contains(norms.joined(separator: ", ") + " at rates 10"), "\(line)")
    #expect(
      line.hasSuffix(
        ". The step was discarded; the last checkpoint is at step \(step)"
          + "; --resume --check-numerics names the layer"), "\(line)")
    let finite = try variables(root.file("a")).allSatisfy { $0.values.allSatisfy(\.isFinite) }
    #expect(finite)
    let before = root.bytes("a/checkpoint.safetensors")
    // The same line, except for the preceding steps, which another process took.
    let again = failure { try run.train(in: root.file("a")) }
    #expect(again.prefix { $0 != ";" } == line.prefix { $0 != ";" }, "\(again)")
    #expect(root.bytes("a/checkpoint.safetensors") == before)
  }
}

private final class Counter: Sendable {
  private let count = Atomic<Int>(0)
  func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
