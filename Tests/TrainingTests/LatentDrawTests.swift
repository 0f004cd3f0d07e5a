import Experiments
import Quality
import Sampling
import TensorCore
import TestSupport
import Testing
import Training

private func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }

@Suite struct LatentDrawNameTests {
  @Test(arguments: [
    ("plain", LatentDraw.plain), ("truncated:0.7", .truncated(0.7)), ("truncated:1", .truncated(1)),
    ("hubs:0.9", .hubs(quantile: 0.9)), ("hubs:0", .hubs(quantile: 0)),
  ])
  func namesAreRead(_ text: String, _ draw: LatentDraw) throws {
    #expect(try LatentDraw(text) == draw)
    #expect("\(draw)" == text)
  }

  @Test(arguments: [
    ("hubs:1", "hubs above quantile 1.0 of 10000 points are none; expected at most 0.9999"),
    (
      "hubs:0.99999",
      "hubs above quantile 0.99999 of 10000 points are none; expected at most 0.9999"
    ),
    ("hubs:2", "a quantile of hubs must be at least 0 and below 1, not 2.0"),
    ("hubs:nan", "a quantile of hubs must be at least 0 and below 1, not nan"),
    ("truncated:0", "truncated: expected a number above 0 and at most 1, found 0"),
    ("truncated:nan", "truncated: expected a number above 0 and at most 1, found nan"),
  ])
  func numbersOutOfRangeAreRefused(_ text: String, _ message: String) {
    #expect(failure { _ = try LatentDraw(text) } == message)
  }

  @Test(arguments: ["", "hubs", "hubs:", "hubs:a", "plain:1", "trunc:0.7", "hubs:0.9:1"])
  func malformedDrawsAreRefused(_ text: String) {
    #expect(
      failure { _ = try LatentDraw(text) }
        == "expected plain, truncated: with a number from 0 to 1, or hubs: with a quantile, such as "
        + "hubs:0.9; found \(text)")
  }
}

/// Draws from small models; serialized, since each uses every core.
@Suite(.serialized) struct LatentDrawTests {
  let root: TemporaryFolder
  init() throws { root = try TemporaryFolder() }

  private func runs() throws -> [Run] {
    try SmallRun.wgan("steps=4").train(in: root.file("wgan"))
    try SmallRun.vae("steps=4").train(in: root.file("vae"))
    try SmallRun.toyVAE("steps=4", "model.posterior=gaussian", "model.latent=2")
      .train(in: root.file("toy-vae"))
    return try ["wgan", "vae", "toy-vae"].map { try Run(folder: root.file($0), threads: 2) }
  }

  /// Truncated draws with factor 1 equal plain draws.
  @Test func latentPointsMatchSamples() throws {
    let seeds: [UInt64] = [3, 70, 1 << 40, 3]
    for run in try runs() {
      let plain = try run.sample(seeds: seeds)
      #expect(bits(try run.sample(seeds: seeds, latent: .truncated(1))) == bits(plain))
      let points = try run.latentPoints(seeds: seeds)
      #expect(
        bits(try run.latentPoints(seeds: [70]))
          == bits(Array(points[points.count / 4..<points.count / 2])))
      // Close to the mean, all samples are alike up to noise outside the latent variables.
      guard run.experiment.name != "toy-vae" else { continue }
      let close = try run.sample(seeds: seeds, latent: .truncated(1e-9))
      let width = close.count / 4
      for i in close.indices { #expect(abs(close[i] - close[i % width]) < 1e-5) }
      #expect((0..<width).contains { abs(plain[$0] - plain[width + $0]) > 1e-4 })
    }
  }

  @Test func hubsArePlainDrawsOfOtherSeeds() throws {
    for run in try runs() {
      let seeds: [UInt64] = [0, 7, 150]
      let hubs = try run.sample(seeds: seeds, latent: .hubs(quantile: 0.99))
      let width = try run.latentPoints(seeds: [0]).count
      let plain = try HubSelection(quantile: 0.99).plainSeeds(
        for: seeds, try Neighbours(width: width, run.runtime)
      ) { try run.latentPoints(seeds: $0) }
      // A hundred of each pool of 10,000 are kept.
      #expect(plain.map { $0 / 10_000 } == [0, 0, 1])
      #expect(bits(hubs) == bits(try run.sample(seeds: plain)))
      #expect(
        bits(try run.sample(seeds: [7], latent: .hubs(quantile: 0.99)))
          == bits(Array(hubs[hubs.count / 3..<2 * hubs.count / 3])))
    }
  }

  @Test func modelsWithoutLatentVariablesAreRefused() throws {
    try SmallRun.toy("steps=2").train(in: root.file("ddpm"))
    let run = try Run(folder: root.file("ddpm"), threads: 1)
    for draw in [LatentDraw.truncated(0.5), .hubs(quantile: 0.9)] {
      #expect(
        failure { _ = try run.sample(seeds: [0], latent: draw) }
          == "--latent \(draw): needs a model with latent variables; tiny is a ddpm")
    }
    try SmallRun.toyVAE("steps=2").train(in: root.file("sphere"))
    let sphere = try Run(folder: root.file("sphere"), threads: 1)
    #expect(
      failure { _ = try sphere.sample(seeds: [0], latent: .truncated(0.5)) }
        == "--latent truncated:0.5: needs a prior with a mean, and the latent variables of toy-vae are "
        + "uniform on a sphere; use hubs instead")
    #expect(try sphere.sample(seeds: [0, 1], latent: .hubs(quantile: 0.5)).count == 4)
  }
}
