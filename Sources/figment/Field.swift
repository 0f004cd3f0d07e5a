import ArgumentParser
import Experiments
import Runs
import Support
import Training

struct Field: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws the score that a run on a 2-D set has learned, at several times.",
    discussion:
      "Arrows point to where noised points more likely come from; noised data lie under them.")

  @Argument(help: ArgumentHelp("The folder of a run on points.", valueName: "run"))
  var folder: String

  @Option(
    help: ArgumentHelp(
      "Where the picture goes; RUN/samples/score.png by default.", valueName: "file.png"))
  var out: String?

  @OptionGroup var computing: Computing

  mutating func validate() throws { try checkPath(out, "--out") }

  func run() throws {
    let chosen = try out.map { try OutputFile($0) }
    let run = try Run(folder: folder, threads: computing.threads)
    let picture =
      try chosen ?? OutputFile(RunPaths(folder).samples + "/score.png", makesFolder: true)
    try picture.write(try run.scorePicture(command: typedCommand()))
    print(picture.path)
  }
}
