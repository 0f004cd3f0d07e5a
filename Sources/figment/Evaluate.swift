import ArgumentParser
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judges the samples of runs on 2-D sets: modes found and share of high quality.")

  @Argument(help: ArgumentHelp("Folders of runs.", valueName: "run"))
  var folders: [String]

  @Option(help: ArgumentHelp("Samples to judge, seeds from 0.", valueName: "n"))
  var count = 10_000

  @Flag(help: "Prints an array of JSON objects.")
  var json = false

  @OptionGroup var computing: Computing
  @OptionGroup var reporting: Reporting

  mutating func validate() throws {
    if !(100...1_000_000).contains(count) {
      throw ValidationError("--count is from 100 to 1000000, not \(count)")
    }
  }

  func run() throws {
    let console = Console()
    var rows: [String] = []
    for folder in folders {
      let run = try Run(folder: folder, threads: computing.threads)
      var progress = Progress(
        total: run.samplingSteps(count: count), unit: "sampling steps", style: reporting.style,
        console: console)
      let quality = try run.toyQuality(count: count) { done, _ in progress.update(done) }
      progress.finish()
      let name = RunPaths(folder).folder
      let dataset = run.experiment.data
      if json {
        rows.append(
          JSONObject([
            ("run", .text(name)), ("dataset", .text(dataset)), ("step", .integer(run.step)),
            ("modes", .integer(quality.modes)), ("modes_found", .integer(quality.modesFound)),
            ("high_quality", .number(quality.highQuality)),
            ("stderr", .number(quality.standardError)), ("n", .integer(quality.count)),
          ]).description)
      } else {
        print(
          "\(name): \(quality.modesFound) of \(quality.modes) modes, "
            + "\(percent(quality.highQuality)) +- \(percent(quality.standardError)) of "
            + "\(quality.count) samples within 3 standard deviations of a mode "
            + "(step \(run.step), \(dataset))")
      }
    }
    if json { print("[" + rows.joined(separator: ",") + "]") }
  }
}
