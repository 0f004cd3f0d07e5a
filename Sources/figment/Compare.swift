import ArgumentParser
import Reporting
import Runs
import Support
import Training

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Plot the curves of several runs in one picture and list the settings that differ.")

  @Argument(help: ArgumentHelp("Run folders, two to eight.", valueName: "run"))
  var folders: [String]

  @Option(
    help: ArgumentHelp(
      "Path of the picture; outputs/compare.png by default.", valueName: "file.png"))
  var out: String?

  @Flag(help: "Plot over minutes of training instead of steps.")
  var minutes = false

  @Flag(help: "Print an array of JSON objects; draw a picture only if --out is given.")
  var json = false

  mutating func validate() throws {
    // Paths without a run are skipped, so they do not count towards the limit.
    let runs = folders.filter { !RunPaths($0).holdsNoRun }
    guard folders.count >= 2, runs.count <= 8 else {
      throw ValidationError(
        "compare: expected 2 to 8 runs, found \(folders.count < 2 ? folders.count : runs.count)")
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
        "compare: expected 2 to 8 runs; of the \(folders.count) paths given, \(comparison.count) "
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
