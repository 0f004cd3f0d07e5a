import Domains
import Evaluation
import Experiments
import Formats
import Foundation
import Support
import TensorCore
import TestSupport
import Testing
import Training

/// The project's folder.
private let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("../..").standardized.path

/// The classifier of digits that the program holds.
@Suite(.serialized) struct ShippedClassifierTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  private func file() throws -> SafetensorsReader {
    try SafetensorsReader(project + "/Sources/CDigitClassifier/mnist.safetensors")
  }

  @Test func itsHashIsTheDocumentedOne() throws {
    let digest = try Run.digitClassifier(threads: 1).weightsDigest
    let page = try String(contentsOfFile: project + "/docs/evaluate.md", encoding: .utf8)
    #expect(digest.count == 64 && page.contains("`\(digest)`"), "\(digest)")
  }

  /// The file holds the moving averages of the shipped experiment's network, and nothing else.
  @Test func itIsOfTheShippedExperiment() throws {
    // The precision of the training depends on the processor.
    let fp32 = ["precision=fp32"]
    let experiment = try Experiment(
      contentsOf: project + "/Experiments/classifier-mnist.yaml", overrides: fp32)
    let file = try file()
    let text = try #require(file.metadata["figment.experiment"])
    #expect(try Experiment(yaml: text, file: "shipped", overrides: fp32) == experiment)
    #expect(file.metadata["figment.step"] == "\(experiment.steps)")
    let parameters = Parameters(experiment.model.root)
    _ = try experiment.model.model(forExamplesOf: [28, 28, 1], parameters)
    let wanted = parameters.variables.map {
      ArrayDescription(name: Weights.averaged.name($0), shape: $0.shape)
    }
    #expect(file.arrays.count == wanted.count && wanted.allSatisfy(file.arrays.contains))
  }

  @Test(.enabled(if: hasDigits, "no MNIST here: `figment data fetch`, or set FIGMENT_DATA"))
  func itReachesTheDocumentedAccuracy() throws {
    let directory = URL(fileURLWithPath: digitsFolder).deletingLastPathComponent().path
    let accuracy = try Run.digitClassifier(threads: 2)
      .accuracy(on: .test, dataDirectory: directory).share
    #expect(accuracy.count == 10_000)
    let percentage = measuredPercent(accuracy.mean, accuracy.standardError)
    let page = try String(contentsOfFile: project + "/docs/evaluate.md", encoding: .utf8)
    #expect(page.contains(percentage), "\(percentage)")
  }

  /// The script copies what a run is evaluated with, so the hash stays that of the run.
  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3"), "no Python here")
  )
  func theScriptCopiesTheAverages() throws {
    try SmallRun.classifier("steps=3", "patience=null").train(in: root.file("run"))
    #expect(try script("run").status == 0)
    let written = try SafetensorsReader(root.file("out.safetensors"))
    let run = try SafetensorsReader(root.file("run/checkpoint.safetensors"))
    #expect(written.metadata == run.metadata)
    let averages = try run.all().filter { $0.name.hasPrefix("ema.") }
    #expect(try written.all() == averages && !averages.isEmpty)
    // Written by Swift, the file has the same bytes.
    try Safetensors.write(averages, metadata: run.metadata, to: root.file("ours.safetensors"))
    #expect(root.bytes("out.safetensors") == root.bytes("ours.safetensors"))

    try SmallRun.classifier("steps=3", "optimizer.average=null").train(in: root.file("raw"))
    let refused = try script("raw")
    #expect(refused.status == 1)
    #expect(
      refused.errors
        == "\(root.file("raw")): expected a run of a classifier with a moving average of its weights\n"
    )
  }

  private func script(_ folder: String) throws -> (status: Int32, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: project + "/Scripts/digit-classifier")
    process.arguments = [root.file(folder), root.file("out.safetensors")]
    let errors = Pipe()
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, errors)
    try process.run()
    let bytes = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
  }
}

/// The choice of sampler in an evaluation.
@Suite(.serialized) struct EvaluationSamplerTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  private func sampler(
    _ folder: String, _ method: SamplingSettings.Method? = nil, _ steps: Int? = nil
  ) throws -> EvaluationSampler? {
    try EvaluationSampler(
      try Run(folder: root.file(folder), threads: 1), method: method, steps: steps)
  }

  @Test func digitsHaveAFewEvaluationsUnlessTold() throws {
    try SmallRun.images(
      "steps=1", "model.times=30", "sampling.method=ancestral", "sampling.steps=30"
    ).train(in: root.file("long"))
    try SmallRun.images("steps=1", "model.times=12", "sampling.eta=0.5")
      .train(in: root.file("short"))
    for (found, text) in [
      (try sampler("long"), "dpm-solver, 20 evaluations"),
      (try sampler("short"), "dpm-solver, 12 evaluations"),
      (try sampler("long", nil, 30), "dpm-solver, 30 evaluations"),
      (try sampler("long", .ancestralPosterior), "ancestral-posterior, 20 evaluations"),
      (try sampler("long", .ancestral, 1), "ancestral, 1 evaluation"),
    ] {
      #expect(found?.description == text)
      #expect(found?.request.steps == found?.steps && found?.evaluations == found?.steps)
    }
    #expect(try sampler("short")?.reverse.eta == 0)
    #expect(
      failure { _ = try sampler("long", nil, 31) }
        == "--steps: expected 1 to 30, the times of tiny-images, found 31")
  }

  @Test func pointsKeepTheirExperiments() throws {
    try SmallRun.toy("steps=1").train(in: root.file("toy"))
    for (found, text) in [
      (try sampler("toy"), "ancestral, 6 evaluations"),
      (try sampler("toy", nil, 9), "ancestral, 9 evaluations"),
      (try sampler("toy", .ddim), "ddim, 50 evaluations"),
    ] {
      #expect(found?.description == text)
    }
    try SmallRun.vae("steps=1").train(in: root.file("vae"))
    #expect(try sampler("vae", .ddim, 3) == nil)
  }
}
