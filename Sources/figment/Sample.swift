import ArgumentParser
import DDPM
import Datasets
import Images
import TensorCore
import Training

struct Sample: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws samples from a run.",
    discussion: "A sample depends on its own seed alone, not on how many are drawn at once.")

  @Argument(help: ArgumentHelp("The folder of the run, such as outputs/ddpm-toy.", valueName: "run"))
  var folder: String

  @Option(help: "How many samples: seeds 0 to count - 1.")
  var count: Int?

  @Option(help: ArgumentHelp("The seeds, such as 0-63 or 5,7,9.", valueName: "list"))
  var seeds: SeedList?

  @Option(help: "ddim, ancestral or ancestral-posterior; the experiment's by default.")
  var sampler: SamplerName?

  @Option(help: "Steps of the sampler; the experiment's by default.")
  var steps: Int?

  @Option(help: "The share of fresh noise in ddim, from 0 to 1.")
  var eta: Double?

  @Option(help: ArgumentHelp("Where the picture goes; RUN/samples.png is kept.", valueName: "file.png"))
  var out: String?

  @Option(help: ArgumentHelp("Also writes the samples as an array of floats.", valueName: "file.npy"))
  var npy: String?

  @OptionGroup var computing: Computing

  mutating func validate() throws {
    if let count, !(1...1_000_000).contains(count) {
      throw ValidationError("--count is from 1 to 1000000, not \(count)")
    }
    if count != nil && seeds != nil { throw ValidationError("--count and --seeds exclude each other") }
    if let eta, !(0...1).contains(eta) { throw ValidationError("--eta is from 0 to 1, not \(eta)") }
    if let steps, steps < 1 { throw ValidationError("--steps is at least 1, not \(steps)") }
  }

  func run() throws {
    let run = try Run(
      folder: folder, dataDirectory: computing.dataDirectory, threads: computing.threads ?? Runtime.processors)
    let settings = run.experiment.sampling
    let chosen = seeds?.seeds ?? (0..<(count ?? settings.count)).map { UInt64($0) }
    let method: SamplingMethod =
      switch sampler?.method ?? settings.method {
      case .ddim: .ddim(eta: eta ?? settings.eta)
      case .ancestral: .ancestral(.beta)
      case .ancestralPosterior: .ancestral(.posterior)
      }
    let console = Console()
    let total = steps ?? settings.steps ?? run.model.schedule.times
    var progress = Progress(
      total: total, unit: "steps", style: computing.quiet ? .quiet : .automatic, console: console)
    let samples = try run.sample(seeds: chosen, method: method, steps: total) { done, _ in
      progress.update(done)
    }
    progress.finish()
    if let npy {
      try writeAtomically(
        try NPY(shape: [chosen.count] + run.data.shape, values: .floats(run.inDataCoordinates(samples))).encoded(),
        to: npy)
      print(npy)
    }
    if out != nil || npy == nil {
      let path = out ?? RunPaths(folder).folder + "/samples/drawn.png"
      try writeAtomically(try run.picture(samples, command: typedCommand()), to: path)
      print(path)
    }
  }
}

/// Seeds such as 0-63 or 5,7,9.
struct SeedList: ExpressibleByArgument {
  let seeds: [UInt64]

  init?(argument: String) {
    var seeds: [UInt64] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
      guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last,
        last - first < 1_000_000
      else { return nil }
      seeds += first...last
    }
    self.seeds = seeds
  }
}

struct SamplerName: ExpressibleByArgument {
  let method: SamplingSettings.Method

  init?(argument: String) {
    guard let method = SamplingSettings.Method(rawValue: argument) else { return nil }
    self.method = method
  }

  static var allValueStrings: [String] { SamplingSettings.Method.allCases.map(\.rawValue) }
}
