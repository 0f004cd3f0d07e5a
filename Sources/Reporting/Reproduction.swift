import Datasets
import Evaluation
import Experiments
import Formats
import Glibc
import Likelihood
import Logging
import Runs
import Support
import TensorCore

/// A published result and the experiment that should reproduce it: a row of
/// Experiments/REPRODUCED.md.
package struct Reproduction: Sendable {
  /// Name of the row.
  package let name: String
  /// Experiment file, and the settings overridden in it.
  package let experiment: String, overrides: [String]
  /// K of the importance-weighted bound on the test images.
  package let samples: Int
  /// Published mean of log p(x), in nats per image, with its spread as far as it is reported.
  package let published: String
  /// Source of the published value, and the differences of protocol.
  package let source: String

  /// All rows, in the order of the file.
  package static let all: [Reproduction] = davidson + burda

  private static let davidson = [
    (
      kind: "gaussian",
      figures: [
        "-135.73 ± 0.83", "-110.21 ± 0.21", "-93.84 ± 0.30", "-88.90 ± 0.26", "-88.93 ± 0.30",
      ]
    ),
    (
      kind: "vmf",
      figures: [
        "-132.50 ± 0.73", "-108.43 ± 0.09", "-93.16 ± 0.31", "-89.02 ± 0.31", "-90.87 ± 0.34",
      ]
    ),
  ].flatMap { kind, figures in
    zip([2, 5, 10, 20, 40], figures).map { dimension, published in
      Reproduction(
        name: "davidson-\(kind)-d\(dimension)",
        experiment: "Experiments/reproduce/davidson-\(kind).yaml",
        overrides: ["name=davidson-\(kind)-d\(dimension)", "model.latent=\(dimension)"],
        samples: 500, published: published,
        source: "Davidson et al. 2018, table 1: 10 seeds; here one, 50,000 training images")
    }
  }

  private static let burda = [(50, "-84.78"), (1, "-86.76")].map { draws, published in
    Reproduction(
      name: "iwae-k\(draws)", experiment: "Experiments/reproduce/iwae.yaml",
      overrides: ["name=iwae-k\(draws)", "model.draws=\(draws)"]
        + (Precision.hasBF16 && draws > 1 ? ["precision=bf16"] : []),
      samples: 5000,
      published: published,
      source: "Burda et al. 2016, table 1: 3,280 epochs; here 300, 50,000 training images")
  }

  /// The row named `name`.
  ///
  /// - Throws: `FigmentError`, listing the known names, if there is no such row.
  package static func named(_ name: String) throws -> Reproduction {
    guard let row = all.first(where: { $0.name == name }) else {
      let hint = nearest(to: name, among: all.map(\.name)).map { "did you mean '\($0)'? " } ?? ""
      throw FigmentError(
        "'\(printable(name))': no such row to reproduce; \(hint)Rows: "
          + all.map(\.name).joined(separator: ", "))
    }
    return row
  }

  /// The experiment of the row.
  ///
  /// - Throws: `FigmentError` if the experiment file is missing, as outside the project's folder.
  package func settings() throws -> Experiment {
    guard FileSystem.kind(of: experiment) == .file else {
      throw FigmentError("\(experiment): no such file; run reproduce in the project's folder")
    }
    return try Experiment(contentsOf: experiment, overrides: overrides)
  }
}

/// Result of a reproduction.
package struct Reproduced: Sendable {
  let row: Reproduction
  let seed: UInt64
  let evaluationSeed: UInt64
  let step: Int
  let minutes: Double
  let hardware: String
  let scored: ScoredRun

  /// Evaluates a finished run.
  ///
  /// - Parameters:
  ///   - threads: Threads of the evaluation.
  ///   - report: See `RunLikelihood.score`.
  package init(
    _ row: Reproduction, folder: String, dataDirectory: String, threads: Int,
    report: (_ done: Int, _ total: Int) throws -> Void
  ) throws {
    let run = try Run(folder: folder, threads: threads)
    var scoring = Scoring()
    scoring.estimators = [.iwae]
    (scoring.samples, scoring.dataDirectory) = (row.samples, dataDirectory)
    let likelihood = try RunLikelihood(run, scoring, name: folder)
    let total = likelihood.steps
    let scores = try likelihood.score { try report($0, total) }
    guard let scored = scores.first(where: { $0.estimate.estimator == .iwae }) else {
      throw FigmentError("\(printable(folder)): no estimate of iwae")
    }
    self.row = row
    self.scored = scored
    (seed, evaluationSeed, step) = (run.experiment.seed, scoring.seed, run.step)
    let timings = RunPaths(folder).timings
    let training =
      FileSystem.kind(of: timings) == .file
      ? try Metrics.read(timings).records.compactMap { $0["seconds"]?.double }.reduce(0, +) : 0
    minutes = (training + scored.estimate.seconds) / 60
    hardware = "\(processorName()), \(counted(threads, "thread"))"
  }

  private var command: String { "figment reproduce \(row.name)" }

  /// JSON object of the result.
  package var json: String {
    let figure = scored.estimate.figure
    return JSONObject([
      ("row", .text(row.name)), ("command", .text(command)),
      ("seed", .integer(Int(clamping: seed))), ("hardware", .text(hardware)),
      ("step", .integer(step)),
      ("minutes", .number(minutes)), ("dataset", .text(scored.setting.dataset)),
      ("split", .text(scored.setting.split)),
      ("binarisation", .text(scored.setting.binarisation)), ("unit", .text("nats")),
      ("estimator", .text("iwae")), ("samples", .integer(row.samples)),
      ("mean", .number(figure.mean)), ("stderr", .number(figure.standardError)),
      ("n", .integer(figure.count)), ("published", .text(row.published)),
      ("source", .text(row.source)),
    ]).description
  }

  /// The row as a line of the results table.
  package var line: String {
    let figure = scored.estimate.figure
    let place = DecimalPlace(error: figure.standardError)
    let ours =
      "\(place(figure.mean)) ± \(place(figure.standardError)) (IWAE-\(row.samples), n \(figure.count))"
    let cells = [
      row.name, ours, row.published, "`\(command)`", "\(seed)", "\(step)", fixed(minutes, 1),
      hardware, row.source,
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  /// The results table with this row in place of an older one.
  package func inserted(into text: String) -> String {
    let names = Reproduction.all.map(\.name)
    var lines = Dictionary(
      text.split(separator: "\n").compactMap { line -> (String, String)? in
        let cells = line.split(separator: "|").map { $0.filter { $0 != " " } }
        guard let name = cells.first, names.contains(name) else { return nil }
        return (name, String(line))
      }, uniquingKeysWith: { first, _ in first })
    lines[row.name] = line
    return Self.head + names.compactMap { lines[$0] }.map { $0 + "\n" }.joined()
  }

  private static let head = """
    # Published results, reproduced

    Written by `figment reproduce ROW`, never by hand: another run of the command replaces its row. Mean log-likelihood of
    the 10,000 test images of MNIST in nats per image, dynamically binarised with evaluation seed 0, by the
    importance-weighted bound of K draws; ± is the standard error over images, and that of the published results the
    standard deviation over their runs. Minutes include training and evaluation.

    | row | ours | published | command | seed | steps | minutes | hardware | source and protocol |
    |---|---|---|---|---|---|---|---|---|

    """
}
