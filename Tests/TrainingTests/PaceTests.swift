import Experiments
import Runs
import Support
import TensorCore
import TestSupport
import Testing
import Training

/// The measuring of a training's parts, and the number of steps that fits a time.
@Suite(.serialized) struct PaceTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  /// Small runs of every kind whose steps have state: averages, slow weights, early stopping, two
  /// programs.
  private static let runs: [@Sendable () throws -> SmallRun] = [
    { try .toy() }, { try .toy("optimizer.lookahead={every: 6}", "optimizer.average=null") },
    { try .images() }, { try .vae("patience=2") }, { try .wgan() }, { try .classifier() },
  ]

  @Test(arguments: runs.indices)
  func measuringChangesNothing(_ index: Int) throws {
    let run = try Self.runs[index]()
    let experiment = try run.experiment()
    func stepper() throws -> Stepper {
      try Stepper(
        experiment, run.data, validation: run.validation ?? run.data, threads: 2)
    }
    func state(_ stepper: Stepper) throws -> [[Float]] {
      try stepper.variableNames.map { name in
        try stepper.program.runtime.read(variable: name) { span in span.indices.map { span[$0] } }
      }
    }
    let (plain, measured) = (try stepper(), try stepper())
    for step in 0..<5 {
      // Before the first step, and in the middle of a run.
      if step % 3 == 0 {
        let before = try state(measured)
        let pace = try #require(try measured.measurePace(ofAtLeast: 0))
        #expect(pace.step > 0 && pace.checkpoint > 0, "\(experiment.name)")
        #expect((pace.preview > 0.01) == experiment.model.drawsSamples, "\(pace)")
        #expect(try state(measured) == before)
        #expect(measured.step == step)
      }
      _ = try plain.advance()
      _ = try measured.advance()
      #expect(try state(plain) == state(measured), "\(experiment.name), step \(step)")
    }
    #expect(plain.program.runtime.runs == measured.program.runtime.runs)
    #expect(try plain.samples().map(\.samples) == measured.samples().map(\.samples))
  }

  @Test func aShortTrainingIsNotMeasuredWhole() throws {
    let run = try SmallRun.toy()
    let stepper = try Stepper(run.experiment(), run.data, validation: nil, threads: 1)
    #expect(try stepper.measurePace(ofAtLeast: 1e6) == nil)
    #expect(try stepper.measurePace(ofAtLeast: 1e-9) != nil)
  }

  /// Fast steps that wait now and then count with their pauses; one long pause does not.
  @Test(
    arguments: [
      ([2, 9, 4], 4), ([1, 1, 1, 1, 500, 1, 1, 1, 1], 1),
      ((0..<90).map { $0 % 5 == 0 ? 6 : 1 }, 2),
      ((0..<90).map { $0 == 17 ? 1000 : 1 }, 1),
    ] as [([Double], Double)])
  func pausesCountUnlessSingle(_ times: [Double], _ expected: Double) {
    #expect(abs(Stepper.typical(times) - expected) < 1e-9)
  }

  /// A pace of simple numbers: steps of 10 ms, and parts that take seconds.
  private var pace: Pace {
    var pace = Pace(step: 0.01, epoch: 480)
    (pace.preview, pace.validation, pace.checkpoint, pace.pictures) = (2, 0.5, 0.1, 3)
    return pace
  }

  private func experiment(_ settings: String...) throws -> Experiment {
    var run = try SmallRun.toy()
    run.overrides =
      ["report={metricsEvery: 10, samplesEvery: 100, checkpointEvery: 200}", "steps=1000"]
      + settings
    return try run.experiment()
  }

  @Test func aDurationIsTheSumOfItsParts() throws {
    let experiment = try experiment()
    // Steps 10 s; ten sample grids; a hundred epochs of ten batches; five checkpoints and the last.
    #expect(abs(pace.seconds(experiment) - (10 + 20 + 50 + 0.6 + 3)) < 1e-9)
    // From step 500: the second halves; up to 900, no pictures.
    #expect(abs(pace.seconds(experiment, from: 500) - (5 + 10 + 25 + 0.4 + 3)) < 1e-9)
    #expect(abs(pace.seconds(experiment, from: 500, to: 900) - (4 + 8 + 20 + 0.3)) < 1e-9)
  }

  @Test func aDurationIsSaidInWords() throws {
    var plain = Pace(step: 0.093, epoch: 480)
    let experiment = try experiment("steps=4500")
    #expect(plain.words(experiment) == "about 7 minutes here (4,500 steps of 93 ms)")
    #expect(plain.words(experiment, from: 4300) == "about 19 seconds here (200 steps of 93 ms)")
    plain.pictures = 140
    #expect(
      plain.words(experiment)
        == "about 9 minutes here (4,500 steps of 93 ms; 2.5 minutes for sample grids, validation and checkpoints)"
    )
  }

  @Test(arguments: [
    (0.0123, "12 ms"), (0.5, "500 ms"), (4.26, "4.3 seconds"), (89, "89 seconds"),
    (91, "1.5 minutes"),
    (150, "2.5 minutes"), (300, "5 minutes"), (5399, "90 minutes"), (5400, "1.5 hours"),
    (7200, "2 hours"), (86_400, "24 hours"),
  ])
  func durationsAreSpoken(_ seconds: Double, _ words: String) {
    #expect(Pace.spoken(seconds) == words)
  }

  @Test(arguments: [
    (0.000066, "0.07 ms"), (0.0048, "4.8 ms"), (0.132, "132 ms"), (2.44, "2.4 s"), (31, "31 s"),
  ])
  func stepTimesAreShort(_ seconds: Double, _ words: String) {
    #expect(Pace.short(seconds) == words)
  }

  @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (16_000_000, "16,000,000")])
  func numbersAreGrouped(_ number: Int, _ text: String) { #expect(grouped(number) == text) }

  // MARK: Choice of the number of steps

  private func choose(
    minutes: Double, _ pace: Pace, _ settings: String..., spent: Double = 0
  ) throws -> (Experiment, String) {
    var run = try SmallRun.toy()
    run.overrides =
      ["report={metricsEvery: 10, samplesEvery: 100, checkpointEvery: 200}", "steps=1000"]
      + settings
    let base = run
    let budget = TimeBudget(minutes: minutes) { settings in
      var run = base
      run.overrides += settings
      return TimeBudget.Resolved(
        experiment: try run.experiment(), command: settings.joined(separator: " "),
        resumeCommand: "")
    }
    let (resolved, line) = try budget.choose(try base.experiment(), pace, spent: spent)
    return (resolved.experiment, line)
  }

  /// The chosen number fits the time, and one per cent more does not.
  @Test(arguments: [0.5, 1, 2, 7, 60, 600])
  func theStepsFillTheTime(_ minutes: Double) throws {
    let (chosen, _) = try choose(minutes: minutes, pace, spent: 4)
    #expect(4 + pace.seconds(chosen) <= 60 * minutes)
    var longer = chosen
    longer.steps += max(110, chosen.steps / 90)
    #expect(4 + pace.seconds(longer) > 60 * minutes, "\(chosen.steps) steps")
  }

  @Test func threeDigitsAreKept() throws {
    let (chosen, line) = try choose(minutes: 5, Pace(step: 0.0123, epoch: 1_000_000_000))
    #expect(chosen.steps == 24_300)
    #expect(
      line == "about 5 minutes here (24,300 steps of 12 ms); saved in the run's experiment: steps")
  }

  /// Settings that do not fit a shorter run, and the values that replace them.
  @Test func settingsInStepsFollowAShortRun() throws {
    let slow = Pace(step: 1, epoch: 1_000_000_000)
    let (short, line) = try choose(minutes: 1, slow, "optimizer.warmup=100")
    #expect(short.steps == 60 && short.optimizer.warmup == 6)
    #expect(short.report.metricsEvery == 10)
    #expect(short.report.samplesEvery == 30 && short.report.checkpointEvery == 30)
    #expect(
      line.hasSuffix(
        "experiment: steps, report.samplesEvery 30, report.checkpointEvery 30, optimizer.warmup 6")
    )
    // In half of a longer run, they stay.
    let (long, _) = try choose(minutes: 4, slow, "optimizer.warmup=100")
    #expect(long.steps == 240 && long.optimizer.warmup == 100)
    #expect(long.report.samplesEvery == 100)
    // What no run of this experiment reaches is meant so.
    let (rare, _) = try choose(minutes: 1, slow, "report.samplesEvery=16000000")
    #expect(rare.report.samplesEvery == 16_000_000)
  }

  @Test func warmUpsOfALossFollow() throws {
    var run = try SmallRun.vae("model.klWarmup=20")
    run.overrides.append("report.samplesEvery=1000")
    let experiment = try run.experiment()
    #expect(ScaledSetting.changes(30, experiment).map(\.key) == ["model.klWarmup"])
    #expect(ScaledSetting.changes(30, experiment).map(\.value) == [3])
    #expect(ScaledSetting.changes(40, experiment).isEmpty)
  }

  @Test func aTimeBelowOneSampleGridIsRefused() throws {
    // Ten steps with two grids: 0.1 + 4 + 0.3 + 3 s, and 4 s of preparation; a quarter more, in minutes.
    let error = #expect(throws: FigmentError.self) {
      _ = try choose(minutes: 0.1, pace, "batch=1", spent: 4)
    }
    #expect(
      error?.description
        == "--minutes: 0.1 is too short: here one sample grid takes 2 seconds, and preparation, pictures and 10 "
        + "steps 11 seconds; expected at least 0.24")
    // The number in the message works.
    #expect(throws: Never.self) { try choose(minutes: 0.24, pace, "batch=1", spent: 4) }
  }

  @Test func aTimeBeyondTheMostStepsIsRefused() throws {
    let error = #expect(throws: FigmentError.self) {
      _ = try choose(minutes: 10_000, Pace(step: 0.001, epoch: 1_000_000_000))
    }
    #expect(
      error?.description
        == "--minutes: 10000 is too long: the most steps of an experiment, 16,000,000, take 4.5 hours here; "
        + "expected at most 266")
    #expect(throws: Never.self) {
      try choose(minutes: 266, Pace(step: 0.001, epoch: 1_000_000_000))
    }
  }

  @Test(arguments: [
    (0.0301, 0.031), (0.03, 0.03), (0.24, 0.24), (1.21, 1.3), (9.99, 10), (12.1, 13),
  ])
  func minutesAreRoundedUp(_ number: Double, _ expected: Double) {
    #expect(TimeBudget.roundedUp(number) == expected)
  }
}
