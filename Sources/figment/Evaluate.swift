import ArgumentParser
import Evaluation
import Experiments
import Formats
import Likelihood
import Logging
import Quality
import Runs
import Sampling
import Support
import Training

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Evaluate the samples of runs: 2-D points against the set, digits by a classifier.",
    discussion: """
      Digits (data: mnist) are compared with the 10000 of the validation split by a classifier that the \
      program holds: Fréchet distance on its features, precision and recall, classes and confidence, beside \
      what real digits and a collapsed generator get. A run of a classifier gets its accuracy on the test \
      split. See docs/evaluate.md.
      """)

  @Argument(help: ArgumentHelp("Run folders.", valueName: "run"))
  var folders: [String]

  @Option(
    help: ArgumentHelp(
      "Number of samples, with seeds from 0; by default 10000 for 2-D sets and 2000 for digits.",
      valueName: "n"))
  var count: Int?

  @Option(
    name: .customLong("latent"),
    help: ArgumentHelp(
      "Choice of latent variables, as in sample; if repeated, each choice gets a row.",
      valueName: "draw"), transform: LatentDraw.init(argument:))
  var latents: [LatentDraw] = []

  @Option(
    help: ArgumentHelp(
      "Sampler of models that denoise; by default \(EvaluationSampler.standardMethod.rawValue) for digits "
        + "and the experiment's for 2-D sets."))
  var sampler: SamplingSettings.Method?

  @Option(
    help: ArgumentHelp(
      "Number of sampler steps of models that denoise; by default those of "
        + "\(EvaluationSampler.standardEvaluations) network evaluations for digits and the experiment's for "
        + "2-D sets.", valueName: "n"))
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "Factor of classifier-free guidance of class-conditional models; the experiment's by default, 1 for none.",
      valueName: "w"))
  var guidance: Double?

  @Option(
    help: ArgumentHelp(
      "Run folder of a classifier to use instead of the program's own.", valueName: "dir"))
  var classifier: String?

  @Flag(help: "Print an array of JSON objects.")
  var json = false

  @OptionGroup var computing: Computing
  @OptionGroup var dataFolder: DataFolder
  @OptionGroup var reporting: Reporting

  mutating func validate() throws {
    if let count, !(100...1_000_000).contains(count) {
      throw ValidationError("--count: expected 100 to 1000000, found \(count)")
    }
    if let guidance, !(0...100).contains(guidance) {
      throw ValidationError("--guidance: expected 0 to 100, found \(guidance)")
    }
    if let steps, steps < 1 {
      throw ValidationError("--steps: expected at least 1, found \(steps)")
    }
    try checkPath(classifier, "--classifier", ending: nil)
  }

  /// A run with its name in tables.
  struct Subject {
    let run: Run
    let name: String
    let paths: RunPaths
    let evaluationReference: EvaluationReference
    /// Nil for models that sample in one pass or not at all.
    let sampler: EvaluationSampler?
  }

  func run() throws {
    let console = Console()
    // Every run is checked before the first long computation.
    let subjects = try chosenRuns(folders, remark: { console.print($0) }) { folder in
      let run = try Run(folder: folder, threads: computing.threads)
      let paths = RunPaths(folder)
      return Subject(
        run: run, name: paths.folder, paths: paths,
        evaluationReference: try run.evaluationReference(),
        sampler: try EvaluationSampler(run, method: sampler, steps: steps, guidance: guidance))
    }
    if subjects.isEmpty {
      throw FigmentError("evaluate: none of these paths holds a run that can be evaluated")
    }
    try checkSamplerOptions(subjects, reporting.log(console))
    let digits = subjects.filter { $0.evaluationReference == .digits }
    if let count, count > 10_000, !digits.isEmpty {
      throw FigmentError(
        "--count: expected at most 10000 for digits, the number of images to compare with, found \(count)"
      )
    }
    var rows: [String] = []
    for subject in subjects where subject.evaluationReference == .set {
      for latent in draws(of: subject, reporting.log(console)) {
        rows += try points(subject, latent, console)
      }
    }
    for subject in subjects where subject.evaluationReference == .labels {
      rows.append(try accuracy(subject))
    }
    if !digits.isEmpty { rows += try self.digits(digits, console) }
    if json { print("[" + rows.joined(separator: ",") + "]") }
  }

  /// Checks that --sampler and --steps have an effect, and notes the runs on which they have none.
  private func checkSamplerOptions(_ subjects: [Subject], _ log: Logger) throws {
    let given = [
      ("--sampler", sampler != nil), ("--steps", steps != nil), ("--guidance", guidance != nil),
    ].filter(\.1).map(\.0)
    guard let first = given.first else { return }
    for subject in subjects where subject.sampler == nil {
      let model = subject.run.experiment.model
      let reason = model.drawsSamples ? "samples in one pass" : "draws no samples"
      if subjects.allSatisfy({ $0.sampler == nil }) {
        throw FigmentError(
          "\(first): needs a model that denoises; \(subject.name) is a \(model.kind), which \(reason)"
        )
      }
      let options = given.joined(separator: " and ")
      log.notice(
        "\(printable(subject.name)) is a \(model.kind), which \(reason): \(options) ignored")
    }
  }

  /// The draws that were asked for; a model without latent variables has the plain one only.
  func draws(of subject: Subject, _ log: Logger) -> [LatentDraw] {
    let wanted = latents.isEmpty ? [.plain] : latents
    guard !subject.run.hasLatentVariables, wanted != [.plain] else { return wanted }
    log.notice(
      "\(printable(subject.name)) is a \(subject.run.experiment.model.kind), which has no latent variables to choose: --latent is ignored"
    )
    return [.plain]
  }

  private func points(
    _ subject: Subject, _ latent: LatentDraw, _ console: Console
  ) throws -> [String] {
    let (run, count) = (subject.run, count ?? 10_000)
    let name = printable(subject.name) + (latent == .plain ? "" : " \(latent)")
    var progress = Progress(
      total: run.samplingSteps(count: count, subject.sampler?.request ?? SampleRequest()),
      unit: "sampling steps", style: reporting.style, console: console)
    let report = try run.toyReport(
      count: count, latent: latent, subject.sampler?.request ?? SampleRequest()
    ) { done, _ in
      progress.update(done)
    }
    progress.finish()
    if json { return [object(report, subject, latent).description] }
    printLines(report, subject, name)
    return []
  }

  private func accuracy(_ subject: Subject) throws -> String {
    let (share, loss) = try subject.run.accuracy(on: .test, dataDirectory: dataFolder.path)
    let digest = try subject.run.weightsDigest
    if !json {
      print(
        "\(printable(subject.name)): classifier \(digest.prefix(16)) at step \(subject.run.step)")
      print(
        "  \(measuredPercent(share.mean, share.standardError)) of \(share.count) test images "
          + "right, -log p(class | image) \(measured(loss.mean, loss.standardError)) nats"
      )
    }
    return JSONObject([
      ("run", .text(subject.name)), ("dataset", .text(subject.run.experiment.data)),
      ("step", .integer(subject.run.step)), ("classifier", .text(digest)),
      ("accuracy", .number(share.mean)), ("accuracy_stderr", .number(share.standardError)),
      ("loss", .number(loss.mean)), ("loss_stderr", .number(loss.standardError)),
      ("n", .integer(share.count)),
    ]).description
  }

  private func object(
    _ report: ToyReport, _ subject: Subject, _ latent: LatentDraw
  ) -> JSONObject {
    var members: [(name: String, value: JSONValue)] = [
      ("run", .text(subject.name)), ("dataset", .text(subject.run.experiment.data)),
      ("step", .integer(subject.run.step)), ("latent", .text("\(latent)")),
    ]
    if let sampler = subject.sampler { members += sampler.members }
    if let quality = report.quality {
      members += [
        ("modes", .integer(quality.modes)), ("modes_found", .integer(quality.modesFound)),
        ("high_quality", .number(quality.highQuality)), ("stderr", .number(quality.standardError)),
      ]
    }
    if let perfect = report.perfectQuality {
      members += [
        ("perfect_modes_found", .integer(perfect.modesFound)),
        ("perfect_high_quality", .number(perfect.highQuality)),
        ("perfect_high_quality_stderr", .number(perfect.standardError)),
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

  private func named(_ figures: ToyDistances) -> [(String, Statistic)] {
    [
      ("mmd2", figures.discrepancy), ("sliced_w2", figures.slicedWasserstein),
      ("energy_distance", figures.energy), ("mean_log_density", figures.logDensity),
    ]
  }

  private func printLines(_ report: ToyReport, _ subject: Subject, _ name: String) {
    let (run, samples, perfect) = (subject.run, report.samples, report.perfect)
    let sampler = subject.sampler.map { "; \($0) per sample" } ?? ""
    print(
      "\(name): \(samples.count) samples at step \(run.step), \(run.experiment.data)\(sampler)")
    func share(_ quality: ToyQuality) -> String {
      measuredPercent(quality.highQuality, quality.standardError)
    }
    if let quality = report.quality, let perfect = report.perfectQuality {
      print(
        "  \(quality.modesFound) of \(quality.modes) modes, \(share(quality)) of samples within 3 "
          + "standard deviations of a mode")
      print(
        "  as many points of the set: \(perfect.modesFound) of \(perfect.modes) modes, \(share(perfect))"
      )
    }
    func figure(_ estimate: Statistic) -> String { measured(estimate.mean, estimate.standardError) }
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
    let place = DecimalPlace(error: samples.logDensity.standardError)
    print("  minus the entropy of the set is \(place(-report.entropy)) nats")
    if samples.outside > 0 {
      print("  \(percent(samples.outside)) of samples lie where the density is zero")
    }
  }
}
