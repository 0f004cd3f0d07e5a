import Foundation
import Images
import Testing

/// Pictures of data and of several runs, and the examples of models of one's own.
@Suite struct PictureTests {
  let tool: Tool
  init() throws { tool = try Tool() }

  @Test func runsAreCompared() throws {
    try tool.write(tiny, to: "tiny.yaml")
    for options in ["", " --seed 3 --set model.width=4", " --stop-at 5 --out early --steps 40"] {
      let trained = try tool.run("train tiny.yaml --quiet" + options)
      try #require(trained.code == 0)
    }
    let result = try tool.run("compare outputs/tiny outputs/tiny-2/ early")
    #expect(result.code == 0)
    #expect(result.errors.isEmpty)
    let rows = result.output.split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
    }
    #expect(rows[0] == ["outputs/tiny", "outputs/tiny-2", "early"])
    #expect(rows[1] == ["seed", "0", "3", "0"])
    #expect(rows[2] == ["steps", "30", "30", "40"])
    #expect(rows[3] == ["model.width", "8", "4", "8"])
    #expect(rows[4] == ["steps", "done", "30", "of", "30", "30", "of", "30", "5", "of", "40"])
    #expect(rows[5].prefix(2) == ["last", "loss"])
    // Five steps are too few for a line of metrics.
    #expect(rows[5].last == "-")
    #expect(rows.dropFirst(6) == [["outputs/compare.png"]])
    let text = try PNG.decode(try #require(tool.bytes("outputs/compare.png"))).text
    #expect(
      text.contains {
        $0 == ("figment.command", "figment compare outputs/tiny outputs/tiny-2/ early")
      })
    #expect(
      try tool.run("info outputs/compare.png").output
        == "picture outputs/compare.png\nmade by figment 0.1.0\n"
        + "made again by: figment compare outputs/tiny outputs/tiny-2/ early\n")

    // The same metrics over another axis.
    let bySteps = try #require(tool.bytes("outputs/compare.png"))
    #expect(try tool.run("compare outputs/tiny outputs/tiny-2/ early --minutes").code == 0)
    let byMinutes = try #require(tool.bytes("outputs/compare.png"))
    #expect(try PNG.decode(byMinutes).bitmap != PNG.decode(bySteps).bitmap)

    let json = try tool.run("compare outputs/tiny outputs/tiny-2 --json").output
    let array = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]]
    let second = try #require(array?.last)
    #expect(second["run"] as? String == "outputs/tiny-2")
    #expect(second["step"] as? Int == 30)
    #expect((second["last_loss"] as? Double).map { $0 > 0 && $0 < 10 } == true)
    #expect(second["settings"] as? [String: String] == ["seed": "3", "model.width": "4"])
    #expect(json.count { $0 == "\n" } == 1)
  }

  @Test func everyToySetIsDrawnOverItsDensity() throws {
    let names = try tool.run("data list").output.split(separator: "\n")
      .filter { $0.contains("entropy") }.compactMap { $0.split(separator: " ").first }.map(
        String.init)
    #expect(names.count == 12)
    for name in names {
      let shown = try tool.run("data show \(name)").output
      #expect(shown.hasSuffix("\noutputs/data/\(name).png\n") && shown.hasPrefix("\(name): "))
      let picture = try PNG.decode(try #require(tool.bytes("outputs/data/\(name).png"))).bitmap
      #expect(picture.width == 640 && picture.channels == 3)
      func share(_ isColor: (UInt8, UInt8, UInt8) -> Bool) -> Double {
        let pixels = stride(from: 0, to: picture.pixels.count, by: 3)
        let count = pixels.count { i in
          isColor(picture.pixels[i], picture.pixels[i + 1], picture.pixels[i + 2])
        }
        return Double(count) / Double(picture.width * picture.height)
      }
      // The points are orange, the density blue where it is high; the bar has both of neither.
      #expect(share { r, g, b in r > 150 && b < 110 && r > g + 30 } > 0.002, "\(name)")
      #expect(share { r, _, b in b > 60 && r < 40 } > 0.01, "\(name)")
    }
  }

  @Test func theExampleModelLearns() throws {
    let result = try tool.run("", program: "OwnModel")
    #expect(result.code == 0)
    #expect(result.errors.isEmpty)
    let losses = result.output.split(separator: "\n").filter { $0.hasPrefix("step ") }
      .compactMap { line in line.split(separator: " ").dropLast().last.flatMap { Double($0) } }
    #expect(losses.count == 6)
    #expect(zip(losses, losses.dropFirst()).allSatisfy { $0 > $1 }, "\(losses)")
    // The loss is below the entropy only by chance, and a Gaussian would have 1.5.
    let last = try #require(losses.last)
    #expect((1.0...1.25).contains(last), "\(losses)")
  }

  /// The point diverges from the data without a constraint, and stays close with one.
  @Test func theSmallestGANIsDrawn() throws {
    let result = try tool.run("dirac.png", program: "DiracGAN")
    #expect(result.code == 0, "\(result.errors)")
    let picture = try PNG.decode(try #require(tool.bytes("dirac.png"))).bitmap
    #expect(picture.width > 800)
    let distances = result.output.split(separator: "\n").compactMap { line in
      line.split(separator: " ").dropLast(3).last.flatMap { Double($0) }
    }
    #expect(distances.count == 4, "\(result.output)")
  }
}
