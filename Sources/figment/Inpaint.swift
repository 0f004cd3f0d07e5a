import ArgumentParser
import Domains
import Experiments
import Runs
import Support
import Training

struct Inpaint: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws the missing part of an image, in several ways.",
    discussion: "The row begins with the image and with what is known of it.")

  @Argument(help: ArgumentHelp("The folder of a run on images.", valueName: "run"))
  var folder: String

  @Option(
    help: ArgumentHelp("The image: a PNG, or the number of a training image.", valueName: "image"))
  var image: String

  @Option(
    help: ArgumentHelp(
      "What is missing: a PNG that is white there, or left, right, top, bottom, middle.",
      valueName: "mask"))
  var mask: String

  @Option(help: "How many ways to draw it: seeds 0 to count - 1.")
  var count = 8

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "The class, by its name or its number from 0, for models that were told classes.",
      valueName: "name")
  )
  var label: String?

  @Option(
    help: ArgumentHelp(
      "Where the picture goes; RUN/samples/inpainting.png by default.", valueName: "file.png"))
  var out: String?

  @OptionGroup var computing: Computing
  @OptionGroup var data: DataFolder

  mutating func validate() throws {
    if !(1...64).contains(count) { throw ValidationError("--count is from 1 to 64, not \(count)") }
    try checkPath(out, "--out")
  }

  func run() throws {
    let chosen = try out.map { try OutputFile($0) }
    let run = try Run(folder: folder, threads: computing.threads)
    let picture =
      try chosen ?? OutputFile(RunPaths(folder).samples + "/inpainting.png", makesFolder: true)
    let isDrawn = try run.domain.mask(mask)
    let whole = try run.image(image) {
      try TrainingData(run.experiment.data, directory: data.path)
    }
    let known = zip(whole, isDrawn).map { $1 ? 0 : $0 }
    let drawn = try run.inpaint(
      whole, isDrawn: isDrawn, seeds: (0..<count).map { UInt64($0) },
      label: try label.map { try run.label(ofClass: $0) })
    try picture.write(try run.row(whole + known + drawn, command: typedCommand()))
    print(picture.path)
  }
}
