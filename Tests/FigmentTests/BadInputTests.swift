import Experiments
import Foundation
import Testing

private let kinds = ModelKinds.words.joined(separator: ", ")

/// Mistakes of users: the exit code and the error line for each.
private struct Mistake: Sendable {
  let line: String
  let code: Int32
  let message: String

  /// A command, run in the folder of `Kitchen`.
  init(_ line: String, _ code: Int32 = 1, _ message: String) {
    (self.line, self.code, self.message) = (line, code, message)
  }
}

/// Experiment files and their error messages.
private let experiments: [(yaml: String, message: String)] = [
  ("", "bad.yaml: is empty; expected keys and values"),
  ("- name", "bad.yaml:1: expected keys and values at the root, found a list of 1"),
  ("name: a\nname: b", "bad.yaml:1: the key \"name\" appears twice"),
  (
    "name: [a\n",
    "bad.yaml:2: not YAML: while parsing a flow sequence at line 1: did not find expected ',' or ']'"
  ),
  (
    "name: a\n\tdata: moons",
    "bad.yaml:2: not YAML: while scanning a plain scalar at line 1: found a tab character that "
      + "violates indentation"
  ),
  (
    "name: &x a\ndata: moons",
    "bad.yaml:1: name: anchors and aliases are not allowed; write the value out"
  ),
  ("name: a\n---\nname: b", "bad.yaml:3: a second document begins; expected one"),
  (
    "data: moons",
    "bad.yaml: name: missing; expected a name of at most 100 letters, digits, \"-\", \"_\" and "
      + "\".\", the first a letter or digit"
  ),
  (
    "name: ../up",
    "bad.yaml:1: name: expected a name of at most 100 letters, digits, \"-\", \"_\" and \".\", the "
      + "first a letter or digit, found ../up"
  ),
  (
    base(without: "steps") + "steps: many",
    "bad.yaml:4: steps: expected a whole number from 1 to 16000000, found many"
  ),
  (
    base(without: "steps") + "steps: 1.5",
    "bad.yaml:4: steps: expected a whole number from 1 to 16000000, found 1.5"
  ),
  (
    base(without: "steps") + "steps: 99999999999999999999",
    "bad.yaml:4: steps: expected a whole number from 1 to 16000000, found 99999999999999999999"
  ),
  (
    base(without: "steps"),
    "bad.yaml: steps: missing; expected a whole number from 1 to 16000000"
  ),
  (
    base(without: "model"),
    "bad.yaml: model.kind: missing; expected one of \(kinds)"
  ),
  (
    base(without: "model") + "model: ddpm",
    "bad.yaml:4: model: expected keys and values, found ddpm"
  ),
  (
    base(without: "model") + "model: {kind: gan, network: mlp}",
    "bad.yaml:4: model.kind: expected one of \(kinds), found gan; did you mean \"wgan\"?"
  ),
  (
    base(without: "model") + "model: {kind: ddpm, network: unet}",
    "bad.yaml:4: model.network: unet needs images, but the data are points; expected mlp"
  ),
  (
    base(without: "model") + "model: {kind: ddpm, network: mlp, timeFeatures: 3}",
    "bad.yaml:4: model.timeFeatures: expected an even number, found 3"
  ),
  (
    base(without: "model") + "model: {kind: ddpm, network: mlp, schedule: sine}",
    "bad.yaml:4: model.schedule: expected one of su, linear, cosine, edm, found sine"
  ),
  (
    base(without: "model") + "model: {kind: ddpm, network: mlp, widht: 3}",
    "bad.yaml:4: model.widht: unknown key; did you mean \"width\"?"
  ),
  (
    digits("base: 7"),
    "bad.yaml:4: model.network: the base width of a U-Net must be even and divisible by its 8 groups, not 7"
  ),
  (
    digits("multipliers: [1, 2, 4, 8]"),
    "bad.yaml:4: model.network: images of 28x28 cannot be halved 3 times: use fewer multipliers than "
      + "[1, 2, 4, 8]"
  ),
  (
    digits("multipliers: 3"),
    "bad.yaml:4: model.multipliers: expected a list of 1 to 8, each a whole number from 1 to 64, "
      + "found 3"
  ),
  (
    digits("attention: maybe"), "bad.yaml:4: model.attention: expected true or false, found maybe"
  ),
  (
    base() + "seed: -1",
    "bad.yaml:5: seed: expected a whole number from 0 to 18446744073709551615, found -1"
  ),
  (
    base() + "batch: true", "bad.yaml:5: batch: expected a whole number from 1 to 65536, found true"
  ),
  (base() + "bacth: 3", "bad.yaml:5: bacth: unknown key; did you mean \"batch\"?"),
  (
    base() + "optimizer: {rate: .nan}",
    "bad.yaml:5: optimizer.rate: expected a number above 0 and at most 10, found .nan"
  ),
  (
    base() + "optimizer: {decay: slow}",
    "bad.yaml:5: optimizer.decay: expected one of constant, linear, cosine, found slow"
  ),
  (
    base() + "optimizer: {average: 1}",
    "bad.yaml:5: optimizer.average: expected a number at least 0 and below 1, found 1"
  ),
  (
    base() + "optimizer: [1, 2]",
    "bad.yaml:5: optimizer: expected keys and values, found a list of 2"
  ),
  (
    base() + "sampling: {steps: 2000}",
    "bad.yaml:5: sampling.steps: expected a whole number from 1 to 1000, found 2000"
  ),
  (
    base() + "sampling: {method: euler}",
    "bad.yaml:5: sampling.method: euler does not fit the model; expected one of ddim, ancestral, "
      + "ancestral-posterior, heun, dpm-solver"
  ),
  (
    base() + "sampling: {guidance: 1.5}",
    "bad.yaml:5: sampling.guidance: \(noGuidance)"
  ),
  (
    base(without: "model") + "model: {kind: ddpm, network: mlp, classes: 3}\n"
      + "sampling: {guidance: 1.5}", "bad.yaml:5: sampling.guidance: \(noGuidance)"
  ),
  (
    base(without: "model") + "model: {kind: ddpm, network: mlp, labelDropout: 0.1}",
    "bad.yaml:4: model.labelDropout: there are no classes to hide; expected 0, or a number of "
      + "model.classes"
  ),
  (
    base(without: "model") + "model: {kind: flow-matching, network: mlp, target: noise}",
    "bad.yaml:4: model.target: \(noData)"
  ),
  (
    base(without: "model")
      + "model: {kind: flow-matching, network: mlp, path: cosine, target: noise}",
    "bad.yaml:4: model.target: \(noData)"
  ),
  (
    base(without: "model") + "model: {kind: flow-matching, network: mlp}\n"
      + "sampling: {method: ancestral}",
    "bad.yaml:5: sampling.method: ancestral does not fit the model; expected one of euler, heun, "
      + "dpm-solver"
  ),
  (
    base(without: "model") + "model: {kind: flow-matching, network: mlp}\nsampling: {eta: 0.5}",
    "bad.yaml:5: sampling.eta: unknown key; it is a key of models of kind: ddpm"
  ),
  (
    digits("target: bits"),
    "bad.yaml: binarisation: none, but model.target: bits needs pixels that are zeros or ones; "
      + "expected dynamic, static or threshold"
  ),
  (
    digits("patch: 3"),
    "bad.yaml:4: model.network: images of 28x28 cannot be divided into squares of side 3"
  ),
  (
    base() + "report: {metricsEvery: 0}",
    "bad.yaml:5: report.metricsEvery: expected a whole number from 1 to 1000000, found 0"
  ),
]

