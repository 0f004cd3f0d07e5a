import ArgumentParser
import Datasets
import Experiments
import Formats
import Glibc
import Runs
import Sampling
import Support
import TensorCore
import Training

struct Sample: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw samples from a run.",
    discussion: "A sample depends on its seed only, not on how many are drawn at once.")

  @Argument(
    help: ArgumentHelp("Run folder, such as outputs/ddpm-toy.", valueName: "run"))
  var folder: String

  @Option(
    help: ArgumentHelp(
      "Number of samples, with seeds 0 to n - 1; the experiment's count by default.", valueName: "n"
    ))
  var count: Int?

  @Option(help: ArgumentHelp("Seeds of the samples, such as 0-63 or 5,7,9.", valueName: "list"))
  var seeds: SeedList?

  @Option(help: "Sampler; the experiment's by default.")
  var sampler: SamplingSettings.Method?

  @Option(
    help: ArgumentHelp("Number of sampler steps; the experiment's by default.", valueName: "n"))
  var steps: Int?

  @Option(help: "Fraction of fresh noise in ddim, from 0 to 1.")
  var eta: Double?

  @Option(
    help: ArgumentHelp(
      "Factor w of classifier-free guidance towards the class, from 0 to 100: 0 ignores the class, 1 is "
        + "the model itself, and more exaggerates what is typical of the class. Others call w what is w - 1 "
        + "here. It takes two network evaluations per visit.",
      valueName: "w"))
  var guidance: Double?

  @Option(
    help: ArgumentHelp(
      "Choice of latent variables, for generators and VAEs: plain, hubs:0.9 (only points above that "
        + "quantile of how often they are among others' neighbours) or truncated:0.7 (scaled by 0.7).",
      valueName: "draw"), transform: LatentDraw.init(argument:))
  var latent = LatentDraw.plain

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "Class name of all samples, or its index from 0; for class-conditional models.",
      valueName: "name")
  )
  var label: String?

  @Option(
    help: ArgumentHelp(
      "Path of the picture; RUN/samples/drawn.png by default.", valueName: "file.png"))
  var out: String?

  @Option(
    help: ArgumentHelp(
      "Write the samples as an array: images as float32, points as float64. Draws a picture only if "
        + "--out is given too.",
      valueName: "file.npy"))
  var npy: String?

  @OptionGroup var computing: Computing
  @OptionGroup var reporting: Reporting

  mutating func validate() throws {
    if let count, !(1...1_000_000).contains(count) {
      throw ValidationError("--count: expected 1 to 1000000, found \(count)")
    }
    if count != nil && seeds != nil {
      throw ValidationError("--count: cannot be combined with --seeds; drop one of the two")
    }
    if let eta, !(0...1).contains(eta) {
      throw ValidationError("--eta: expected 0 to 1, found \(eta)")
    }
    if eta != nil, let sampler, sampler != .ddim {
      throw ValidationError("--eta: needs --sampler ddim, found \(sampler.rawValue)")
    }
    if let guidance, !(0...100).contains(guidance) {
      throw ValidationError("--guidance: expected 0 to 100, found \(guidance)")
    }
    if let steps, steps < 1 {
      throw ValidationError("--steps: expected at least 1, found \(steps)")
    }
    try checkPath(out, "--out")
    try checkPath(npy, "--npy", ending: "npy")
  }

  func run() throws {
    let array = try npy.map { try OutputFile($0) }
    var picture = try out.map { try OutputFile($0) }
    let run = try Run(folder: folder, threads: computing.threads)
    if out == nil, npy == nil {
      picture = try OutputFile(RunPaths(folder).drawnSample, makesFolder: true)
    }
    if label != nil, run.experiment.model.classCount == nil {
      throw FigmentError(
        "--class: needs a class-conditional model, which \(RunPaths(folder).folder) is not")
    }
    if let warning = run.weightsWarning { reporting.log(Console()).warning("\(warning)") }
    let sampling = run.experiment.sampling
    let reverse = try reverse(of: run)
    let chosen = seeds?.seeds ?? (0..<(count ?? sampling.count)).map { UInt64($0) }
    // Per number: the sample, the same in data coordinates, and its picture or array.
    try MemoryLimits.current.check(
      12 * chosen.count * run.domain.shape.reduce(1, *), for: "drawing \(chosen.count) samples",
      remedy: "a smaller --count or fewer --seeds need less")
    let request = SampleRequest(
      method: reverse?.samplingMethod, steps: reverse?.steps, guidance: reverse?.guidance,
      labels: try label.map {
        [Int](repeating: try run.label(ofClass: $0), count: chosen.count)
      })
    var progress = Progress(
      total: run.samplingSteps(count: chosen.count, request), unit: "sampling steps",
      style: reporting.style, console: Console())
    let samples = try run.sample(seeds: chosen, latent: latent, request) { done, _ in
      progress.update(done)
    }
    progress.finish()
    if let array {
      let values = try NPY(
        shape: [chosen.count] + run.domain.shape, values: run.inDataCoordinates(samples))
      try array.write(values.encoded())
      print(array.path)
    }
    if let picture {
      try picture.write(
        try run.picture(samples, command: typedCommand(), sampling: reverse))
      print(picture.path)
    }
  }
}

