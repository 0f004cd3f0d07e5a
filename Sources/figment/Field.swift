import ArgumentParser
import Experiments
import Runs
import Support
import Training

struct Field: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draw the learned score of a diffusion run on a 2-D set, at several times.",
    discussion:
      "Arrows point towards the more likely origins of noised points; noised data lie under them.")

  @Argument(help: ArgumentHelp("Run folder of a diffusion model on points.", valueName: "run"))
  var folder: String

  @Option(
    help: ArgumentHelp(
      "Path of the picture; RUN/samples/score.png by default.", valueName: "file.png"))
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
