import Foundation
import Images
import Testing

/// A command line with its exit code and first lines of output.
struct Invocation: CustomTestStringConvertible, Sendable {
  let line: String
  let code: Int32
  let output: String
  let error: String

  init(_ line: String, _ code: Int32, output: String = "", error: String = "") {
    (self.line, self.code, self.output, self.error) = (line, code, output, error)
  }

  var testDescription: String { line }
}

/// Run in a folder with tiny.yaml, the finished run outputs/tiny and a file notes.txt.
private let invocations = [
  Invocation("--version", 0, output: "0.1.0"),
  Invocation(
    "--help", 0, output: "OVERVIEW: A playground for generative models on an ordinary CPU."),
  Invocation("train --help", 0, output: "OVERVIEW: Train an experiment and draw samples."),
  Invocation("help sample", 0, output: "OVERVIEW: Draw samples from a run."),
  Invocation(
    "plan tiny.yaml --rules --stage memory", 64,
    error: "error: --stage and --rules: give one of them"),
  Invocation(
    "help experiment optimizer.nesterov", 0,
    output: "optimizer.nesterov: true or false; default false; with kind: sgd"),
  Invocation("help experiment --markdown", 0, output: "# Experiment files: every key"),
  Invocation("help experiment --json-schema", 0, output: "{"),
  Invocation(
    "help experiment --help", 0,
    output: "OVERVIEW: Show every key of an experiment file: allowed values, default and"),
  Invocation(
    "help experiment model.latnet", 64,
    error: "error: 'model.latnet': no such key; did you mean 'model.latent'?"),
  Invocation(
    "help experiment frobnicate", 64,
    error: "error: 'frobnicate': no such key; figment help experiment lists all"),
  Invocation(
    "help experiment lr --markdown", 64,
    error: "error: expected only one of keys, --markdown and --json-schema"),

  Invocation("trian", 64, error: "error: 'trian': no such command; did you mean 'train'?"),
  Invocation("frobnicate", 64, error: "error: 'frobnicate': no such command"),
  Invocation("--frobnicate", 64, error: "error: Unknown option '--frobnicate'"),
  Invocation("train", 64, error: "error: Missing expected argument '<experiment.yaml>'"),
  Invocation(
    "train tiny.yaml --rezume", 64,
    error: "error: Unknown option '--rezume'. Did you mean '--resume'?"),
  Invocation(
    "train tiny.yaml --steps 0", 64, error: "error: --steps: expected at least 1, found 0"),
  Invocation(
    "train tiny.yaml --stop-at 0", 64, error: "error: --stop-at: expected at least 1, found 0"),
  Invocation(
    "train tiny.yaml --seed -1", 64,
    error: "error: The value '-1' is invalid for '--seed <s>': expected a whole number from 0 to "
      + "18446744073709551615"),
  Invocation(
    "train tiny.yaml --seed=1.5", 64,
    error: "error: The value '1.5' is invalid for '--seed <s>': expected a whole number from 0 to "
      + "18446744073709551615"),
  Invocation(
    "train tiny.yaml --steps -3", 64, error: "error: --steps: expected at least 1, found -3"),
  Invocation(
    "sample outputs/tiny --eta -0.5", 64, error: "error: --eta: expected 0 to 1, found -0.5"),
  Invocation(
    "sample outputs/tiny --count -3", 64, error: "error: --count: expected 1 to 1000000, found -3"),
  Invocation(
    "sample outputs/tiny --out x.jpg", 64,
    error: "error: --out: expected a name ending in .png, the format written, found 'x.jpg'"),
  Invocation(
    "sample outputs/tiny --npy x.txt", 64,
    error: "error: --npy: expected a name ending in .npy, the format written, found 'x.txt'"),
  Invocation(
    "sample outputs/tiny --npy x.npy --out x.npy", 64,
    error: "error: --out: expected a name ending in .png, the format written, found 'x.npy'"),
  Invocation(
    "field outputs/tiny --out png", 64,
    error: "error: --out: expected a name ending in .png, the format written, found 'png'"),
  Invocation(
    "compare outputs/tiny outputs/tiny --out a.svg", 64,
    error: "error: --out: expected a name ending in .png, the format written, found 'a.svg'"),
  Invocation(
    "train tiny.yaml --threads 0", 64, error: "error: --threads: expected 1 to 256, found 0"),
  Invocation(
    "train tiny.yaml --set width", 64, error: "error: --set: expected key=value, found 'width'"),
  Invocation("train tiny.yaml --out ''", 64, error: "error: --out: expected a path, found nothing"),
  Invocation(
    "sample outputs/tiny --count 3 --seeds 1", 64,
    error: "error: --count: cannot be combined with --seeds; drop one of the two"),
  Invocation(
    "sample outputs/tiny --seeds 3-1", 64,
    error: "error: The value '3-1' is invalid for '--seeds <list>'"),
  Invocation(
    "sample outputs/tiny --sampler ancestral --eta 1", 64,
    error: "error: --eta: needs --sampler ddim, found ancestral"),
  Invocation(
    "evaluate outputs/tiny --count 1", 64,
    error: "error: --count: expected 100 to 1000000, found 1"),
  Invocation(
    "evaluate outputs/tiny --steps 0", 64,
    error: "error: --steps: expected at least 1, found 0"),
  Invocation(
    "sample outputs/tiny --latent hubs:1", 64,
    error: "error: The value 'hubs:1' is invalid for '--latent <draw>': hubs above quantile 1.0 of "
      + "10000 points are none; expected at most 0.9999"),
  Invocation(
    "evaluate outputs/tiny --classifier ''", 64,
    error: "error: --classifier: expected a path, found nothing"),
  Invocation("evaluate", 64, error: "error: Missing expected argument '<run> ...'"),
  Invocation(
    "data fetch cifar", 64,
    error: "error: 'cifar': no such data set to fetch; expected mnist or "
      + "fashion-mnist"),
  Invocation(
    "bench flow-mnist", 64,
    error: "error: The value 'flow-mnist' is invalid for '<workload>'. Please provide one of "
      + "'ddpm-mnist', 'ddpm-mnist-sample', 'ddpm-toy', 'vae-mnist' or 'wgan-gn-toy'."),
  Invocation(
    "bench ddpm-toy --precision fp16", 64,
    error: "error: The value 'fp16' is invalid for '--precision <precision>'. Please provide one "
      + "of 'fp32' and 'bf16'."),

  Invocation(
    "train missing.yaml", 1, error: "error: missing.yaml: cannot open: No such file or directory"),
  Invocation(
    "train tiny.yaml --set stesp=3", 1,
    error: "error: --set stesp=3: stesp: unknown key; did you mean \"steps\"?"),
  Invocation(
    "train tiny.yaml --set data=mnist --dry-run", 1,
    error: "error: tiny.yaml:5: model.network: mlp needs points, and the data are images; "
      + "expected unet"),
  Invocation(
    "train digits.yaml", 1,
    error:
      "error: data/mnist/train-images-idx3-ubyte: no such file; run `figment data fetch mnist` to "
      + "get MNIST"),
  Invocation(
    "train tiny.yaml", 1,
    error: "error: outputs/tiny already holds this run; resume it with: "
      + "figment train tiny.yaml --resume"),
  Invocation(
    "train tiny.yaml --out outputs/tiny --seed 7", 1,
    error: "error: outputs/tiny holds another run, which differs in seed (0 there, 7 here); "
      + "nothing was changed"),
  Invocation("sample nowhere", 1, error: "error: nowhere: is not a run folder"),
  Invocation(
    "sample outputs", 1,
    error: "error: outputs: no checkpoint.safetensors; not a run, or not saved yet"),
  Invocation(
    "sample outputs/tiny --steps 21", 1, error: "error: a sampler takes 1 to 20 steps, not 21"),
  Invocation(
    "info notes.txt", 1,
    error: "error: notes.txt: not a PNG: it does not start with the signature of one"),
  Invocation(
    "data show cifar", 1,
    error: "error: 'cifar' is neither a known data set nor a file or folder: Known sets: mnist, "
      + "fashion-mnist, gaussian, eight-gaussians, "
      + "twenty-five-gaussians, banana, checkerboard, circles, rings, moons, spirals, pinwheel, "
      + "swiss-roll, s-curve"),

  Invocation("train tiny.yaml --dry-run", 0, output: "name: tiny"),
  Invocation("train digits.yaml --dry-run", 0, output: "name: digits"),
  Invocation("train tiny.yaml --resume --quiet", 0, output: "outputs/tiny/samples.png"),
  Invocation(
    "train tiny.yaml --resume", 0, output: "outputs/tiny/samples.png",
    error: "run folder outputs/tiny"),
  Invocation("sample outputs/tiny --out few.png --count 3 --quiet", 0, output: "few.png"),
  Invocation(
    "sample outputs/tiny/ --sampler ancestral --quiet", 0, output: "outputs/tiny/samples/drawn.png"),
  Invocation("sample outputs/tiny --eta 0.5 --npy a.npy --quiet", 0, output: "a.npy"),
  Invocation(
    "data show moons --count 50", 0,
    output: "moons: two half circles of radius 1 that interlock, with noise 0.1"),
  Invocation("info outputs/tiny", 0, output: "run outputs/tiny"),
  Invocation("info outputs/tiny/samples.png", 0, output: "picture outputs/tiny/samples.png"),
]

