import Foundation
import Images
import Testing

/// `figment likelihood` for comparable and incomparable runs.
@Suite(.serialized) struct LikelihoodCommandTests {
  private func rows(_ output: String) throws -> [[String: Any]] {
    let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
    return try #require(object as? [[String: Any]])
  }

  private func experiment(_ name: String, data: String, model: String, more: String = "") -> String
  {
    """
    name: \(name)
    data: \(data)
    steps: 30
    batch: 32
    \(more)
    model: {\(model)}
    optimizer: {average: null}
    sampling: {count: 64, previewCount: 4}
    report: {metricsEvery: 30, samplesEvery: 30, checkpointEvery: 30}
    """
  }

  private func train(_ tool: Tool, _ name: String, _ experiment: String) throws {
    try tool.write(experiment, to: name + ".yaml")
    let result = try tool.run("train \(name).yaml --out \(name) --quiet")
    try #require(result.code == 0, "\(result.errors)")
  }

  /// 200 images of random bytes, in the format of NumPy.
  private func images(side: Int) -> [UInt8] {
    let shape = "(200, \(side), \(side))"
    var header = "{'descr': '|u1', 'fortran_order': False, 'shape': \(shape), }"
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    header += "\n"
    let size = header.utf8.count
    let pixels = (0..<200 * side * side).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 / 5) }
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(size & 255), UInt8(size >> 8)]
      + Array(header.utf8) + pixels
  }

  @Test func runsOnPointsAreListedWithTheTrueDensity() throws {
    let tool = try Tool()
    let toy = "kind: vae, hidden: [8], latent: 2, likelihood: gaussian"
    try train(tool, "vae", experiment("vae", data: "moons", model: toy))
    try train(
      tool, "linear",
      experiment(
        "linear", data: "moons", model: "kind: vae, hidden: [], latent: 1, likelihood: gaussian"))
    try train(
      tool, "ddpm",
      experiment(
        "ddpm", data: "moons", model: "kind: ddpm, network: mlp, times: 20, width: 8, depth: 1"))
    let line = "likelihood vae linear ddpm --examples 300 --samples 30"
    let text = try tool.run(line + " --quiet")
    #expect(text.code == 0, "\(text.errors)")
    #expect(
      text.firstLine
        == "moons, test: log p(x) in nats, 2 dimensions; density by area, data coordinates; "
        + "no binarisation; evaluation seed 0")
    #expect(text.output.contains("\ndata exact less "))
    #expect(
      text.output.contains("\nvae iwae less linear exact: ")
        || text.output.contains("\nlinear exact less vae iwae: "))

    let found = try rows(try tool.run(line + " --json --quiet").output)
    let names = found.map { "\($0["run"] ?? "") \($0["estimator"] ?? "") \($0["variance"] ?? "")" }
    #expect(names.first == "data exact ")
    #expect(
      Set(names) == [
        "data exact ", "vae iwae ", "vae elbo ", "linear exact ", "linear iwae ", "linear elbo ",
        "ddpm vlb beta", "ddpm vlb posterior", "ddpm vlb fitted", "ddpm ode ",
      ])
    for row in found {
      for key in [
        "run", "dataset", "split", "binarisation", "unit", "dimensions", "estimator", "samples",
        "mean", "stderr", "n", "seconds", "base_measure", "binarisation_seed", "seed",
      ] { #expect(row[key] != nil, "\(key)") }
      #expect(row["n"] as? Int == 300 && row["unit"] as? String == "nats")
      let terms = ["L_T", "sum_L_t", "L_0", "reconstruction", "KL", "scale"].compactMap {
        row[$0] as? Double
      }
      let mean = try #require(row["mean"] as? Double)
      if !terms.isEmpty {
        #expect(abs(terms.reduce(0, +) + mean) < 1e-6 * max(1, abs(mean)), "\(row)")
      }
      if row["estimator"] as? String == "iwae" { #expect(row["ess"] as? Double ?? 0 >= 1) }
    }
    func mean(_ run: String, _ estimator: String) -> Double {
      found.first { $0["run"] as? String == run && $0["estimator"] as? String == estimator }?[
        "mean"] as? Double ?? .nan
    }
    #expect(mean("linear", "elbo") <= mean("linear", "iwae") + 0.05)
    #expect(mean("linear", "iwae") <= mean("linear", "exact") + 0.05)
    // The number of draws is arbitrary.
    let one = try rows(
      try tool.run("likelihood vae --samples 53 --examples 7 --json --quiet").output)
    #expect(one.filter { $0["run"] as? String == "vae" }.allSatisfy { $0["samples"] as? Int == 53 })
    // The same seed gives the same estimates, another seed other ones.
    func means(_ more: String) throws -> [Double] {
      try rows(try tool.run(line + " --json --quiet" + more).output).compactMap {
        $0["mean"] as? Double
      }
    }
    #expect(try means("") == found.compactMap { $0["mean"] as? Double })
    #expect(try means(" --threads 1") == found.compactMap { $0["mean"] as? Double })
    #expect(try means(" --seed 3") != found.compactMap { $0["mean"] as? Double })
  }

  @Test func incomparableRunsHaveSeparateTables() throws {
    let tool = try Tool()
    try tool.write(images(side: 8), to: "images.npy")
    let bits = "kind: vae, hidden: [8], latent: 2"
    for (name, model, binarisation) in [
      ("one", bits, "dynamic"), ("two", bits + ", posterior: vmf", "dynamic"),
      ("fixed", bits, "static"), ("grey", bits, "none"),
      ("density", bits + ", likelihood: gaussian", "none"),
      ("atoms", bits + ", likelihood: gaussian", "dynamic"),
      (
        "steps",
        "kind: ddpm, network: unet, times: 10, base: 8, multipliers: [1], attention: false",
        "dynamic"
      ),
      (
        "levels",
        "kind: ddpm, network: unet, times: 10, base: 8, multipliers: [1], attention: false", "none"
      ),
    ] {
      try train(
        tool, name,
        experiment(
          name, data: "./images.npy", model: model, more: "binarisation: \(binarisation)"))
    }
    let result = try tool.run(
      "likelihood one two fixed density steps levels --samples 10 --seed 4 --quiet")
    #expect(result.code == 0, "\(result.errors)")
    let titles = result.output.split(separator: "\n").filter { $0.contains(": log p(x) in nats") }
    #expect(
      titles.map(String.init) == [
        "./images.npy, test: log p(x) in nats, 64 dimensions; probability of zeros and ones; "
          + "binarisation dynamic, seed 4; evaluation seed 4",
        "./images.npy, test: log p(x) in nats, 64 dimensions; probability of zeros and ones; "
          + "binarisation static, seed 0; evaluation seed 4",
        "./images.npy, test: log p(x) in nats, 64 dimensions; density of (byte + uniform)/256 on "
          + "[0, 1]; no binarisation; evaluation seed 4",
        "./images.npy, test: log p(x) in nats, 64 dimensions; probability of 256 levels; "
          + "no binarisation; evaluation seed 4",
      ])
    // Pairs within one table only: one, two and steps.
    #expect(result.output.components(separatedBy: " less ").count == 4)
    #expect(result.output.components(separatedBy: "paired over n 20").count == 4)

    for (line, message) in [
      (
        "likelihood grey",
        "grey: no likelihood: its pixels are 0 or 1, but the data are not binarised"
      ),
      (
        "likelihood atoms",
        "atoms: no likelihood: its pixels have a density, but the data are binarised"
      ),
      ("likelihood one --estimator vlb", "one: a vae has no vlb; it has iwae, elbo"),
      ("likelihood one --estimator exact", "one: a vae has no exact; it has iwae, elbo"),
      (
        "likelihood one --image nothing.png", "nothing.png: cannot open: No such file or directory"
      ),
    ] {
      let result = try tool.run(line)
      #expect(result.code == 1 && result.output.isEmpty, "\(line)")
      #expect(result.errors == "error: \(message)\n", "\(line)")
    }
    let rest = try tool.run("likelihood grey one --samples 2 --json")
    #expect(rest.code == 0)
    #expect(try rows(rest.output).allSatisfy { $0["run"] as? String == "one" })
    #expect(rest.firstErrorLine.hasPrefix("skipped: grey: no likelihood"))

    // A single picture.
    let bitmap = try Bitmap.batch(
      (0..<64).map { Float($0 % 2) }, range: 0...1, height: 8, width: 8, channels: 1)[0]
    try tool.write(try PNG.encode(bitmap, text: []), to: "one.png")
    let scored = try rows(
      try tool.run("likelihood one steps --image one.png --samples 20 --json --quiet").output)
    #expect(scored.allSatisfy { $0["n"] as? Int == 1 && $0["stderr"] is NSNull })
    #expect(Set(scored.compactMap { $0["dataset"] as? String }) == ["one.png"])
    let wide = try Bitmap.batch(
      (0..<48).map { Float($0 % 2) }, range: 0...1, height: 6, width: 8, channels: 1)[0]
    try tool.write(try PNG.encode(wide, text: []), to: "wide.png")
    #expect(
      try tool.run("likelihood one --image wide.png").errors
        == "error: wide.png: is 8 x 6 and grey; the run is of 8 x 8 and grey\n")

    // The file now holds images of another shape.
    try tool.write(images(side: 4), to: "images.npy")
    #expect(
      try tool.run("likelihood one").errors
        == "error: one: trained on examples of shape [8, 8, 1]; ./images.npy has "
        + "[4, 4, 1]\n")
  }

  @Test func fewEffectiveSamplesAreReported() throws {
    let tool = try Tool()
    // A narrow p(x|z), and a posterior that has not learned it.
    try train(
      tool, "narrow",
      experiment(
        "narrow", data: "moons",
        model: "kind: vae, hidden: [8], latent: 2, likelihood: gaussian, deviation: 0.01"))
    let result = try tool.run("likelihood narrow --examples 50 --samples 50 --quiet")
    #expect(result.code == 0)
    #expect(
      result.firstErrorLine.hasPrefix("warning: narrow: of 50 draws only "), "\(result.errors)")
  }

  @Test func rowsToReproduceAreListed() throws {
    let lines = try Tool().run("reproduce").output.split(separator: "\n")
    #expect(lines.count == 13)
    for row in ["davidson-gaussian-d2", "davidson-vmf-d40", "iwae-k50", "iwae-k1"] {
      #expect(lines.contains { $0.hasPrefix(row + " ") }, "\(row)")
    }
  }
}
