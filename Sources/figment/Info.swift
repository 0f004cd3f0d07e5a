import ArgumentParser
import Datasets
import Reporting
import Support
import Training

struct Info: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the origin of a run or picture and the command that reproduces it.")

  @Argument(
    help: ArgumentHelp(
      "Run folder, or one of its pictures.", valueName: "run|file.png"))
  var path: String

  func run() throws {
    for line in try describe(path) { print(line) }
  }
}