@Suite struct CommandTests {
  let tool: Tool

  init() throws {
    tool = try Tool()
    try tool.write(tiny, to: "tiny.yaml")
    try tool.write("mine", to: "notes.txt")
    try tool.write(
      "name: digits\ndata: mnist\nsteps: 1\nmodel: {kind: ddpm, network: unet}", to: "digits.yaml")
    let result = try tool.run("train tiny.yaml --quiet")
    try #require(result.code == 0, "\(result.errors)")
  }

  @Test(arguments: invocations)
  func firstLinesAndCodes(_ invocation: Invocation) throws {
    let before = tool.bytes("outputs/tiny/checkpoint.safetensors")
    let picture = tool.bytes("outputs/tiny/samples.png")
    let result = try tool.run(invocation.line)
    #expect(result.code == invocation.code, "\(result.errors)")
    #expect(result.firstLine == invocation.output)
    #expect(result.firstErrorLine == invocation.error)
    // Usage errors print the usage; other failures print one line on standard error only.
    if result.code == 64 { #expect(result.errors.contains("\nUsage: figment ")) }
    if result.code == 1 { #expect(result.errors == invocation.error + "\n") }
    if result.code != 0 { #expect(result.output.isEmpty) }
    #expect(tool.bytes("outputs/tiny/checkpoint.safetensors") == before)
    #expect(tool.bytes("outputs/tiny/samples.png") == picture)
  }

  /// Messages on a processor without bf16; oneDNN is told to assume one.
  @Test func withoutBF16() throws {
    let old = ["TERM": "dumb", "ONEDNN_MAX_CPU_ISA": "AVX2"]
    let refused = try tool.run("train tiny.yaml --out a --set precision=bf16", environment: old)
    #expect(refused.code == 1)
    #expect(
      refused.errors == "error: --set precision=bf16: precision: this processor cannot multiply "
        + "bf16; expected auto or fp32\n")
    #expect(!tool.exists("a"))

    let bench = try tool.run("bench ddpm-toy --precision bf16", environment: old)
    #expect(bench.code == 1)
    #expect(
      bench.errors
        == "error: bench: this processor cannot multiply bf16; use --precision fp32\n")
  }

  @Test func anotherExperimentGoesToTheNextFolder() throws {
    let result = try tool.run("train tiny.yaml --seed 1 --set model.width=4")
    #expect(result.code == 0)
    #expect(result.output == "outputs/tiny-2/samples.png\n")
    #expect(
      result.firstErrorLine
        == "outputs/tiny holds another run, which differs in seed (0 there, 1 here), "
        + "model.width (8 there, 4 here); nothing was changed")
    let again = try tool.run("train tiny.yaml --seed 1 --set model.width=4")
    #expect(again.code == 1)
    #expect(
      again.errors == "error: outputs/tiny-2 already holds this run; resume it with: "
        + "figment train tiny.yaml --seed 1 --set model.width=4 --resume\n")
    #expect(try tool.run("train tiny.yaml --seed 1 --set model.width=4 --resume --quiet").code == 0)
  }

  @Test func resumedRunEqualsUninterruptedRun() throws {
    for stop in [1, 10, 17] {
      let result = try tool.run("train tiny.yaml --out broken --resume --stop-at \(stop)")
      #expect(result.code == 0)
      #expect(result.output.isEmpty)
      #expect(result.lastErrorLine == "stopped at step \(stop) of 30; --resume continues")
    }
    #expect(try tool.run("train tiny.yaml --out broken --resume").code == 0)
    for file in ["checkpoint.safetensors", "metrics.jsonl", "samples.png", "curves.png"] {
      let bytes = tool.bytes("broken/" + file)
      #expect(bytes != nil && bytes == tool.bytes("outputs/tiny/" + file), "\(file)")
    }
  }

  @Test func theDryRunIsTheResolvedExperimentAndTouchesNothing() throws {
    let result = try tool.run("train tiny.yaml --dry-run --steps 7 --out elsewhere")
    #expect(result.errors.isEmpty)
    #expect(!tool.exists("elsewhere"))
    try tool.write(result.output, to: "resolved.yaml")
    #expect(try tool.run("train resolved.yaml --dry-run").output == result.output)
    #expect(result.output.contains("\nsteps: 7\n"))
  }

  @Test func rowFiveIsSeedFive() throws {
    #expect(try tool.run("sample outputs/tiny --seeds 0-63 --npy all.npy --quiet").code == 0)
    #expect(try tool.run("sample outputs/tiny --seeds 5 --npy one.npy --quiet").code == 0)
    let (all, one) = (try #require(tool.bytes("all.npy")), try #require(tool.bytes("one.npy")))
    // A header of 128 bytes, and two doubles per point.
    #expect(all.count == 128 + 64 * 16)
    #expect(one.count == 128 + 16)
    #expect(all[208..<224] == one[128..<144])
  }

  @Test func picturesStoreTheCommandThatReproducesThem() throws {
    let first = try tool.run("sample outputs/tiny --count 7 --out a.png --quiet")
    #expect(first.output == "a.png\n")
    let info = try tool.run("info a.png")
    #expect(
      info.output.hasPrefix(
        "picture a.png\nstep 30\nseed 0\n"
          + "sampler ddim, 4 steps, 4 visits and 4 network evaluations per sample\n"
          + "made by figment 0.1.0\n"
          + "made again by: figment sample outputs/tiny --count 7 --out a.png --quiet\n\n"
          + "name: tiny\n"))
    let bytes = try #require(tool.bytes("a.png"))
    #expect(try tool.run("sample outputs/tiny --count 7 --out a.png --quiet").code == 0)
    #expect(tool.bytes("a.png") == bytes)
    let trained = try tool.run("info outputs/tiny/curves.png").output
    #expect(trained.contains("made again by: figment train tiny.yaml\n"))
    #expect(try tool.run("info outputs/tiny").output.contains("\nparameters 74\n"))
  }

  @Test(arguments: [
    ("--stage listing", "%0 = "), ("--stage simplified", "output %"),
    ("--stage kernels", "0: "), ("--stage schedule", "group 0, kernel 0: "),
    ("--stage memory", " bytes\n"), ("--stage executable", "kernel 0: "),
    ("--rules", "f(repeat u, repeat v) = repeat f(u, v): "),
  ])
  func planPrintsStagesAndRules(option: String, part: String) throws {
    let result = try tool.run("plan tiny.yaml \(option)")
    #expect(result.code == 0 && result.output.contains(part), "\(result.output)")
    #expect(!result.output.contains("parameters"), "only what is asked for")
  }

  @Test func theBenchmarkPrintsOneObject() throws {
    let result = try tool.run("bench ddpm-toy --steps 2 --threads 1 --json")
    #expect(result.code == 0)
    #expect(result.output.hasPrefix("{\"workload\":\"ddpm-toy\",\"parameters\":41858,"))
    #expect(result.output.hasSuffix("}\n"))
    #expect(result.output.count { $0 == "\n" } == 1)
  }

  @Test func thePlanIsATableWithTotals() throws {
    let lines = try tool.run("plan tiny.yaml").output.split(separator: "\n").map(String.init)
    #expect(lines.first?.contains("implementation") == true)
    let totals = lines.suffix(8).map { String($0.prefix { $0 != " " }) }
    #expect(
      totals == [
        "kernels", "parameters", "operations", "traffic", "arena", "variables", "data", "peak",
      ])
    #expect(lines.suffix(8)[lines.count - 7].contains(" 74 "))
  }

  @Test func dataSetsAreListed() throws {
    let lines = try tool.run("data list").output.split(separator: "\n")
    #expect(lines.count == 14)
    #expect(lines[0].hasPrefix("mnist "))
    #expect(lines[3].hasPrefix("eight-gaussians "))
    let missing = try tool.run("data fetch --offline")
    #expect(missing.code == 1)
    #expect(missing.errors.hasPrefix("error: "))
  }
}
