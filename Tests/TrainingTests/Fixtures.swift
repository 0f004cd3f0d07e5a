import Datasets
import Domains
import Experiments
import Formats
import Logging
import Runs
import Support
import TensorCore
import TestSupport
import Testing
import Training

/// A small run: experiment, data and folder.
struct SmallRun {
  var yaml: String
  var data: TrainingData
  var overrides: [String] = []
  /// Validation data, for a run with early stopping.
  var validation: TrainingData?

  /// An MLP of 16 units on eight Gaussians.
  static func toy(_ overrides: String...) throws -> SmallRun {
    SmallRun(
      yaml: """
        name: tiny
        data: eight-gaussians
        steps: 40
        batch: 48
        model: {kind: ddpm, network: mlp, times: 50, width: 16, depth: 2, timeFeatures: 8}
        optimizer: {rate: 1.0e-2, warmup: 5, decay: cosine, clip: 1}
        sampling: {method: ancestral, steps: 6, count: 20, previewCount: 8, previewSteps: 3}
        report: {metricsEvery: 7, samplesEvery: 10, checkpointEvery: 13}
        """, data: .points(try ToySet.named("eight-gaussians")), overrides: overrides)
  }

  /// A U-Net of two levels on forty images of 8 x 8 bytes.
  static func images(_ overrides: String...) throws -> SmallRun {
    let bytes = (0..<40 * 64).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }
    return SmallRun(
      yaml: """
        name: tiny-images
        data: mnist
        steps: 8
        batch: 4
        model: {kind: ddpm, network: unet, times: 20, base: 8, multipliers: [1, 2], blocks: 1}
        optimizer: {rate: 1.0e-3, average: 0.9}
        sampling: {method: ddim, steps: 3, count: 5, previewCount: 4, previewSteps: 2}
        report: {metricsEvery: 3, samplesEvery: 4, checkpointEvery: 5}
        """, data: .images(try ByteTable(bytes, rowShape: [8, 8, 1]), labels: nil),
      overrides: overrides)
  }

  func experiment() throws -> Experiment {
    try Experiment(yaml: yaml, file: "small.yaml", overrides: overrides)
  }

  /// Trains, or resumes, in a folder.
  @discardableResult
  func train(
    in folder: String, stopAt: Int? = nil, threads: Int = 2, checksNumerics: Bool = false,
    log: [@Sendable (String) -> Void] = [],
    interruption: @escaping @Sendable () -> Interruption? = { nil }
  ) throws -> Trainer.End {
    let experiment = try experiment()
    let run = try RunFolder(
      name: experiment.name, experiment: experiment.yaml, explicit: folder, resumes: true,
      resumeCommand: "")
    let trainer = Trainer(
      experiment, data, validation: experiment.patience == nil ? nil : validation ?? data,
      run.paths,
      threads: threads,
      log: Logger(label: "test") { _ in
        ConsoleLogHandler(
          console: Console(width: { nil }, output: { line in log.forEach { $0(line) } }))
      }, command: "figment train", checksNumerics: checksNumerics,
      interruption: interruption)
    return try trainer.run(
      stopAt: stopAt, progress: .quiet, console: Console(width: { nil }, output: { _ in }))
  }
}

/// The variables of a checkpoint by name.
func variables(_ folder: String) throws -> [NamedArray] {
  try SafetensorsReader(RunPaths(folder).checkpoint).all()
}

extension SmallRun {
  /// A VAE of two dimensions on forty images of the size of digits.
  static func vae(_ overrides: String...) throws -> SmallRun {
    var run = try images()
    run.yaml = """
      name: tiny-vae
      data: mnist
      steps: 40
      batch: 8
      model: {kind: vae, hidden: [16], latent: 2}
      optimizer: {rate: 1.0e-2, average: null}
      sampling: {count: 5, previewCount: 4}
      report: {metricsEvery: 3, samplesEvery: 4, checkpointEvery: 5}
      """
    let bytes = (0..<40 * 784).map { UInt8(truncatingIfNeeded: $0 &* $0 / 7) }
    let others = (0..<20 * 784).map { UInt8(truncatingIfNeeded: $0 &* $0 / 11) }
    run.data = .images(try ByteTable(bytes, rowShape: [28, 28, 1]), labels: nil)
    run.validation = .images(try ByteTable(others, rowShape: [28, 28, 1]), labels: nil)
    run.overrides = overrides
    return run
  }

  /// A classifier of sixty images of the size of digits: the label is the bright third of the
  /// image.
  static func classifier(_ overrides: String...) throws -> SmallRun {
    var run = try images()
    run.yaml = """
      name: tiny-classifier
      data: mnist
      steps: 60
      batch: 10
      patience: 100
      model: {kind: classifier, classes: 3, channels: [3, 4], features: 6, shift: 1}
      optimizer: {rate: 1.0e-2, average: 0.9}
      report: {metricsEvery: 4, samplesEvery: 6, checkpointEvery: 7}
      """
    func table(_ seed: Int) throws -> TrainingData {
      var numbers = SplitMix64(seed: seed)
      let labels = (0..<60).map { UInt8($0 % 3) }
      let bytes = labels.flatMap { label in
        (0..<784).map { place in
          UInt8(numbers.int(0...150) + (place / 28 / 10 == Int(label) ? 100 : 0))
        }
      }
      return .images(
        try ByteTable(bytes, rowShape: [28, 28, 1]),
        labels: ImageClasses(try ByteTable(labels, rowShape: [])))
    }
    (run.data, run.validation) = (try table(1), try table(2))
    run.overrides = overrides
    return run
  }

  /// A generator and a critic of points.
  static func wgan(_ overrides: String...) throws -> SmallRun {
    var run = try toy()
    run.yaml = """
      name: tiny-wgan
      data: eight-gaussians
      steps: 20
      batch: 48
      model: {kind: wgan, latent: 3, generator: [8], critic: [8], criticSteps: 2, criticRate: 2}
      optimizer: {rate: 1.0e-2, beta1: 0, warmup: 5, decay: linear, average: 0.9}
      sampling: {count: 200, previewCount: 100}
      report: {metricsEvery: 4, samplesEvery: 6, checkpointEvery: 7}
      """
    run.overrides = overrides
    return run
  }

  /// A VAE of points on a circle.
  static func toyVAE(_ overrides: String...) throws -> SmallRun {
    var run = try toy()
    run.yaml = """
      name: toy-vae
      data: eight-gaussians
      steps: 30
      batch: 4000
      model: {kind: vae, hidden: [8], posterior: vmf, latent: 1, likelihood: gaussian, bound: iwae, draws: 2}
      optimizer: {rate: 1.0e-2, average: 0.9}
      sampling: {count: 40, previewCount: 10}
      report: {metricsEvery: 4, samplesEvery: 10, checkpointEvery: 7}
      """
    run.overrides = overrides
    return run
  }
}
