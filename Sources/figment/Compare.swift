import ArgumentParser
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
    guard (2...8).contains(folders.count) else {
      throw ValidationError("compare takes 2 to 8 runs, not \(folders.count)")
    }
    try checkPath(out, "--out")
  }

  func run() throws {
    let comparison = try Comparison(folders: folders)
    var path: String?
    if out != nil || !json,
      let picture = try comparison.picture(
        command: typedCommand(), isOverMinutes: minutes)
    {
      if out == nil { try FileSystem.makeFolder("outputs") }
      let file = out ?? "outputs/compare.png"
      try writeAtomically(picture, to: file)
      path = file
    }
    if json {
      print(comparison.json)
    } else {
      for line in table(comparison.rows) { print(line) }
      if let path { print(path) }
    }
  }
}
