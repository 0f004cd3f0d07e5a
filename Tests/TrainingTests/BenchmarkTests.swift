import Foundation
import TensorCore
import Testing
import Training

@Suite(.serialized) struct BenchmarkTests {
  private func listing(_ experiment: Experiment) throws -> (kernels: [String], parameters: Int) {
    let data = try TrainingData(standingInFor: experiment.data, directory: "/nonexistent")
    let training = try TrainingProgram(experiment, data, try Runtime(seed: 0, threads: 2))
    let kernels = training.program.kernels.map {
      "\($0.label) | \($0.implementation) | \($0.path) | \($0.bytes) | \($0.flops)"
    }
    return (kernels, training.parameters.count)
  }

  private func experiment(_ name: String, _ overrides: [String]) throws -> Experiment {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Experiments/\(name).yaml").standardized.path
    return try Experiment(contentsOf: file, overrides: overrides)
  }

  /// A benchmark measures the very program that training the same settings runs.
  @Test func theToyBenchmarkIsTheTrainingStep() throws {
    let twin = try listing(try Workload.ddpmToy.experiment)
    let trained = try listing(
      try experiment(
        "ddpm-toy",
        [
          "optimizer.rate=1e-3", "optimizer.warmup=0", "optimizer.decay=constant",
          "optimizer.average=null", "report.metricsEvery=50",
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
          "batch=128", "model.base=32", "optimizer.rate=2e-4", "optimizer.warmup=0",
          "optimizer.decay=constant", "optimizer.clip=null", "optimizer.average=null",
          "report.metricsEvery=50",
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
