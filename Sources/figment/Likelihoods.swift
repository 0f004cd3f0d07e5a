import ArgumentParser
import Datasets
import Evaluation
import Experiments
import Likelihood
import Runs
import Support
import Training

/// `figment likelihood`; another name, as there is a module of that one.
struct Likelihoods: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "likelihood",
    abstract: "Estimates log p(x) of the data by runs, side by side where they can be compared.",
    discussion: """
      In nats per example, with standard errors over the examples. Estimators but exact ones are lower \
      bounds. Runs whose base measures or binarisations differ get tables of their own; runs that \
      scored the same examples are compared pair by pair. See docs/likelihood.md.
      """)

  @Argument(help: ArgumentHelp("Folders of runs.", valueName: "run"))
  var folders: [String]

  @Option(
    help: ArgumentHelp(
      "all, or one of: exact, iwae, elbo, vlb (of diffusion models).", valueName: "name"))
  var estimator = "all"

  @Option(
    help: ArgumentHelp(
      "Draws an example: K of iwae and elbo, 500 by default; of (t, noise) in vlb, 20 for images and "
        + "200 for points.", valueName: "k"))
  var samples: Int?

  @Option(
    help: ArgumentHelp(
      "Examples, from the first; all by default, 10000 of 2-D sets.", valueName: "n"))
  var examples: Int?

  @Option(help: "The part of the data: train, validation or test.")
  var split = Split.test

  @Option(
    help: ArgumentHelp("The evaluation's seed: of binarisation and all draws.", valueName: "s"),
    transform: seed(argument:))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Scores one picture instead.", valueName: "file.png"))
  var image: String?

  @Flag(help: "Prints an array of JSON objects.")
  var json = false

  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder
  @OptionGroup var reporting: Reporting

  mutating func validate() throws {
    let known = ["all"] + Estimator.allCases.map(\.rawValue)
    if !known.contains(estimator) {
      throw ValidationError(
        "--estimator is one of \(known.joined(separator: ", ")), not '\(estimator)'")
    }
    if let samples, !(1...10_000_000).contains(samples) {
      throw ValidationError("--samples is from 1 to 10000000, not \(samples)")
    }
    if let examples, !(1...1_000_000).contains(examples) {
      throw ValidationError("--examples is from 1 to 1000000, not \(examples)")
    }
    if image != nil && examples != nil {
      throw ValidationError("--image and --examples exclude each other")
    }
    try checkPath(image, "--image", ending: nil)
  }

  private var scoring: Scoring {
    var scoring = Scoring()
    scoring.estimators = Estimator(rawValue: estimator).map { [$0] }
    (scoring.samples, scoring.examples, scoring.split) = (samples, examples, split)
    (scoring.seed, scoring.image, scoring.dataDirectory) = (seed, image, dataFolder.path)
    return scoring
  }

  func run() throws {
    let console = Console()
    let log = reporting.log(console)
    // All are looked at before the first computes for long.
    let likelihoods = try chosenRuns(folders, remark: { console.print($0) }) { folder in
      let run = try Run(folder: folder, threads: computing.threads)
      return try RunLikelihood(run, scoring, name: RunPaths(folder).folder)
    }
    for warning in likelihoods.compactMap(\.warning) { log.warning("\(warning)") }
    if likelihoods.isEmpty { throw FigmentError("no run with a likelihood is left") }
    let total = likelihoods.reduce(0) { $0 + $1.steps }
    var progress = Progress(
      total: total, unit: "passes", style: reporting.style, console: console)
    var rows: [ScoredRun] = []
    var done = 0
    for likelihood in likelihoods {
      let scored = try likelihood.score { progress.update(done + $0) }
      done += likelihood.steps
      // The density of the data is the same for all runs on them.
      rows += scored.filter { row in
        row.run != "data" || !rows.contains { $0.run == "data" && $0.setting == row.setting }
      }
    }
    progress.finish()
    for row in rows where row.estimate.hasFewEffectiveSamples {
      let count = Statistic(row.estimate.effectiveSamples ?? []).mean
      log.warning(
        """
        \(row.run): of \(counted(row.estimate.samples, "draw")) only \(fixed(count, 1)) count (the effective \
        sample size), so that log p(x) is underestimated; more --samples raise the bound
        """)
    }
    let tables = LikelihoodTable.tables(rows)
    if json {
      let objects = tables.flatMap { table in
        table.rows.map { $0.json(seed: seed, differences: table.differences) }
      }
      print("[" + objects.joined(separator: ",") + "]")
      return
    }
    for (index, likelihoods) in tables.enumerated() {
      if index > 0 { print("") }
      print(likelihoods.setting.title + "; evaluation seed \(seed)")
      for line in table(likelihoods.cells, rightAligned: likelihoods.numericColumns) { print(line) }
      for difference in likelihoods.differences { print(difference.line) }
    }
  }
}

extension Split: ExpressibleByArgument {}
