import ArgumentParser
import TensorCore
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judges the samples of runs on 2-D sets: modes found and share of high quality.")

  @Argument(help: ArgumentHelp("Folders of runs.", valueName: "run"))
  var folders: [String]

  @Option(help: "Samples to judge, seeds from 0.")
  var count = 10_000

  @Flag(help: "Prints an array of JSON objects.")
  var json = false

  @OptionGroup var computing: Computing

  mutating func validate() throws {
    if !(100...1_000_000).contains(count) {
      throw ValidationError("--count is from 100 to 1000000, not \(count)")
    }
  }

  func run() throws {
    var rows: [String] = []
    for folder in folders {
      let run = try Run(
        folder: folder, dataDirectory: computing.dataDirectory, threads: computing.threads ?? Runtime.processors)
      let quality = try run.toyQuality(count: count)
      if json {
        rows.append(
          JSONObject([
            ("run", .text(RunPaths(folder).folder)), ("dataset", .text(run.experiment.data)),
            ("step", .integer(run.step)), ("modes", .integer(quality.modes)),
            ("modes_found", .integer(quality.modesFound)), ("high_quality", .number(quality.highQuality)),
            ("stderr", .number(quality.standardError)), ("n", .integer(quality.count)),
          ]).description)
      } else {
        print(
          "\(RunPaths(folder).folder): \(quality.modesFound) of \(quality.modes) modes, "
            + "\(percent(quality.highQuality)) +- \(percent(quality.standardError)) of \(quality.count) samples "
            + "within 3 standard deviations of a mode (step \(run.step), \(run.experiment.data))")
      }
    }
    if json { print("[" + rows.joined(separator: ",") + "]") }
  }
}

/// A share in percent, two digits after the point.
func percent(_ share: Double) -> String {
  let hundredths = Int((share * 10_000).rounded())
  let fraction = hundredths % 100
  return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) %"
}
