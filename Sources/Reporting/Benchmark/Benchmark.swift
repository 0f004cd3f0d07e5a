import Datasets
import Diffusion
import Domains
import Experiments
import Formats
import Glibc
import Support
import TensorCore
import Training

/// Workloads of `bench`, counterparts of the scripts that measure PyTorch and JAX.
package enum Workload: String, CaseIterable, Sendable {
  /// Training step of the U-Net on MNIST, batch 128.
  case ddpmMNIST = "ddpm-mnist"
  /// Sampling of 64 images by DDIM in 50 steps.
  case ddpmMNISTSample = "ddpm-mnist-sample"
  /// Training step of the MLP on points, batch 512.
  case ddpmToy = "ddpm-toy"
  /// Training step of a VAE on MNIST, batch 128, binarised inside the step.
  case vaeMNIST = "vae-mnist"
  /// Step of the gradient-normalized critic and step of the generator on points, batch 256.
  case wganToy = "wgan-gn-toy"

  /// The experiment whose programs are measured.
  package var experiment: Experiment {
    get throws { try Experiment(yaml: yaml, file: "bench") }
  }

  private var yaml: String {
    switch self {
    case .ddpmMNIST, .ddpmMNISTSample:
      """
      name: \(rawValue)
      data: mnist
      steps: 1000000
      batch: 128
      model: {kind: ddpm, network: unet, base: 32, multipliers: [1, 2, 4], blocks: 1}
      optimizer: {rate: 2.0e-4, average: null}
      sampling: {method: ddim, steps: 50}
      """
    case .vaeMNIST:
      """
      name: vae-mnist
      data: mnist
      binarisation: dynamic
      steps: 1000000
      batch: 128
      model: {kind: vae, network: mlp, hidden: [512, 256], latent: 20}
      optimizer: {rate: 1.0e-3, average: null}
      """
    case .wganToy:
      """
      name: wgan-gn-toy
      data: gaussian
      steps: 1000000
      batch: 256
      model: {kind: wgan, network: mlp, latent: 16, generator: [128, 128, 128], critic: [128, 128, 128]}
      optimizer: {rate: 1.0e-4, beta1: 0.5, beta2: 0.9, average: null}
      """
    case .ddpmToy:
      """
      name: ddpm-toy
      data: eight-gaussians
      steps: 1000000
      batch: 512
      model: {kind: ddpm, network: mlp, width: 128, depth: 3, timeFeatures: 64}
      optimizer: {rate: 1.0e-3, average: null}
      """
    }
  }
}

/// Result of one measurement.
package struct BenchmarkResult: Sendable {
  /// The workload measured.
  package let workload: Workload
  let parameters: Int
  let precision: Precision
  let threads: Int
  let seconds: [Double]
  let firstStep: Double
  let flops: Double
  let profile: [String]

  private var median: Double { seconds.sorted()[seconds.count / 2] }
  private var isSampling: Bool { workload == .ddpmMNISTSample }

  /// JSON object on one line.
  package var json: String {
    JSONObject([
      ("workload", .text(workload.rawValue)), ("parameters", .integer(parameters)),
      ("precision", .text(precision.rawValue)),
      ("threads", .integer(threads)),
      isSampling ? ("median_s", .number(median)) : ("median_step_ms", .number(median * 1e3)),
      ("first_step_s", .number(firstStep)), ("peak_rss_mib", .number(peakResidentMiB())),
      ("gflops", .number(flops / median / 1e9)),
    ]).description
  }

  /// Lines for people to read.
  package var lines: [String] {
    let sorted = seconds.sorted()
    func shown(_ seconds: Double) -> String {
      isSampling ? "\(rounded(seconds)) s" : "\(rounded(seconds * 1e3)) ms"
    }
    return profile + [
      "\(workload.rawValue), \(precision.rawValue), \(counted(threads, "thread")), \(counted(parameters, "parameter"))",
      "median \(shown(median)) (fastest \(shown(sorted[0])), slowest \(shown(sorted[sorted.count - 1])), "
        + "\(seconds.count) measured)",
      "first step after \(rounded(firstStep)) s, compilation included",
      "\(rounded(flops / median / 1e9)) GFLOP/s in contractions, \(rounded(flops / 1e9)) GFLOP each",
      "peak memory \(Int(peakResidentMiB().rounded())) MiB",
    ]
  }
}

private func peakResidentMiB() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return Double(usage.ru_maxrss) / 1024
}

/// Measures a workload with the programs that `train` and `sample` run.
///
/// Random bytes take the place of MNIST if it is not in `dataDirectory`; the amount of work is the
/// same.
package func measure(
  _ workload: Workload, precision: Precision, threads: Int, steps: Int?, profile: Bool,
  dataDirectory: String
) throws -> BenchmarkResult {
  guard precision == .fp32 || Precision.hasBF16 else {
    throw TensorError("bench: this processor cannot multiply bf16; use --precision fp32")
  }
  let clock = ContinuousClock()
  let begin = clock.now
  var experiment = try workload.experiment
  experiment.precision = precision
  let runtime = try Runtime(seed: 0, threads: threads)
  let data = try TrainingData(standingInFor: experiment.data, directory: dataDirectory)
  var seconds: [Double] = []
  func time(_ body: () throws -> Void) rethrows {
    seconds.append(try clock.measure(body).seconds)
  }

  if workload == .ddpmMNISTSample {
    let parameters = Parameters(experiment.model.root)
    guard
      let model = try experiment.model.model(forExamplesOf: data.domain.shape, parameters)
        as? DenoisingModel
    else { throw TensorError("\(workload.rawValue) does not denoise") }
    let sampler = try Sampler(model.denoiser, runtime, batch: 64, precision: precision)
    let seeds = (0..<64).map { UInt64($0) }
    let plan = try experiment.reverse()
    var first = 0.0
    _ = try sampler.sample(seeds: seeds, plan.samplingMethod, steps: plan.steps) { done, _ in
      if done == 1 { first = (clock.now - begin).seconds }
    }
    for _ in 0..<(steps ?? 3) {
      try time { _ = try sampler.sample(seeds: seeds, plan.samplingMethod, steps: plan.steps) }
    }
    return BenchmarkResult(
      workload: workload, parameters: parameters.count, precision: precision, threads: threads,
      seconds: seconds, firstStep: first,
      flops: sampler.flopsPerVisit * Double(plan.visits), profile: [])
  }

  let training = try TrainingProgram(experiment, data, runtime)
  _ = try training.run(step: 0)
  let first = (clock.now - begin).seconds
  let small = [.ddpmToy, .vaeMNIST, .wganToy].contains(workload)
  for warm in 1...(small ? 20 : 2) { _ = try training.run(step: warm) }
  let count = steps ?? (small ? 300 : 10)
  for step in 0..<count { try time { _ = try training.run(step: 100 + step) } }
  var lines: [String] = []
  if profile {
    var nanoseconds: [[Int64]] = []
    for step in 0..<count { try training.runProfiled(step: 1000 + step, &nanoseconds) }
    lines = try profileLines(
      training.programs.flatMap(\.program.kernels), nanoseconds.flatMap { $0 }, steps: count,
      Ceilings(precision, threads: threads))
  }
  return BenchmarkResult(
    workload: workload, parameters: training.parameters.count, precision: precision,
    threads: threads, seconds: seconds, firstStep: first,
    flops: training.flops, profile: lines)
}
