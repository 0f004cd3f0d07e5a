import ArgumentParser
import Domains
import Experiments
import Runs
import Support
import Training

struct Interpolate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Interpolate between two images through noise or latent variables.",
    discussion: """
      For a diffusion model, the images are mixed, noised to time t0 and denoised: a small t0 blends \
      them, a large one generates new images between them. For a VAE, the shortest path between \
      their latent variables is decoded. The row starts and ends with the images themselves.
      """)

  @Argument(
    help: ArgumentHelp("Run folder of a diffusion model or VAE on images.", valueName: "run"))
  var folder: String

  @Option(
    help: ArgumentHelp(
      "First image: a PNG file or the index of a training image.", valueName: "image"))
  var from: String

  @Option(
    help: ArgumentHelp(
      "Last image: a PNG file or the index of a training image.", valueName: "image"))
  var to: String

  @Option(
    help: ArgumentHelp(
      "Time to which both are noised; half of the schedule by default.", valueName: "t")
  )
  var t0: Int?

  @Option(help: "Number of images in the row, including the two given.")
  var count = 11

  @Option(help: "Seed of the noise.", transform: seed(argument:))
  var seed: UInt64 = 0

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "Class name, or its index from 0; for class-conditional models.",
      valueName: "name")
  )
  var label: String?

  @Option(
    help: ArgumentHelp(
      "Path of the picture; RUN/samples/interpolation.png by default.", valueName: "file.png"))
  var out: String?

  @OptionGroup var computing: Computing
  @OptionGroup var data: DataFolder

  mutating func validate() throws {
    if !(3...66).contains(count) {
      throw ValidationError("--count: expected 3 to 66, found \(count)")
    }
    if let t0, t0 < 1 { throw ValidationError("--t0: expected at least 1, found \(t0)") }
    try checkPath(out, "--out")
  }

  func run() throws {
    let chosen = try out.map { try OutputFile($0) }
    let run = try Run(folder: folder, threads: computing.threads)
    let picture =
      try chosen ?? OutputFile(RunPaths(folder).samples + "/interpolation.png", makesFolder: true)
    let examples = { try TrainingData(run.experiment.data, directory: data.path) }
    let first = try run.image(from, of: examples)
    let last = try run.image(to, of: examples)
    let between = try run.interpolate(
      from: first, to: last, count: count - 2, t0: t0, seed: seed,
      label: try label.map { try run.label(ofClass: $0) })
    try picture.write(try run.row(first + between + last, command: typedCommand()))
    print(picture.path)
  }
}
