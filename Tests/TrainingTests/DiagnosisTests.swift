import Formats
import Runs
import Synchronization
import TensorCore
import TestSupport
import Testing
import Training

/// Non-finite steps: the message, and the layer it names.
@Suite(.serialized) struct DiagnosisTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  /// Sets one number of an array in the checkpoint of a run.
  private func plant(_ value: Float, in name: String, _ folder: String) throws {
    let path = RunPaths(root.file(folder)).checkpoint
    let reader = try SafetensorsReader(path)
    let arrays = try reader.all().map { array in
      guard array.name == name else { return array }
      var values = array.values
      values[values.count / 2] = value
      return NamedArray(name: name, shape: array.shape, values: values)
    }
    #expect(arrays.contains { $0.name == name }, "\(arrays.map(\.name))")
    try Safetensors.write(arrays, metadata: reader.metadata, to: path)
  }

  /// The messages of a run, and the error that ends it.
  private func outcome(
    _ run: SmallRun, _ folder: String, threads: Int = 2
  ) -> (said: String, error: String) {
    let lines = Lines()
    let error = failure {
      try run.train(
        in: root.file(folder), threads: threads, checksNumerics: true, log: [lines.add])
    }
    return (lines.text, error)
  }

  static let precisions: [Precision] = Precision.hasBF16 ? [.fp32, .bf16] : [.fp32]

  @Test(arguments: precisions) func aNonFiniteWeightInAUNetIsNamedByLayer(
    _ precision: Precision
  ) throws {
    let run = try SmallRun.images("precision=\(precision.rawValue)")
    let layer = "denoiser/middle0/convolution0"
    for (value, beginning) in [
      (Float.nan, "nan of variable \(layer)/filter, "), (3.4e38, ""),
    ] {
      try run.train(in: root.file("a"), stopAt: 5)
      let saved = try #require(root.bytes("a/checkpoint.safetensors"))
      try plant(value, in: layer + "/filter", "a")
      let planted = try #require(root.bytes("a/checkpoint.safetensors"))
      let (said, error) = outcome(run, "a")
      let prefix = "error: step 6 again, one operation at a time: "
      let line = try #require(said.split(separator: "\n").first { $0.hasPrefix(prefix) }, "\(said)")
      #expect(line.dropFirst(prefix.count).hasPrefix(beginning), "\(line)")
      #expect(line.contains(layer), "\(line)")
      #expect(error.hasPrefix("step 6: the loss is not finite (loss "), "\(error)")
      #expect(error.contains("; it is the first step since the start. The step"), "\(error)")
      #expect(root.bytes("a/checkpoint.safetensors") == planted)
      try root.put(saved, at: "a/checkpoint.safetensors")
    }
  }

  @Test(arguments: ["generator", "critic"], ["gn", "sn"])
  func bothNetworksOfAWGANAreNamed(_ network: String, _ constraint: String) throws {
    let run = try SmallRun.wgan("model.constraint=\(constraint)")
    try run.train(in: root.file("a"), stopAt: 5)
    let name = "wgan/\(network)/output/weight"
    try plant(.nan, in: name, "a")
    let (said, error) = outcome(run, "a")
    #expect(said.contains("one operation at a time: nan of variable \(name), "), "\(said)")
    // The critic is trained on samples, so its program is the first to fail.
    #expect(error.hasPrefix("step 6, run 1 of its program: the critic"), "\(error)")
  }

  @Test func theNonFiniteTermIsNamed() throws {
    let run = try SmallRun.vae()
    try run.train(in: root.file("a"), stopAt: 5)
    // exp(1e4) of the log variance enters the divergence only, at first.
    try plant(1e4, in: "vae/posterior/logVariance/bias", "a")
    let (said, error) = outcome(run, "a")
    #expect(error.hasPrefix("step 6: the "), "\(error)")
    #expect(
      error.contains("divergence is not finite") || error.contains("reconstruction is not"),
      "\(error)")
    #expect(said.contains("inf of exp"), "\(said)")
  }

  /// A non-finite step leaves memory unchanged.
  @Test(arguments: ["gn", "sn"]) func nonFiniteStepsChangeNothing(_ constraint: String) throws {
    let small = try SmallRun.wgan(
      "model.constraint=\(constraint)", "optimizer.lookahead={every: 3}")
    let experiment = try small.experiment()
    let runtime = try Runtime(seed: 1, threads: 2)
    let training = try TrainingProgram(experiment, small.data, runtime)
    for step in 0..<4 { #expect(try training.run(step: step).fault == nil) }
    try runtime.write(variable: "wgan/critic/output/bias", [.nan])
    func state() throws -> [String: [UInt32]] {
      Dictionary(
        uniqueKeysWithValues: try runtime.variableNames.map { name in
          (
            name,
            try runtime.read(variable: name) { span in span.indices.map { span[$0].bitPattern } }
          )
        })
    }
    let before = try state()
    let fault = try #require(try training.run(step: 4).fault)
    #expect(try state() == before)
    let found = try #require(try training.firstNonFinite(fault))
    #expect(found.operation == "variable wgan/critic/output/bias", "\(found)")
    #expect(try state() == before)
  }

  @Test func aYoungAverageIsReported() throws {
    #expect(shareOfStart(decay: 0.999, steps: 0) == 1)
    // 2/11 * 3/12
    #expect(abs(shareOfStart(decay: 0.999, steps: 2) - 1.0 / 22) < 1e-12)
    #expect(abs(shareOfStart(decay: 0.1, steps: 3) - 0.001) < 1e-12)
    for (steps, isYoung) in [(2, true), (10, false)] {
      let run = try SmallRun.toy("steps=\(steps)")
      let lines = Lines()
      try run.train(in: root.file("\(steps)"), log: [lines.add])
      #expect(lines.text.contains("warning: the moving average is too young to sample") == isYoung)
    }
  }
}

private final class Lines: Sendable {
  private let all = Mutex("")
  var text: String { all.withLock { $0 } }
  var add: @Sendable (String) -> Void { { line in self.all.withLock { $0 += line } } }
}
