import Foundation
import Testing

/// The project's folder.
private let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appendingPathComponent("../..").standardized.path
private let digitsFolder =
  ProcessInfo.processInfo.environment["FIGMENT_DATA"] ?? project + "/data/mnist"
private let hasDigits = ["", ".gz"].contains {
  FileManager.default.fileExists(atPath: digitsFolder + "/t10k-labels-idx1-ubyte" + $0)
}

/// `figment evaluate`: samplers, and the classifier of digits that the program holds.
@Suite(.serialized) struct EvaluateCommandTests {
  let tool: Tool
  init() throws { tool = try Tool() }

  private func rows(_ line: String) throws -> [[String: Any]] {
    let result = try tool.run(line + " --json --quiet")
    #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    return try #require(object as? [[String: Any]])
  }

  @Test func pointsAreDrawnByTheExperimentsSamplerUnlessTold() throws {
    try tool.write(tiny, to: "tiny.yaml")
    #expect(try tool.run("train tiny.yaml --out run --quiet").code == 0)
    var distances: Set<Double> = []
    for (options, sampler, evaluations) in [
      ("", "ddim", 4), (" --steps 7", "ddim", 7), (" --sampler ancestral", "ancestral", 20),
      (" --sampler ancestral --steps 3", "ancestral", 3),
    ] {
      let line = "evaluate run --count 200" + options
      let row = try #require(try rows(line).first)
      #expect(row["sampler"] as? String == sampler, "\(line)")
      #expect(row["evaluations"] as? Int == evaluations, "\(line)")
      distances.insert(try #require(row["energy_distance"] as? Double))
      let text = try tool.run(line + " --quiet")
      #expect(
        text.firstLine
          == "run: 200 samples at step 30, eight-gaussians; \(sampler), \(evaluations) evaluations per sample"
      )
    }
    #expect(distances.count == 4)
  }

  /// Outside the project's folder, without a run of a classifier; other samplers give other samples.
  @Test(.enabled(if: hasDigits, "no MNIST here: `figment data fetch`, or set FIGMENT_DATA"))
  func digitsAreEvaluatedAnywhere() throws {
    let data = URL(fileURLWithPath: digitsFolder, relativeTo: URL(fileURLWithPath: project))
      .deletingLastPathComponent().path
    try tool.write(
      """
      name: digits
      data: mnist
      steps: 2
      batch: 4
      model: {kind: ddpm, network: unet, times: 40, base: 8, multipliers: [1, 2], blocks: 1}
      optimizer: {average: null}
      sampling: {method: ancestral, steps: 40, count: 4, previewCount: 4, previewSteps: 2}
      """, to: "digits.yaml")
    let trained = try tool.run("train digits.yaml --out run --quiet --data-directory \(data)")
    #expect(trained.code == 0, "\(trained.errors)")
    let page = try String(contentsOfFile: project + "/docs/evaluate.md", encoding: .utf8)
    var distances: Set<Double> = []
    for (options, sampler, evaluations) in [
      ("", "dpm-solver", 20),
      (" --sampler ancestral-posterior --steps 3", "ancestral-posterior", 3),
    ] {
      let rows = try rows("evaluate run --count 100 --data-directory \(data)" + options)
      #expect(rows.count == 3)
      for row in rows {
        let hash = try #require(row["classifier"] as? String)
        #expect(page.contains("`\(hash)`"))
        #expect(row["n"] as? Int == 100 && row["reference_n"] as? Int == 10_000)
        #expect((row["sure_fraction"] as? Double).map { (0...1).contains($0) } == true)
      }
      #expect(rows[0]["sampler"] == nil && rows[0]["evaluations"] == nil)
      #expect(rows[2]["sampler"] as? String == sampler)
      #expect(rows[2]["evaluations"] as? Int == evaluations)
      distances.insert(try #require(rows[2]["frechet_distance"] as? Double))
    }
    #expect(distances.count == 2)
  }
}
