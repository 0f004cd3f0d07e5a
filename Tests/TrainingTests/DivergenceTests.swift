import Experiments
import Runs
import TensorCore
import TestSupport
import Testing
import Training

@Suite struct DivergenceTests {
  private func watching(_ model: String) throws -> Divergence {
    let yaml = "name: a\ndata: moons\nsteps: 10\nmodel: \(model)\n"
    return Divergence(try Experiment(yaml: yaml, file: "a.yaml").model)
  }

  private let models = (
    ddpm: "{kind: ddpm, network: mlp}",
    vae: "{kind: vae, hidden: [8], latent: 2, likelihood: gaussian}",
    wgan: "{kind: wgan, network: mlp}"
  )

  /// The warnings for a series of losses, with the step of each, and the verdict at its end.
  private func outcome(
    _ model: String, _ losses: [Double], critic: [Double]? = nil
  ) throws -> (steps: [Int], verdict: String?) {
    var watch = try watching(model)
    var steps: [Int] = []
    for (i, loss) in losses.enumerated() {
      let all = [("loss", loss)] + (critic.map { [("criticLoss", $0[i])] } ?? [])
      steps += watch.warnings(all).map { _ in i }
    }
    return (steps, watch.verdict)
  }

  @Test func healthyLossesGiveNoWarning() throws {
    var noise = SplitMix64(seed: 1)
    func falling(_ first: Double, to last: Double) -> [Double] {
      (0..<5000).map {
        let share = Double($0) / 5000
        let wave = Double(noise.next() % 1000) / 1000
        return first + (last - first) * share + 0.3 * wave * abs(first)
      }
    }
    // A log-likelihood of points changes its sign; a Wasserstein loss starts at zero.
    for (model, losses) in [
      (models.ddpm, falling(1, to: 0.02)), (models.vae, falling(550, to: 90)),
      (models.vae, falling(3, to: -400)), (models.wgan, falling(0.001, to: -30)),
    ] {
      let found = try outcome(model, losses, critic: falling(0.001, to: -2))
      #expect(found.steps.isEmpty && found.verdict == nil, "\(found)")
    }
  }

  @Test func aLossFarAboveItsStartIsReportedOnceAfterAHundredSteps() throws {
    for model in [models.ddpm, models.vae] {
      let start = [Double](repeating: 2, count: 50)
      let high = [Double](repeating: 201, count: 400)
      let found = try outcome(model, start + high)
      #expect(found.steps == [149])
      #expect(
        found.verdict == "the loss, 201, has been above 100 times its start, 2, for 100 steps")
      // Ninety-nine steps are too few, and a past divergence is no verdict.
      let short = try outcome(model, start + Array(high.prefix(99)) + start)
      #expect(short.steps.isEmpty && short.verdict == nil)
      // A hundred steps below end it; the warning is not repeated.
      let passed = try outcome(model, start + high + start + start)
      #expect(passed.steps == [149] && passed.verdict == nil)
      let swinging = try outcome(model, start + high + start + high)
      #expect(swinging.steps == [149] && swinging.verdict != nil)
      let twice = try outcome(model, start + high + start + start + high)
      #expect(twice.steps == [149] && twice.verdict != nil)
      // An unbounded decrease of a negative log-likelihood is not a divergence.
      #expect(try outcome(model, start + high.map { -$0 }).verdict == nil)
    }
  }

  @Test(arguments: [1.0, -1.0]) func aCriticFarAboveItsMedianIsReportedImmediatelyAndOnce(
    _ sign: Double
  ) throws {
    let calm = (0..<1000).map { 1 + Double($0 % 7) / 10 }
    let losses = [Double](repeating: 0.5, count: 1700)
    let wild = [Double](repeating: sign * 447_001, count: 700)
    let found = try outcome(models.wgan, losses, critic: calm + wild)
    // Immediately by the median, and by the initial size a hundred steps later.
    #expect(found.steps == [1000, 1099])
    #expect(
      found.verdict?.hasPrefix("the critic's loss, \(sign < 0 ? "-" : "")447001, is above 100")
        == true)
    // A persistent divergence does not become the reference, and one spike gives a warning but no
    // verdict.
    let spike = try outcome(
      models.wgan, losses, critic: calm + [sign * 200] + calm.prefix(699))
    #expect(spike.steps == [1000] && spike.verdict == nil)
  }

  @Test func recordedLossesCount() throws {
    var watch = try watching(models.wgan)
    let calm = (1...100).map { i in
      MetricsRecord(step: 10 * i, values: [("loss", .single(0.5)), ("criticLoss", .single(1.3))])
    }
    watch.replay(calm)
    #expect(watch.verdict == nil)
    #expect(watch.warnings([("loss", 0.5), ("criticLoss", 131)]).count == 1)
    watch.replay(calm)
    let wild = (101...120).map { i in
      MetricsRecord(step: 10 * i, values: [("loss", .single(0.5)), ("criticLoss", .single(-900))])
    }
    watch.replay(calm + wild)
    #expect(watch.verdict != nil)
  }

  @Test func theMedianCoversTheLastValues() {
    var random = SplitMix64(seed: 7)
    var median = RunningMedian(count: 11)
    var row: [Double] = []
    #expect(median.median.isNaN)
    for i in 0..<500 {
      // Few different values, so that there are ties.
      let value = Double(random.next() % 9)
      row.append(value)
      median.append(value)
      let last = row.suffix(11).sorted()
      #expect(median.median == last[last.count / 2], "after \(i + 1)")
    }
    median.append(.nan)
    #expect(median.count == 11 && !median.median.isNaN)
  }
}
