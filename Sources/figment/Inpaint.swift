import ArgumentParser
import Domains
import Experiments
import Runs
import Support
import Training

struct Inpaint: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fill in the missing part of an image, several times.",
    discussion: "The row starts with the image and its known part.")

  @Argument(help: ArgumentHelp("Run folder of a diffusion model on images.", valueName: "run"))
  var folder: String

  @Option(
    help: ArgumentHelp(
      "Image to complete: a PNG file or the index of a training image.", valueName: "image"))
  var image: String

  @Option(
    help: ArgumentHelp(
      "Missing part: left, right, top, bottom, middle, or a PNG file that is white there.",
      valueName: "mask"))
  var mask: String

  @Option(help: "Number of completions, with seeds 0 to count - 1.")
  var count = 8

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "Class name, or its index from 0; for class-conditional models.",
      valueName: "name")
  )
  var label: String?

  @Option(
    help: ArgumentHelp(
      "Path of the picture; RUN/samples/inpainting.png by default.", valueName: "file.png"))
  var out: String?

  @OptionGroup var computing: Computing
  @OptionGroup var data: DataFolder

  mutating func validate() throws {
    if !(1...64).contains(count) {
      throw ValidationError("--count: expected 1 to 64, found \(count)")
    }
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