private func base(without missing: String = "") -> String {
  [
    ("name", "name: bad"), ("data", "data: moons"), ("steps", "steps: 10"),
    ("model", "model: {kind: ddpm, network: mlp}"),
  ].filter { $0.0 != missing }.map { $0.1 + "\n" }.joined()
}

private func digits(_ setting: String) -> String {
  "name: bad\ndata: mnist\nsteps: 1\nmodel: {kind: ddpm, network: unet, \(setting)}"
}

private let noGuidance =
  "guidance needs a model of classes that was trained with some hidden (model.classes and "
  + "model.labelDropout)"

private let noData =
  "noise tells nothing about x_0 where the path ends without data; expected x0, v or velocity"

private let noCheckpoint =
  "no checkpoint.safetensors; not a run, or not saved yet"

/// `CommandTests` has more mistakes, with the whole first line.
private let commands = [
  // The command line.
  Mistake("data shwo", 64, "'data shwo': no such command; did you mean 'data show'?"),
  Mistake("train tiny.yaml other.yaml", 64, "Unexpected argument 'other.yaml'"),
  Mistake("train tiny.yaml --out", 64, "Missing value for '--out <dir>'"),
  Mistake(
    "train tiny.yaml --minutes 0", 64,
    "--minutes: expected a number above 0 and at most 10080, a week, found 0"),
  Mistake(
    "train tiny.yaml --minutes -5", 64,
    "--minutes: expected a number above 0 and at most 10080, a week, found -5"),
  Mistake(
    "train tiny.yaml --minutes nan", 64,
    "--minutes: expected a number above 0 and at most 10080, a week, found nan"),
  Mistake(
    "train tiny.yaml --minutes 1e9", 64,
    "--minutes: expected a number above 0 and at most 10080, a week, found 1000000000"),
  Mistake(
    "train tiny.yaml --minutes five", 64, "The value 'five' is invalid for '--minutes <m>'"),
  Mistake(
    "train tiny.yaml --minutes 5 --steps 30", 64,
    "--minutes: chooses the number of steps and cannot be combined with --steps 30; drop one of the two"
  ),
  Mistake(
    "train tiny.yaml --minutes 5 --set steps=30", 64,
    "--minutes: chooses the number of steps and cannot be combined with --set steps=30; drop one of the "
      + "two"),
  Mistake(
    "train tiny.yaml --minutes 5 --dry-run", 64,
    "--minutes: measures this machine, which --dry-run does not; drop one of the two"),
  Mistake("sample", 64, "Missing expected argument '<run>'"),
  Mistake("sample tiny --count 0", 64, "--count: expected 1 to 1000000, found 0"),
  Mistake("sample tiny --eta 2", 64, "--eta: expected 0 to 1, found 2.0"),
  Mistake("sample tiny --steps 0", 64, "--steps: expected at least 1, found 0"),
  Mistake("sample tiny --threads many", 64, "The value 'many' is invalid for '--threads <n>'"),
  Mistake(
    "sample tiny --sampler rk4", 64,
    "The value 'rk4' is invalid for '--sampler <sampler>'. Please provide one of the following:"),
  Mistake(
    "sample tiny --sampler euler", 1,
    "--sampler: euler does not fit the model; expected one of ddim, ancestral, "
      + "ancestral-posterior, heun, dpm-solver"),
  Mistake(
    "sample flow --sampler ancestral", 1,
    "--sampler: ancestral does not fit the model; expected one of euler, heun, dpm-solver"),
  Mistake(
    "sample flow --eta 0.5", 1,
    "--eta: ddim does not fit the model; expected one of euler, heun, dpm-solver"),
  Mistake("sample tiny --guidance 1.5", 1, "--guidance: \(noGuidance)"),
  Mistake("sample tiny --guidance 101", 64, "--guidance: expected 0 to 100, found 101.0"),
  Mistake(
    "sample tiny --sampler dpm-solver --steps 21", 1, "a sampler takes 1 to 20 steps, not 21"),
  Mistake("compare tiny", 64, "compare: expected 2 to 8 runs, found 1"),
  Mistake("compare a b c d e f g h i", 64, "compare: expected 2 to 8 runs, found 9"),
  Mistake("likelihood", 64, "Missing expected argument '<run> ...'"),
  Mistake("likelihood tiny --samples 0", 64, "--samples: expected 1 to 10000000, found 0"),
  Mistake("likelihood tiny --examples 0", 64, "--examples: expected 1 to 1000000, found 0"),
  Mistake(
    "likelihood tiny --estimator ais", 64,
    "--estimator: expected one of all, exact, iwae, elbo, vlb, ode, found 'ais'"),
  Mistake(
    "likelihood tiny --split all", 64,
    "The value 'all' is invalid for '--split <split>'. Please provide one of 'train', "
      + "'validation' or 'test'."),
  Mistake(
    "likelihood tiny --image cut.png --examples 3", 64,
    "--image: cannot be combined with --examples; drop one of the two"),
  Mistake(
    "likelihood tiny --seed -1", 64,
    "The value '-1' is invalid for '--seed <s>': expected a whole number from 0 to "
      + "18446744073709551615"),
  Mistake("data show moons --count 0", 64, "--count: expected 1 to 100000, found 0"),
  Mistake("bench ddpm-toy --steps 0", 64, "--steps: expected 1 to 1000000, found 0"),
  Mistake(
    "bench ddpm-toy --json --profile", 64,
    "--profile: cannot be combined with --json; drop one of the two"),
  Mistake("info", 64, "Missing expected argument '<run|file.png>'"),

  // Experiment files and --set.
  Mistake("train folder", 1, "folder: cannot read: Is a directory"),
  Mistake(
    "train notes.txt", 1, "notes.txt:1: expected keys and values at the root, found mine"),
  Mistake("train binary.yaml", 1, "binary.yaml: expected UTF-8 text"),
  Mistake("plan missing.yaml", 1, "missing.yaml: cannot open: No such file or directory"),
  Mistake(
    "train tiny.yaml --set model.width=wide", 1,
    "--set model.width=wide: model.width: expected a whole number from 1 to 8192, found wide"),
  Mistake(
    "train tiny.yaml --set model=[1", 1,
    "--set model=[1: not YAML: while parsing a flow sequence: did not find expected ',' or ']'"),
  Mistake(
    "train tiny.yaml --set name.x=1", 1,
    "--set name.x=1: name: expected a mapping, found tiny"),
  Mistake(
    "train tiny.yaml --set precision=fp16", 1,
    "--set precision=fp16: precision: expected one of auto, fp32, bf16, found fp16"),
  Mistake(
    "plan tiny.yaml --set steps=0", 1,
    "--set steps=0: steps: expected a whole number from 1 to 16000000, found 0"),

  // Run folders.
  Mistake(
    "train tiny.yaml --out folder", 1,
    "folder holds \"notes.txt\" and no experiment.yaml, not a run; nothing was changed"),
  Mistake(
    "train tiny.yaml --out notes.txt", 1, "notes.txt is a file, not a run; nothing was changed"),
  Mistake(
    "train tiny.yaml --out notes.txt/x", 1,
    "notes.txt/x: cannot make the folder: Not a directory"),
  Mistake(
    "train tiny.yaml --out tiny --steps 7 --resume", 1,
    "tiny holds a run of 30 steps, and the command line asks for 7: steps is the total and the horizon of "
      + "the learning rate, so a run keeps its own. Resume it with --steps 30 --resume (--stop-at "
      + "ends it early), or train 7 from the beginning, without --resume or with another --set name="
  ),
  Mistake(
    "train tiny.yaml --out tiny --minutes 5 --resume", 1,
    "--minutes: tiny already holds a run, with its own number of steps; resume it with: figment train "
      + "tiny.yaml --out tiny --resume"),
  Mistake(
    "train tiny.yaml --out tiny --minutes=5 --set report.samplesEvery=7", 1,
    "--minutes: tiny already holds a run, with its own number of steps; resume it with: figment train "
      + "tiny.yaml --out tiny --set report.samplesEvery=7 --set report.samplesEvery=20 --resume"),
  Mistake(
    "train tiny.yaml --out tiny --minutes 5 --seed 3", 1,
    "tiny holds another run, which differs in seed (0 there, 3 here); nothing was changed"),
  Mistake(
    "train tiny.yaml --out folder --minutes 5", 1,
    "folder holds \"notes.txt\" and no experiment.yaml, not a run; nothing was changed"),
  Mistake("sample folder", 1, "folder: \(noCheckpoint)"),
  Mistake("sample notes.txt", 1, "notes.txt: is not a run folder"),
  Mistake("evaluate missing", 1, "missing: is not a run folder"),
  Mistake("evaluate tiny missing", 1, "missing: is not a run folder"),
  Mistake(
    "evaluate tiny --steps 21", 1, "--steps: expected 1 to 20, the times of tiny, found 21"),
  Mistake("info folder", 1, "folder: \(noCheckpoint)"),
  Mistake("compare tiny missing", 1, "missing: is not a run folder"),

  Mistake("likelihood folder", 1, "folder: \(noCheckpoint)"),
  Mistake("likelihood tiny missing", 1, "missing: is not a run folder"),
  Mistake("likelihood tiny --estimator iwae", 1, "tiny: a ddpm has no iwae; it has vlb, ode"),
  Mistake("likelihood tiny --estimator exact", 1, "tiny: a ddpm has no exact; it has vlb, ode"),
  Mistake(
    "likelihood tiny --image cut.png", 1,
    "tiny: --image needs a run on images, and this one is on points"),
  Mistake(
    "reproduce iwae-k2", 1,
    "'iwae-k2': no such row to reproduce; did you mean 'iwae-k1'? Rows: davidson-gaussian-d2, "
      + "davidson-gaussian-d5, davidson-gaussian-d10, davidson-gaussian-d20, "
      + "davidson-gaussian-d40, davidson-vmf-d2, davidson-vmf-d5, davidson-vmf-d10, "
      + "davidson-vmf-d20, davidson-vmf-d40, iwae-k50, iwae-k1"),
  Mistake(
    "reproduce iwae-k1", 1,
    "Experiments/reproduce/iwae.yaml: no such file; run reproduce in the project's folder"),

  // Checkpoints.
  Mistake(
    "train tiny.yaml --out header --resume --quiet", 1,
    "header/checkpoint.safetensors: cut short: the header has 2320 bytes, 292 are left"),
  Mistake(
    "sample header", 1,
    "header/checkpoint.safetensors: cut short: the header has 2320 bytes, 292 are left"),
  Mistake(
    "compare header tiny", 1,
    "header/checkpoint.safetensors: cut short: the header has 2320 bytes, 292 are left"),
  Mistake(
    "sample arrays", 1,
    "arrays/checkpoint.safetensors: cut short: array \"denoiser/hidden0/weight\" ends at byte "
      + "288 of the data, which has 172"),
  Mistake(
    "evaluate empty", 1,
    "empty/checkpoint.safetensors: not a safetensors file: 0 bytes long, expected at least 8"),
  Mistake(
    "info huge", 1,
    "huge/checkpoint.safetensors: not a safetensors file: its header of 9223372036854775807 bytes "
      + "is longer than 100000000"),

  // PNGs.
  Mistake("info tiny.yaml", 1, "tiny.yaml: not a PNG: it does not start with the signature of one"),
  Mistake("info cut.png", 1, "cut.png: damaged PNG: it ends early"),
  Mistake("info signature.png", 1, "signature.png: damaged PNG: it ends early"),
  Mistake("info missing.png", 1, "missing.png: cannot open: No such file or directory"),

  // Data files.
  Mistake(
    "data show mnist", 1,
    "data/mnist/train-images-idx3-ubyte: no such file; run `figment data fetch mnist` to get MNIST"),
  Mistake(
    "data fetch --offline", 1,
    "data/mnist: MNIST lacks train-images-idx3-ubyte, train-labels-idx1-ubyte, "
      + "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, and --offline forbids fetching; run "
      + "`figment data fetch mnist` with a network"),
  Mistake(
    "data show mnist --data-directory short", 1,
    "short/mnist/train-images-idx3-ubyte: 2 bytes of data, expected 47040016"),

  // Unwritable outputs, and mismatched inputs.
  Mistake(
    "data show moons --out missing/x.png", 1,
    "missing/x.png: cannot create: No such file or directory"),
  Mistake(
    "compare tiny tiny --out missing/x.png", 1,
    "missing/x.png: cannot create: No such file or directory"),
  Mistake(
    "sample tiny --class 3 --quiet", 1,
    "--class: needs a class-conditional model, which tiny is not"),
  Mistake(
    "sample tiny --latent hubs:0.9 --quiet", 1,
    "--latent hubs:0.9: needs a model with latent variables; tiny is a ddpm"),
  Mistake(
    "interpolate tiny --from 0 --to 1", 1, "expected a run on images, found one on points"),
]

