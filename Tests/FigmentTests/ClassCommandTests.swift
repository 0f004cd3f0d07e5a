import Foundation
import Images
import Testing

/// Class-conditional diffusion models as commands, and what pictures record of their sampling.
@Suite(.serialized) struct ClassCommandTests {
  private func sampler(_ tool: Tool, _ picture: String) throws -> String? {
    let result = try tool.run("info \(picture)")
    #expect(result.code == 0, "\(result.errors)")
    return result.output.split(separator: "\n").first { $0.hasPrefix("sampler ") }.map(String.init)
  }

  @Test func picturesRecordTheirSampler() throws {
    let tool = try Tool()
    try tool.write(tiny, to: "tiny.yaml")
    try #require(try tool.run("train tiny.yaml --quiet").code == 0)
    for (options, expected) in [
      ("--sampler heun --steps 3", "heun, 3 steps, 5 visits and 5 network evaluations per sample"),
      ("", "ddim, 4 steps, 4 visits and 4 network evaluations per sample"),
      ("--eta 0.5", "ddim, 4 steps, 4 visits and 4 network evaluations per sample, eta 0.5"),
      (
        "--sampler ancestral",
        "ancestral, 20 steps, 20 visits and 20 network evaluations per sample"
      ),
      ("--steps 1", "ddim, 1 step, 1 visit and 1 network evaluation per sample"),
    ] {
      let drawn = try tool.run("sample outputs/tiny --out a.png --quiet " + options)
      try #require(drawn.code == 0, "\(drawn.errors)")
      #expect(try sampler(tool, "a.png") == "sampler " + expected)
    }
    for (picture, expected) in [
      ("samples.png", "ddim, 4 steps, 4 visits and 4 network evaluations per sample"),
      ("trajectories.png", "ddim, 20 steps, 20 visits and 20 network evaluations per sample"),
    ] { #expect(try sampler(tool, "outputs/tiny/" + picture) == "sampler " + expected) }
    #expect(try sampler(tool, "outputs/tiny/curves.png") == nil)
  }

  /// A trained run on dark and bright images, 60 of each class.
  private func conditionalRun(_ kind: String) throws -> Tool {
    let tool = try Tool()
    for (label, name) in ["dark", "bright"].enumerated() {
      try tool.makeFolder("classes/\(name)")
      for i in 0..<60 {
        let pixels = (0..<64).map { UInt8(200 * label + ($0 * 7 + i * 13) % 50) }
        try tool.write(
          try PNG.encode(try Bitmap(pixels, height: 8, width: 8, channels: 1)),
          to: "classes/\(name)/\(i).png")
      }
    }
    try tool.write(
      """
      name: run
      data: ./classes
      steps: 200
      batch: 16
      model: {\(kind), network: unet, base: 16, multipliers: [1], attention: false, classes: 2, labelDropout: 0.1}
      optimizer: {rate: 5.0e-3, average: null}
      sampling: {steps: 5, count: 4, previewCount: 2, previewSteps: 2}
      precision: fp32
      """, to: "run.yaml")
    let trained = try tool.run("train run.yaml --out run --quiet")
    try #require(trained.code == 0, "\(trained.errors)")
    return tool
  }

  @Test(arguments: ["kind: ddpm, times: 20", "kind: flow-matching"])
  func runsWithClassesHaveALikelihood(_ kind: String) throws {
    let tool = try conditionalRun(kind)
    let line = "likelihood run --split train --examples 40 --samples 20"
    let text = try tool.run(line + " --quiet")
    #expect(text.code == 0, "\(text.errors)")
    let titles = text.output.split(separator: "\n").filter { $0.contains(" in nats") }
    #expect(titles.count == 2)
    #expect(titles.first?.contains(": log p(x) in nats, 64 dimensions") == true)
    #expect(titles.last?.contains(": log p(x | its own class) in nats, 64 dimensions") == true)
    #expect(text.output.contains(": the class of the highest bound is the example's own for "))
    #expect(text.output.contains(" %, n 40\n"))

    let object = try JSONSerialization.jsonObject(
      with: Data(try tool.run(line + " --json --quiet").output.utf8))
    let rows = try #require(object as? [[String: Any]])
    func means(_ given: String?) -> [String: Double] {
      let chosen = rows.filter { $0["given"] as? String == given }
      return Dictionary(
        uniqueKeysWithValues: chosen.map {
          ($0["variance"] as? String ?? "", $0["mean"] as? Double ?? .nan)
        })
    }
    let (marginal, own) = (means(nil), means("class"))
    #expect(Set(marginal.keys) == ["beta", "posterior", "fitted"] && marginal.count == own.count)
    for row in rows {
      let names = ["L_T", "sum_L_t", "L_0", "class"]
      let terms = names.compactMap { row[$0] as? Double }.reduce(0, +)
      let mean = try #require(row["mean"] as? Double)
      #expect(abs(terms + mean) < 1e-6 * max(1, abs(mean)), "\(row)")
      if row["given"] == nil {
        // The classes are so different that a short training distinguishes them all.
        #expect(row["accuracy"] as? Double ?? 0 > 0.95, "\(row)")
        #expect(row["accuracy_stderr"] is Double && row["n"] as? Int == 40)
        #expect(abs((row["class"] as? Double ?? 0) - 0.6931) < 0.03, "\(row)")
      }
    }
    // p(x) is half of p(x|y) where the class is certain.
    for (variance, mean) in marginal {
      #expect(abs((own[variance] ?? .nan) - mean - 0.6931) < 0.03, "\(variance)")
    }

    let picture = try tool.run("likelihood run --image classes/bright/3.png --quiet")
    #expect(picture.code == 0, "\(picture.errors)")
    #expect(picture.output.contains(": class \"bright\", of probability "), "\(picture.output)")
    let refused = try tool.run("likelihood run --samples 1 --quiet")
    #expect(refused.code == 1)
    #expect(
      refused.lastErrorLine.contains(
        "--samples: expected at least 2 for a class-conditional model, found 1"),
      "\(refused.errors)")

    // Guidance takes two evaluations per visit.
    for (options, expected) in [
      ("--guidance 1.5", "5 visits and 10 network evaluations per sample, guidance 1.5"),
      ("--guidance 1", "5 visits and 5 network evaluations per sample, guidance 1"),
      ("", "5 visits and 5 network evaluations per sample"),
    ] {
      let drawn = try tool.run("sample run --out g.png --quiet " + options)
      try #require(drawn.code == 0, "\(drawn.errors)")
      #expect(try sampler(tool, "g.png")?.hasSuffix(", 5 steps, " + expected) == true, "\(options)")
    }
  }
}
