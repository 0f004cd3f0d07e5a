import Domains
import Experiments
import Foundation
import Likelihood
import Logging
import Runs
import Sampling
import Support
import TensorCore
import Testing
import Training

/// `kind: normalizing-flow` from an experiment to metrics and files.
@Suite struct KindTests {
  private func experiment(_ overrides: String...) throws -> Experiment {
    try Experiment(
      yaml: """
        name: tiny-flow
        data: gaussian
        steps: 400
        batch: 256
        model: {kind: normalizing-flow, couplings: 4, hidden: [16]}
        optimizer: {rate: 5.0e-3, decay: cosine, clip: 1, average: 0.98}
        sampling: {count: 12, previewCount: 8}
        report: {metricsEvery: 50, samplesEvery: 200, checkpointEvery: 100}
        """, file: "flow.yaml", overrides: overrides)
  }

  @Test func onlyPointsAreAccepted() throws {
    let error = #expect(throws: (any Error).self) { _ = try experiment("data=mnist") }
    #expect(
      error.map { "\($0)" }?.contains(
        "normalizing-flow needs points, and the data are images; expected a 2-D set") == true)
  }

  /// One linear coupling can express correlated normal points, so the flow must approximate their density
  /// for each example.
  @Test func theLikelihoodApproachesThatOfTheData() throws {
    let experiment = try experiment()
    let data = try TrainingData(experiment.data, directory: "/nonexistent")
    let stepper = try Stepper(
      experiment, data, validation: data, threads: 1)
    while try !stepper.isOver { _ = try stepper.advance() }
    let run = stepper.run
    #expect(run.model.estimators(of: run).known == [.exact])
    guard case .points(let set) = data else { return }
    let points = set.heldOut(.test, seed: 0, count: 4000)
    let (mean, deviation) = (set.mean, set.standardDeviation)
    let examples = Examples(
      points.flatMap {
        [Float(($0.x - mean.x) / deviation.x), Float(($0.y - mean.y) / deviation.y)]
      }, count: points.count, seed: 0)
    let scorers = try run.model.scorers([.exact], draws: nil, count: points.count, run) { nil }
    let found = try scorers.ready[0].estimates(of: examples) { _ in }[0]
    let scale = log(deviation.x * deviation.y)
    let gap = Statistic(
      zip(points, found.values).map { set.logDensity($0.x, $0.y) - ($1 - scale) })
    // The mean is KL(data || flow), so below zero by chance alone; 0.02 nats are a 1 % error of a scale.
    #expect(gap.mean < 0.02 && gap.mean > -4 * gap.standardError, "\(gap), seed 0")
  }

  @Test func aResumedRunEqualsAnUninterruptedOne() throws {
    let root = NSTemporaryDirectory() + "figment-flow-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    let experiment = try experiment("steps=24", "report.checkpointEvery=7")
    let data = try TrainingData(experiment.data, directory: "/nonexistent")
    func train(_ name: String, stopAt: Int?) throws {
      let folder = try RunFolder(
        name: experiment.name, experiment: experiment.yaml, explicit: root + "/" + name,
        resumes: true, resumeCommand: "")
      let trainer = Trainer(
        experiment, data, validation: data, folder.paths, threads: 1,
        log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, command: "figment train")
      _ = try trainer.run(
        stopAt: stopAt, progress: .quiet, console: Console(width: { nil }, output: { _ in }))
    }
    try train("whole", stopAt: nil)
    try train("broken", stopAt: 10)
    try train("broken", stopAt: nil)
    for file in [
      "checkpoint.safetensors", "metrics.jsonl", "density.png", "latent.png", "samples.png",
    ] {
      let bytes = FileManager.default.contents(atPath: "\(root)/whole/\(file)")
      #expect(
        bytes != nil && bytes == FileManager.default.contents(atPath: "\(root)/broken/\(file)"))
    }
    let run = try Run(folder: root + "/whole", threads: 1)
    let both = try run.sample(seeds: [3, 5])
    #expect(try run.sample(seeds: [5]) == Array(both.suffix(2)))
    #expect(run.hasLatentVariables)
    let near = try run.sample(seeds: [3, 5], latent: .truncated(1))
    #expect(zip(near, both).allSatisfy { abs($0 - $1) < 1e-5 })
  }
}
