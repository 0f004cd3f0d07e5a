import ArgumentParser
import Reporting
import Runs
import Support
import Training

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws the curves of runs in one picture and tells which settings differ.")

  @Argument(help: ArgumentHelp("Folders of runs, two to eight.", valueName: "run"))
  var folders: [String]

  @Option(
    help: ArgumentHelp(
      "Where the picture goes; outputs/compare.png by default.", valueName: "file.png"))
  var out: String?

  @Flag(help: "Draws over the minutes that training took, not over steps.")
  var minutes = false

  @Flag(help: "Prints an array of JSON objects; a picture then only with --out.")
  var json = false

  mutating func validate() throws {
    // Those that hold no run are passed over, and do not count.
    let runs = folders.filter { !RunPaths($0).isPassedOver }
    guard folders.count >= 2, runs.count <= 8 else {
      throw ValidationError(
        "compare takes 2 to 8 runs, not \(folders.count < 2 ? folders.count : runs.count)")
    }
    try checkPath(out, "--out")
  }

  func run() throws {
    let console = Console()
    var file: OutputFile?
    if out != nil || !json {
      file = try OutputFile(out ?? "outputs/compare.png", makesFolder: out == nil)
    }
    let comparison = try Comparison(folders: folders) { console.print($0) }
    guard (2...8).contains(comparison.count) else {
      throw FigmentError(
        "compare takes 2 to 8 runs, and of these \(folders.count) paths \(comparison.count) "
          + (comparison.count == 1 ? "holds one" : "hold one"))
    }
    for warning in comparison.warnings { console.print("warning: \(warning)") }
    var path: String?
    if let file,
      let picture = try comparison.picture(command: typedCommand(), isOverMinutes: minutes)
    {
      try file.write(picture)
      path = file.path
    }
    if json {
      print(comparison.json)
    } else {
      for line in table(comparison.rows) { print(line) }
      if let path { print(path) }
    }
  }
}
