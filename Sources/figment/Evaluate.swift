import ArgumentParser
import Likelihood
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Judges the samples of runs on 2-D sets: modes, quality and distances from the set.")

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
      let report = try run.toyReport(count: count) { done, _ in progress.update(done) }
      progress.finish()
      if json {
        rows.append(object(report, run, RunPaths(folder).folder).description)
      } else {
        printLines(report, run, RunPaths(folder).folder)
      }
    }
    if json { print("[" + rows.joined(separator: ",") + "]") }
  }

  private func object(_ report: ToyReport, _ run: Run, _ name: String) -> JSONObject {
    var members: [(name: String, value: MetricValue)] = [
      ("run", .text(name)), ("dataset", .text(run.experiment.data)), ("step", .integer(run.step)),
    ]
    if let quality = report.quality {
      members += [
        ("modes", .integer(quality.modes)), ("modes_found", .integer(quality.modesFound)),
        ("high_quality", .number(quality.highQuality)), ("stderr", .number(quality.standardError)),
      ]
    }
    for (prefix, figures) in [("", report.samples), ("perfect_", report.perfect)] {
      for (name, figure) in named(figures) {
        members += [
          (prefix + name, .number(figure.mean)),
          (prefix + name + "_stderr", .number(figure.standardError)),
        ]
      }
      members.append((prefix + "outside", .number(figures.outside)))
    }
    return JSONObject(
      members + [("entropy", .number(report.entropy)), ("n", .integer(report.samples.count))])
  }

  private func named(_ figures: ToyDistances) -> [(String, Figure)] {
    [
      ("mmd2", figures.discrepancy), ("sliced_w2", figures.slicedWasserstein),
      ("energy_distance", figures.energy), ("mean_log_density", figures.logDensity),
    ]
  }

  private func printLines(_ report: ToyReport, _ run: Run, _ name: String) {
    let (samples, perfect) = (report.samples, report.perfect)
    print("\(name): \(samples.count) samples at step \(run.step), \(run.experiment.data)")
    if let quality = report.quality {
      print(
        "  \(quality.modesFound) of \(quality.modes) modes, \(percent(quality.highQuality)) +- "
          + "\(percent(quality.standardError)) of samples within 3 standard deviations of a mode")
    }
    func figure(_ estimate: Figure) -> String {
      "\(rounded(estimate.mean)) +- \(rounded(estimate.standardError))"
    }
    let words = [
      "squared MMD, standardised points", "sliced W2, data coordinates",
      "energy distance, data coordinates", "mean log density, nats per point of the plane",
    ]
    let rows = zip(words, zip(named(samples), named(perfect))).map { word, pair in
      [word, figure(pair.0.1), figure(pair.1.1)]
    }
    for line in table([["", "samples", "points of the set"]] + rows, rightAligned: [1, 2]) {
      print("  " + line)
    }
    print("  minus the entropy of the set is \(rounded(-report.entropy)) nats")
    if samples.outside > 0 {
      print("  \(percent(samples.outside)) of samples lie where the density is zero")
    }
  }
}
