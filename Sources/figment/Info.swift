import ArgumentParser
import Datasets
import Reporting
import Support
import Training

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what made a run or a picture, and the command that makes it again.")

  @Argument(
    help: ArgumentHelp(
      "The folder of a run, or one of its pictures.", valueName: "run|file.png"))
  var path: String

  func run() throws {
    for line in try describe(path) { print(line) }
  }
}