extension Sample {
  /// Reverse process settings of the experiment with the options applied; nil for models that
  /// sample in one pass.
  private func reverse(of run: Run) throws -> SamplingSettings.Reverse? {
    guard var settings = run.experiment.sampling.reverse else {
      let given: [(name: String, isGiven: Bool)] = [
        ("--sampler", sampler != nil), ("--steps", steps != nil), ("--eta", eta != nil),
        ("--guidance", guidance != nil),
      ]
      if let option = given.first(where: \.isGiven)?.name {
        throw FigmentError(
          "\(option): needs a model that denoises; \(RunPaths(folder).folder) is a "
            + "\(run.experiment.model.kind), which samples in one pass")
      }
      return nil
    }
    if let sampler, let failure = run.experiment.sampling.failure(of: sampler) {
      throw FigmentError("--sampler: \(failure)")
    }
    if let sampler, sampler != settings.method {
      settings.method = sampler
      // Every step of the schedule unless --steps is given: the experiment's number was chosen for
      // its own sampler.
      settings.chosenSteps = nil
    }
    if let eta {
      if let failure = run.experiment.sampling.failure(of: .ddim) {
        throw FigmentError("--eta: \(failure)")
      }
      guard settings.method == .ddim else {
        throw FigmentError(
          "--eta: needs --sampler ddim; \(RunPaths(folder).folder) samples by \(settings.method.rawValue)"
        )
      }
      settings.eta = eta
    }
    if let guidance {
      guard run.experiment.model.canBeGuided else {
        throw FigmentError("--guidance: \(run.experiment.model.guidanceProblem)")
      }
      settings.guidance = guidance
    }
    settings.chosenSteps = steps ?? settings.chosenSteps
    return settings
  }
}

/// Seeds such as 0-63 or 5,7,9: at most a million of them.
struct SeedList: ExpressibleByArgument {
  let seeds: [UInt64]

  init?(argument: String) {
    var seeds: [UInt64] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
      guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil,
        first <= last, last - first < 1_000_000, seeds.count < 1_000_000
      else { return nil }
      seeds += first...last
    }
    guard seeds.count <= 1_000_000 else { return nil }
    self.seeds = seeds
  }
}

extension SamplingSettings.Method: ExpressibleByArgument {}

/// Rejects an empty path, usually an unset variable in a script, and a name whose extension
/// contradicts the format of the file.
///
/// - Parameter ending: Extension of the format without the dot, or nil for folders; PNG by default.
func checkPath(_ path: String?, _ option: String, ending: String? = "png") throws {
  guard let path else { return }
  if path.isEmpty { throw ValidationError("\(option): expected a path, found nothing") }
  if let ending, !path.lowercased().hasSuffix("." + ending) {
    throw ValidationError(
      "\(option): expected a name ending in .\(ending), the format written, found '\(path)'")
  }
}