@Suite struct BadInputTests {
  @Test func eachMistakeHasAnErrorLine() throws {
    let tool = try kitchen()
    let mistakes =
      commands
      + experiments.enumerated().map { Mistake("train bad\($0).yaml --dry-run", 1, $1.message) }
    #expect(mistakes.count >= 60)
    for (index, experiment) in experiments.enumerated() {
      try tool.write(experiment.yaml, to: "bad\(index).yaml")
    }
    let before = tool.bytes("tiny/checkpoint.safetensors")
    for mistake in mistakes {
      let result = try tool.run(mistake.line)
      let title = Comment(rawValue: mistake.line)
      #expect(result.code == mistake.code, title)
      #expect(result.output.isEmpty, title)
      if mistake.code == 64 {
        #expect(result.firstErrorLine == "error: " + mistake.message, title)
        #expect(result.errors.contains("\nUsage: figment "), title)
      } else {
        // The experiment files differ in their number only.
        let message = mistake.message.replacing(
          "bad.yaml", with: mistake.line.split(separator: " ").dropFirst().first ?? "")
        #expect(result.errors == "error: " + message + "\n", title)
      }
    }
    // Nothing was drawn.
    for run in ["tiny", "flow"] { #expect(tool.bytes("\(run)/samples/drawn.png") == nil) }
    #expect(before != nil && tool.bytes("tiny/checkpoint.safetensors") == before)
    #expect(tool.bytes("folder/notes.txt") == Array("mine".utf8))
  }

  /// A finished run, damaged copies of it, and files of other kinds.
  private func kitchen() throws -> Tool {
    let tool = try Tool()
    try tool.write(tiny, to: "tiny.yaml")
    try tool.write("mine", to: "notes.txt")
    try tool.makeFolder("folder")
    try tool.write("mine", to: "folder/notes.txt")
    try tool.write([0xFF, 0xFE, 0x0A], to: "binary.yaml")
    let result = try tool.run("train tiny.yaml --out tiny --quiet")
    try #require(result.code == 0, "\(result.errors)")
    try tool.write(
      tiny.replacing("name: tiny", with: "name: flow")
        .replacing("kind: ddpm, network: mlp, times: 20", with: "kind: flow-matching, network: mlp")
        .replacing("method: ddim", with: "method: euler"), to: "flow.yaml")
    let flow = try tool.run("train flow.yaml --out flow --quiet")
    try #require(flow.code == 0, "\(flow.errors)")
    let checkpoint = try #require(tool.bytes("tiny/checkpoint.safetensors"))
    let experiment = try tool.text("tiny/experiment.yaml")
    for (name, bytes) in [
      ("header", Array(checkpoint.prefix(300))), ("arrays", Array(checkpoint.prefix(2500))),
      ("empty", []), ("huge", Array(repeating: 0xFF, count: 7) + [0x7F, 0x7B, 0x7D]),
      ("metrics", checkpoint),
    ] as [(String, [UInt8])] {
      try tool.makeFolder(name)
      try tool.write(experiment, to: name + "/experiment.yaml")
      try tool.write(bytes, to: name + "/checkpoint.safetensors")
    }
    try tool.write(
      "{\"step\":10,\"loss\":0.5}\nnot a line\n{\"step\":30,\"loss\":0.1}\n",
      to: "metrics/metrics.jsonl")
    let picture = try #require(tool.bytes("tiny/samples.png"))
    try tool.write(Array(picture.prefix(20)), to: "cut.png")
    try tool.write(Array(picture.prefix(8)), to: "signature.png")
    try tool.makeFolder("short/mnist")
    for file in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
      try tool.write([0, 0], to: "short/mnist/\(file)-ubyte")
    }
    return tool
  }
}
