import Datasets
import Domains
import Experiments
import Foundation
import Reporting
import Support
import TensorCore
import TestSupport
import Testing
import Training

@Suite(.serialized) struct BenchmarkTests {
  private func listing(_ experiment: Experiment) throws -> (kernels: [String], parameters: Int) {
    let data = try TrainingData(standingInFor: experiment.data, directory: "/nonexistent")
    let training = try TrainingProgram(experiment, data, try Runtime(seed: 0, threads: 2))
    let kernels = training.programs.flatMap(\.program.kernels).map {
      "\($0.label) | \($0.implementation) | \($0.path) | \($0.bytes) | \($0.flops)"
    }
    return (kernels, training.parameters.count)
  }

  private func experiment(_ name: String, _ overrides: [String]) throws -> Experiment {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Experiments/\(name).yaml").standardized.path
    return try Experiment(contentsOf: file, overrides: overrides)
  }

  /// A benchmark measures the same program that training with its settings runs.
  @Test func damagedImagesAreNotMissing() throws {
    let folder = try TemporaryFolder()
    _ = try FileSystem.makeFolder("\(folder.path)/mnist")
    try writeAtomically([1, 2, 3], to: "\(folder.path)/mnist/train-images-idx3-ubyte")
    #expect(throws: FigmentError.self) {
      _ = try TrainingData(standingInFor: "mnist", directory: folder.path)
    }
  }

  @Test func theToyBenchmarkIsTheTrainingStep() throws {
    let twin = try listing(try Workload.ddpmToy.experiment)
    let trained = try listing(
      try experiment(
        "ddpm-toy",
        [
          "optimizer.rate=1e-3", "optimizer.warmup=0", "optimizer.decay=constant",
          "optimizer.average=null", "report.metricsEvery=50",
          "model={kind: ddpm, network: mlp, width: 128, depth: 3, timeFeatures: 64}",
        ]))
    #expect(twin.kernels == trained.kernels)
    #expect(twin.parameters == 41_858)
  }

  @Test func theDigitsBenchmarkIsTheTrainingStep() throws {
    let twin = try listing(try Workload.ddpmMNIST.experiment)
    let trained = try listing(
      try experiment(
        "ddpm-mnist",
        [
          "batch=128", "optimizer.rate=2e-4", "optimizer.warmup=0",
          "optimizer.decay=constant", "optimizer.clip=null", "optimizer.averageOver=null",
          "optimizer.average=null", "report.metricsEvery=50",
          "sampling.guidance=null", "model={kind: ddpm, network: unet, base: 32}",
        ]))
    #expect(twin.kernels == trained.kernels)
    #expect(twin.parameters == 2_536_033)
  }

  @Test func theVAEBenchmarkIsTheTrainingStep() throws {
    let twin = try listing(try Workload.vaeMNIST.experiment)
    let trained = try listing(
      try experiment(
        "vae-mnist", ["optimizer.rate=1e-3", "optimizer.decay=constant", "report.metricsEvery=50"]))
    #expect(twin.kernels == trained.kernels)
    #expect(twin.parameters == 1_082_680)
  }

  @Test func theWGANBenchmarkIsTheTrainingStep() throws {
    let twin = try listing(try Workload.wganToy.experiment)
    let trained = try listing(
      try experiment(
        "wgan-toy",
        [
          "data=gaussian", "batch=256", "model.generator=[128, 128, 128]",
          "model.critic=[128, 128, 128]", "model.criticSteps=1", "model.criticRate=1",
          "model.loss=hinge", "model.consistency=null",
          "optimizer.rate=1e-4", "optimizer.beta1=0.5", "optimizer.beta2=0.9",
          "optimizer.decay=constant", "optimizer.average=null", "report.metricsEvery=50",
        ]))
    #expect(twin.kernels == trained.kernels)
    // The networks of the comparison: 2-128-128-128-1 and 16-128-128-128-2.
    #expect(twin.parameters == 33_537 + 35_458)
  }

  /// The compiled plans of the workloads, word for word: every change of them shows here.
  @Test(arguments: Precision.allCases.filter { $0 == .fp32 || Precision.hasBF16 })
  func plansMatchTheGoldenFiles(_ precision: Precision) throws {
    var text = ""
    for workload in Workload.allCases where workload != .ddpmMNISTSample {
      var experiment = try workload.experiment
      experiment.precision = precision
      let data = try TrainingData(standingInFor: experiment.data, directory: "/nonexistent")
      let training = try TrainingProgram(experiment, data, try Runtime(seed: 0, threads: 1))
      for (program, _) in training.programs {
        let part = training.programs.count > 1 ? ", \(program.name)" : ""
        text += "\(workload.rawValue), \(precision.rawValue)\(part)\n"
        text += program.summary.lines.map { "  \($0)\n" }.joined()
      }
    }
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Golden/plans-\(precision.rawValue).txt")
    if ProcessInfo.processInfo.environment["FIGMENT_WRITE_GOLDEN"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text)
  }

  /// True if an implementation is a fallback of the library, for lack of an optimised kernel.
  ///
  /// `ref` is a plain loop. `gemm` of a convolution unfolds the images. `gemm` of a matrix product
  /// is the library's BLAS, compiled at run time: the fastest choice in fp32, and in bf16 without
  /// tiles (80 to 95 % of the peak of a Zen 4, where a copy with plain rows and the library's other
  /// kernel reach 45 to 80 %), but several times too slow where there are tiles.
  /// library's other kernel reach 45 to 80 %), but next to tiles several times too slow.
  private func isSlow(_ kernel: KernelDescription, in precision: Precision) -> Bool {
    let name = kernel.implementation.prefix { $0 != ":" }
    let isProduct = kernel.label.hasPrefix("matmul")
    if name == "gemm", isProduct, kernel.implementation == "gemm:jit" {
      return precision == .bf16 && Precision.hasTiles
    }
    return name == "ref" || name == "gemm"
  }

  /// On every kind of processor; `ONEDNN_MAX_CPU_ISA` simulates lesser ones.
  @Test(arguments: Precision.allCases.filter { $0 == .fp32 || Precision.hasBF16 })
  func noShippedExperimentUsesSlowKernels(_ precision: Precision) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Experiments").standardized
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".yaml") }.sorted()
    #expect(!files.isEmpty)
    var contractions = 0
    for file in files {
      var experiment = try Experiment(contentsOf: folder.appendingPathComponent(file).path)
      // Experiments that ship in fp32 are fast enough there if their fp32 kernels are.
      guard precision == .fp32 || experiment.precision == .bf16 else { continue }
      experiment.precision = precision
      let data = try TrainingData(standingInFor: experiment.data, directory: "/nonexistent")
      let training = try TrainingProgram(experiment, data, try Runtime(seed: 0, threads: 2))
      for kernel in training.programs.flatMap(\.program.kernels) where kernel.flops > 0 {
        contractions += 1
        #expect(
          !isSlow(kernel, in: precision),
          "\(file) in \(precision): \(kernel.label) by \(kernel.implementation)")
      }
    }
    #expect(contractions > 100)
  }

  @Test func theJSONHasTheKeysOfTheContract() throws {
    let result = try measure(
      .ddpmToy, precision: .fp32, threads: 1, steps: 2, profile: false,
      dataDirectory: "/nonexistent")
    let object = try JSONSerialization.jsonObject(with: Data(result.json.utf8))
    let keys = try #require(object as? [String: Any]).keys.sorted()
    #expect(
      keys == [
        "first_step_s", "gflops", "median_step_ms", "parameters", "peak_rss_mib", "precision",
        "threads", "workload",
      ])
    #expect(!result.json.contains("\n"))
  }
}
