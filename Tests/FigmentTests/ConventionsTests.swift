import Foundation
import Testing

/// Compares the program with `Scripts/redraw.py` and `Scripts/refigure.py`, written from
/// docs/conventions.md alone; requires python3 with numpy.
@Suite(.enabled(if: Python.hasNumpy)) struct ConventionsTests {
  private static let points = """
    steps: 20
    batch: 32
    optimizer: {rate: 1.0e-2}

    """
  private static let images = """
    steps: 12
    batch: 16
    precision: fp32
    optimizer: {rate: 1.0e-3}

    """
  private static let onePass = "\nsampling: {count: 8, previewCount: 4}\n"
  private static let stepwise =
    "\nsampling: {count: 8, previewCount: 4, steps: 5, previewSteps: 2}\n"
  private static let diffusion =
    points + "data: moons\nmodel: {kind: ddpm, network: mlp, width: 16, depth: 2, timeFeatures: 8"

  /// Runs of every model family and network, with the options of `sample`.
  private static let runs: [(name: String, experiment: String, options: [String])] = [
    (
      "ddpm", diffusion + ", times: 300}" + stepwise,
      [
        "", "--sampler ancestral", "--sampler ddim --steps 7 --eta 0.5",
        "--sampler ancestral-posterior --steps 33",
      ]
    ),
    ("su", diffusion + ", times: 50, schedule: su}" + stepwise, ["--sampler ancestral"]),
    ("cosine", diffusion + ", times: 30, schedule: cosine}" + stepwise, ["--sampler ancestral"]),
    (
      "vae",
      points + "data: banana\nmodel: {kind: vae, hidden: [16, 8], latent: 3, likelihood: gaussian}"
        + onePass, [""]
    ),
    (
      "sphere",
      points + "data: rings\nmodel: {kind: vae, hidden: [8], activation: silu, posterior: vmf, "
        + "latent: 2, likelihood: gaussian, deviation: 0.2}" + onePass, [""]
    ),
    (
      "sphere-images",
      images + "data: ./bytes.npy\nbinarisation: dynamic\npatience: 1\n"
        + "model: {kind: vae, hidden: [16, 12], activation: tanh, posterior: vmf, latent: 3}"
        + onePass,
      [""]
    ),
    (
      "vae-convolutional",
      images + "data: ./bytes.npy\nbinarisation: dynamic\nmodel: {kind: vae, "
        + "network: convolutional, channels: [4, 6], hidden: [10], latent: 3}" + onePass, [""]
    ),
    (
      "wgan",
      points + "data: eight-gaussians\nmodel: {kind: wgan, latent: 4, generator: [16, 12], "
        + "critic: [16], generatorNorm: group}" + onePass, [""]
    ),
    (
      "wgan-classes",
      images + "data: ./few-images-idx3-ubyte\nmodel: {kind: wgan, latent: 4, generator: [16], "
        + "critic: [16], classes: 3, constraint: sn}" + onePass, ["", "--class 2"]
    ),
    (
      "wgan-residual",
      images + "data: ./bytes.npy\nmodel: {kind: wgan, network: residual, latent: 5, "
        + "generator: [16, 12, 6], critic: [4, 8]}" + onePass, [""]
    ),
    (
      "flow",
      points + "data: moons\nmodel: {kind: normalizing-flow, couplings: 3, hidden: [8, 6], "
        + "logScaleLimit: 1.5}" + onePass, [""]
    ),
    (
      "unet",
      images + "data: ./few-images-idx3-ubyte\nmodel: {kind: ddpm, network: unet, times: 12, "
        + "base: 8, multipliers: [1, 2, 3], blocks: 1, classes: 3}" + stepwise,
      ["", "--class 2 --sampler ancestral"]
    ),
  ]

  /// A tool with data of its own and a trained run.
  private func trained(_ name: String, _ experiment: String, _ options: String = "") throws -> Tool
  {
    let tool = try Tool()
    let pixels = (0..<120 * 8 * 12).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 / 7) }
    func idx(_ shape: [UInt8]) -> [UInt8] {
      [0, 0, 8, UInt8(shape.count)] + shape.flatMap { [0, 0, 0, $0] }
    }
    try tool.write(idx([120, 8, 12]) + pixels, to: "few-images-idx3-ubyte")
    try tool.write(idx([120]) + (0..<120).map { $0 % 3 }, to: "few-labels-idx1-ubyte")
    var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (120, 8, 12), }"
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    let size = UInt8(header.utf8.count + 1)
    let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, size, 0]
    try tool.write(magic + Array((header + "\n").utf8) + pixels, to: "bytes.npy")
    let rows = (0..<130).map { "\(Double($0 * 37 % 130) / 9),\(Double($0 * $0 % 83))" }
    try tool.write(rows.joined(separator: "\n") + "\n", to: "own.csv")
    try tool.write("name: \(name)\n" + experiment, to: "run.yaml")
    let result = try tool.run("train run.yaml --out run --quiet --threads 1" + options)
    try #require(result.code == 0, "\(result.errors)")
    return tool
  }

  @Test(arguments: runs.indices) func scriptsReproduceSamples(_ index: Int) throws {
    let (name, experiment, options) = Self.runs[index]
    let tool = try trained(name, experiment)
    for option in options {
      let chosen = "--seeds 0-20,18446744073709551615 " + option
      let drawn = try tool.run("sample run --npy drawn.npy --quiet " + chosen)
      try #require(drawn.code == 0, "\(drawn.errors)")
      let again = try Python.run("redraw.py", "run drawn.npy " + chosen, in: tool)
      #expect(again.code == 0, "\(name) \(option): \(again.output)\(again.errors)")
      #expect(again.output.hasPrefix("22 samples, largest difference "))
    }
  }

  @Test func scriptsDetectOtherSamples() throws {
    let tool = try trained("ddpm", Self.runs[0].experiment)
    try #require(try tool.run("sample run --npy drawn.npy --quiet --seeds 0-20").code == 0)
    let other = try Python.run("redraw.py", "run drawn.npy --seeds 1-21", in: tool)
    #expect(other.code == 1)
    #expect(other.errors == "above 0.0001 of the range\n")
  }

  /// Uniform draws of an untrained run, to the bit.
  @Test(arguments: ["ddpm", "sphere", "wgan", "unet"])
  func scriptsReproduceInitialValues(name: String) throws {
    let experiment = try #require(Self.runs.first { $0.name == name }).experiment
    let tool = try trained(
      name, experiment, " --seed 12345678901 --set steps=1 --set optimizer.rate=1e-60")
    let again = try Python.run("redraw.py", "run --initial", in: tool)
    #expect(again.code == 0, "\(name): \(again.output)\(again.errors)")
    #expect(again.output.hasSuffix(" arrays have the expected initial values, to the bit\n"))
  }

  /// Bounds, exact densities, evaluation draws and bits per dimension.
  @Test(arguments: [
    ("ddpm", "--estimator vlb --samples 11 --examples 40", ""),
    ("vae", "--samples 60 --examples 30 --seed 5", ""),
    ("sphere", "--samples 7 --examples 30 --split validation", ""),
    ("sphere-images", "--samples 60 --seed 3", "bytes.npy"),
    ("vae-convolutional", "--samples 5", "bytes.npy"), ("flow", "--examples 80 --seed 2", ""),
  ])
  func likelihoodsAreFoundAgain(name: String, options: String, data: String) throws {
    let run = try #require(Self.runs.first { $0.name == name })
    let tool = try trained(name, run.experiment)
    let scored = try tool.run("likelihood run --json --quiet " + options)
    try #require(scored.code == 0, "\(scored.errors)")
    try tool.write(scored.output, to: "figures.json")
    let again = try Python.run("refigure.py", "run figures.json " + data, in: tool)
    #expect(again.code == 0, "\(again.output)\(again.errors)")
    #expect(again.output.split(separator: "\n").count >= 2)
  }

  /// Points and densities of 2-D sets that the runs above do not cover.
  @Test(arguments: [
    "eight-gaussians", "twenty-five-gaussians", "checkerboard", "spirals", "pinwheel", "swiss-roll",
    "s-curve",
  ])
  func setsAreFoundAgain(name: String) throws {
    let run = try #require(Self.runs.first { $0.name == "vae" })
    let tool = try trained("points", run.experiment, " --set data=\(name) --set steps=1")
    let options = "--samples 1 --examples 50 --seed 7 --quiet"
    try tool.write(try tool.run("likelihood run --json " + options).output, to: "figures.json")
    let again = try Python.run("refigure.py", "run figures.json", in: tool)
    #expect(again.code == 0, "\(again.output)\(again.errors)")
    #expect(again.output.hasPrefix("data exact: "))
  }

  /// Order of an epoch, for three epochs of 104 training rows, and the draws of training.
  @Test(arguments: ["own.csv", "moons"]) func scriptsReproduceLosses(data: String) throws {
    let path = data == "moons" ? data : "./" + data
    let tool = try trained(
      "losses", Self.diffusion + "}" + Self.stepwise,
      " --seed 9 --set batch=48 --set steps=7 --set optimizer.rate=1e-60 "
        + "--set report.metricsEvery=1 --set optimizer.average=null --set data=\(path)")
    let again = try Python.run(
      "refigure.py", "run --losses" + (data == "moons" ? "" : " " + data), in: tool)
    #expect(again.code == 0, "\(again.output)\(again.errors)")
    #expect(again.output.split(separator: "\n").count == 7)
  }
}

/// The first python3 on the path, and the project's scripts.
private enum Python {
  struct Result {
    let code: Int32
    let output: String
    let errors: String
  }

  static let hasNumpy: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", "import numpy"]
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  /// Runs a script in the folder of a tool, without leaving compiled files.
  static func run(_ script: String, _ line: String, in tool: Tool) throws -> Result {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Scripts/" + script).standardized.path
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-B", path] + line.split(separator: " ").map(String.init)
    process.currentDirectoryURL = URL(fileURLWithPath: tool.folder)
    process.standardInput = FileHandle.nullDevice
    func open(_ name: String) throws -> FileHandle {
      try tool.write("", to: name)
      return try FileHandle(forWritingTo: URL(fileURLWithPath: tool.path(name)))
    }
    process.standardOutput = try open("python.out")
    process.standardError = try open("python.err")
    try process.run()
    process.waitUntilExit()
    return Result(
      code: process.terminationStatus, output: try tool.text("python.out"),
      errors: try tool.text("python.err"))
  }
}
