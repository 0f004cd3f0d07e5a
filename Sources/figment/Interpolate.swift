import ArgumentParser
import Domains
import Experiments
import Runs
import Support
import Training

struct Interpolate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws the images between two, by way of noise or of latent variables.",
    discussion: """
      For a diffusion model, both images are mixed, noised to time t0 and brought back: a small t0 \
      blends them, a large one draws new ones on the way. For a VAE, the shortest way between their \
      latent variables is decoded. The row begins and ends with the images themselves.
      """)

  @Argument(help: ArgumentHelp("The folder of a run on images.", valueName: "run"))
  var folder: String

  @Option(
    help: ArgumentHelp(
      "The first image: a PNG, or the number of a training image.", valueName: "image"))
  var from: String

  @Option(help: ArgumentHelp("The last image.", valueName: "image"))
  var to: String

  @Option(
    help: ArgumentHelp("The time to which they are noised; half of all by default.", valueName: "t")
  )
  var t0: Int?

  @Option(help: "Images of the row, the two themselves included: two fewer are drawn.")
  var count = 11

  @Option(help: "The seed of the noise.", transform: seed(argument:))
  var seed: UInt64 = 0

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "The class, by its name or its number from 0, for models that were told classes.",
      valueName: "name")
  )
  var label: String?

  @Option(
    help: ArgumentHelp(
      "Where the picture goes; RUN/samples/interpolation.png by default.", valueName: "file.png"))
  var out: String?

  @OptionGroup var computing: Computing
  @OptionGroup var data: DataFolder

  mutating func validate() throws {
    if !(3...66).contains(count) { throw ValidationError("--count is from 3 to 66, not \(count)") }
    if let t0, t0 < 1 { throw ValidationError("--t0 is at least 1, not \(t0)") }
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
