import Foundation
import Testing

/// Commands on a run of a variational autoencoder, and their errors.
@Suite(.serialized) struct VAECommandTests {
  private let experiment = """
    name: points
    data: eight-gaussians
    steps: 20
    batch: 64
    model: {kind: vae, hidden: [8], posterior: vmf, latent: 2, likelihood: gaussian}
    optimizer: {average: null}
    sampling: {count: 64, previewCount: 4}
    report: {metricsEvery: 10, samplesEvery: 20, checkpointEvery: 15}
    """

  @Test func commandsOfARun() throws {
    let tool = try Tool()
    try tool.write(experiment, to: "points.yaml")
    try tool.makeFolder("outputs")
    let trained = try tool.run("train points.yaml --out run")
    #expect(trained.code == 0 && trained.output == "run/samples.png\n", "\(trained.errors)")
    for file in ["reconstructions.png", "latent-scatter.png", "curves.png", "samples.png"] {
      #expect(tool.exists("run/" + file), "\(file)")
    }
    for file in ["strip.png", "trajectories.png", "latent.png"] {
      #expect(!tool.exists("run/" + file), "\(file)")
    }
    let drawn = try tool.run("sample run --seeds 3-7 --npy drawn.npy")
    #expect(drawn.code == 0 && drawn.output == "drawn.npy\n", "\(drawn.errors)")
    // A header of 128 bytes, and two doubles per point.
    #expect(tool.bytes("drawn.npy")?.count == 128 + 5 * 2 * 8)
    #expect(try tool.run("evaluate run --count 200").output.hasPrefix("run: "))
    #expect(try tool.run("compare run run").code == 0)
    #expect(try tool.run("info run").output.contains("kind: vae"))
    #expect(try tool.run("plan points.yaml").output.contains("vae/posterior"))

    let onePass = "run is a vae, which samples in one pass"
    for (line, message) in [
      ("sample run --steps 5", "--steps: needs a model that denoises; " + onePass),
      ("evaluate run --steps 5", "--steps: needs a model that denoises; " + onePass),
      ("evaluate run --sampler ddim", "--sampler: needs a model that denoises; " + onePass),
      ("sample run --sampler ddim", "--sampler: needs a model that denoises; " + onePass),
      ("sample run --class 1", "--class: needs a class-conditional model, which run is not"),
      ("field run", "field: needs a run of kind ddpm or flow-matching; points is a vae"),
      (
        "interpolate run --from 0 --to 1", "expected a run on images, found one on points"
      ),
    ] {
      let result = try tool.run(line)
      #expect(result.code == 1 && result.output.isEmpty, "\(line)")
      #expect(result.errors == "error: \(message)\n", "\(line)")
    }
  }

  /// Too few points for a validation split.
  @Test func patienceNeedsValidationData() throws {
    let tool = try Tool()
    try tool.write(experiment, to: "points.yaml")
    let rows = (0..<50).map { "\(Double($0) / 7),\(Double($0 * $0 % 11))" }
    try tool.write(rows.joined(separator: "\n") + "\n", to: "mine.csv")
    let result = try tool.run(
      "train points.yaml --set data=./mine.csv --set patience=3 --out run")
    #expect(result.code == 1)
    #expect(
      result.lastErrorLine
        == "error: ./mine.csv: 50 points have no validation split; expected at least 100")
    #expect(try tool.run("train points.yaml --set data=./mine.csv --out without").code == 0)
  }
}
