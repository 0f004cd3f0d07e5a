import ArgumentParser
import Datasets
import Evaluation
import Experiments
import Likelihood
import Runs
import Support
import Training

/// `figment likelihood`; the plural avoids the name of the module Likelihood.
struct Likelihoods: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "likelihood",
    abstract: "Estimate log p(x) of the data under runs, and compare them.",
    discussion: """
      In nats per example, with standard errors over the examples. All estimators except exact are lower \
      bounds. Runs with different base measures or binarisations get separate tables; runs that \
      scored the same examples are compared pairwise. A class-conditional diffusion model is scored \
      under every class, which also tells the class of an example; the classes are taken as equally \
      probable. See docs/likelihood.md.
      """)

  @Argument(help: ArgumentHelp("Run folders.", valueName: "run"))
  var folders: [String]

  @Option(
    help: ArgumentHelp(
      "Estimator: exact, iwae, elbo, vlb (models that denoise), ode (those of points), or all.",
      valueName: "name"))
  var estimator = "all"

  @Option(
    help: ArgumentHelp(
      "Draws per example: K of iwae and elbo, 500 by default; pairs (t, noise) of vlb, 20 for images and "
        + "200 for points by default.", valueName: "k"))
  var samples: Int?

  @Option(
    help: ArgumentHelp(
      "Number of examples, from the first; by default all, 10000 for 2-D sets, and for class-conditional "
        + "models 10000 divided by the number of classes.", valueName: "n"))
  var examples: Int?

  @Option(help: "Split of the data: train, validation or test.")
  var split = Split.test

  @Option(
    help: ArgumentHelp("Evaluation seed, for binarisation and all draws.", valueName: "s"),
    transform: seed(argument:))
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Score one picture instead of the data set.", valueName: "file.png"))
  var image: String?

  @Flag(help: "Print an array of JSON objects.")
  var json = false

  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder
  @OptionGroup var reporting: Reporting

  mutating func validate() throws {
    let known = ["all"] + Estimator.allCases.map(\.rawValue)
    if !known.contains(estimator) {
      throw ValidationError(
        "--estimator: expected one of \(known.joined(separator: ", ")), found '\(estimator)'")
    }
    if let samples, !(1...10_000_000).contains(samples) {
      throw ValidationError("--samples: expected 1 to 10000000, found \(samples)")
    }
    if let examples, !(1...1_000_000).contains(examples) {
      throw ValidationError("--examples: expected 1 to 1000000, found \(examples)")
    }
    if image != nil && examples != nil {
      throw ValidationError("--image: cannot be combined with --examples; drop one of the two")
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
    // Every run is checked before the first long computation.
    let likelihoods = try chosenRuns(folders, remark: { console.print($0) }) { folder in
      let run = try Run(folder: folder, threads: computing.threads)
      return try RunLikelihood(run, scoring, name: RunPaths(folder).folder)
    }
    for warning in likelihoods.compactMap(\.warning) { log.warning("\(warning)") }
    for note in likelihoods.compactMap(\.note) { log.info("\(note)") }
    if likelihoods.isEmpty {
      throw FigmentError("likelihood: none of these paths holds a run with a likelihood")
    }
    let total = likelihoods.reduce(0) { $0 + $1.steps }
    var progress = Progress(
      total: total, unit: "passes", style: reporting.style, console: console)
    var rows: [ScoredRun] = []
    var done = 0
    for likelihood in likelihoods {
      let scored = try likelihood.score { progress.update(done + $0) }
      done += likelihood.steps
      // The exact density of the data is the same for every run on them: one row suffices.
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
      for line in likelihoods.classLines { print(line) }
    }
  }
}

extension Split: ExpressibleByArgument {}
