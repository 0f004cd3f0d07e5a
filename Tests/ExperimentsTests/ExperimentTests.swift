import DDPM
import Datasets
import Experiments
import Foundation
import TestSupport
import Testing

private let kinds = ModelKinds.words.joined(separator: ", ")
private let knownNames = KnownSets.names.joined(separator: ", ")

/// The shipped experiment files.
private let shipped: [String] = {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../Experiments").standardized.path
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { $0.hasSuffix(".yaml") }.sorted().map { folder + "/" + $0 }
}()

@Suite struct ExperimentTests {
  @Test func thereAreExperiments() { #expect(shipped.count >= 2) }

  @Test(arguments: shipped)
  func shippedExperimentsResolveToThemselves(_ path: String) throws {
    let experiment = try Experiment(contentsOf: path)
    #expect(try Experiment(contentsOf: path).yaml == experiment.yaml)
    let again = try Experiment(yaml: experiment.yaml, file: "resolved")
    #expect(again == experiment)
    #expect(again.yaml == experiment.yaml)
    #expect(path.hasSuffix("/\(experiment.name).yaml"))
  }

  @Test func everySettingSurvivesTheRoundTrip() throws {
    for overrides in [
      ["seed=18446744073709551615", "steps=16000000", "batch=1"],
      ["optimizer.average=null", "optimizer.clip=0.1", "optimizer.beta2=0.9999"],
      ["optimizer.kind=sgd", "optimizer.nesterov=true", "optimizer.lookahead.every=6"],
      ["optimizer.kind=lamb", "optimizer.weightDecay=0.1", "optimizer.lookahead={state: reset}"],
      [
        "optimizer.decay=linear", "optimizer.floor=0.25", "model.schedule=cosine",
        "sampling.method=ancestral-posterior",
      ],
      ["sampling.method=ddim", "sampling.eta=0.3", "sampling.steps=null"],
    ] {
      let experiment = try Experiment(yaml: base, file: "e.yaml", overrides: overrides)
      #expect(try Experiment(yaml: experiment.yaml, file: "e.yaml") == experiment)
      #expect(try experiment != Experiment(yaml: base, file: "e.yaml"), "\(overrides)")
    }
  }

  @Test func defaultsAreResolved() throws {
    #expect(
      try Experiment(yaml: base, file: "e.yaml").yaml == """
        name: a
        data: moons
        binarisation: none
        seed: 0
        steps: 10
        batch: 128
        patience: null
        precision: fp32
        model:
          kind: ddpm
          schedule: linear
          times: 1000
          classes: null
          network: mlp
          width: 128
          depth: 3
          timeFeatures: 64
        optimizer:
          kind: adam
          rate: 0.001
          warmup: 0
          decay: constant
          beta1: 0.9
          beta2: 0.999
          clip: null
          average: 0.999
        sampling:
          method: ddim
          steps: null
          eta: 0
          count: 2000
          previewCount: 2000
          previewSteps: 25
        report:
          metricsEvery: 50
          samplesEvery: 1000
          checkpointEvery: 1000

        """)
  }

  private let base = """
    name: a
    data: moons
    steps: 10
    model:
      kind: ddpm
      network: mlp
    """

  @Test(arguments: [
    ("stesp=3", "--set stesp=3: stesp: unknown key; did you mean \"steps\"?"),
    (
      "model.base=32",
      "--set model.base=32: model.base: unknown key; it is a key of kind: ddpm and "
        + "flow-matching with network: unet"
    ),
    ("model=3", "--set model=3: model: expected keys and values, found 3"),
    (
      "steps=many",
      "--set steps=many: steps: expected a whole number from 1 to 16000000, "
        + "found many"
    ),
    ("steps=0", "--set steps=0: steps: expected a whole number from 1 to 16000000, found 0"),
    ("steps=", "--set steps=: steps: expected a whole number from 1 to 16000000, found nothing"),
    ("batch=1.5", "--set batch=1.5: batch: expected a whole number from 1 to 65536, found 1.5"),
    (
      "seed=-1",
      "--set seed=-1: seed: expected a whole number from 0 to 18446744073709551615, "
        + "found -1"
    ),
    (
      "name=../x",
      "--set name=../x: name: expected a name of at most 100 letters, digits, \"-\", "
        + "\"_\" and \".\", the first a letter or digit, found ../x"
    ),
    (
      "optimizer.rate=0",
      "--set optimizer.rate=0: optimizer.rate: expected a number above 0 and "
        + "at most 10, found 0"
    ),
    (
      "optimizer.rate=fast",
      "--set optimizer.rate=fast: optimizer.rate: expected a number above "
        + "0 and at most 10, found fast"
    ),
    (
      "optimizer.beta2=1",
      "--set optimizer.beta2=1: optimizer.beta2: expected a number at least 0 "
        + "and below 1, found 1"
    ),
    (
      "optimizer.kind=adma",
      "--set optimizer.kind=adma: optimizer.kind: expected one of adam, adamw, lamb, sgd, found adma; "
        + "did you mean \"adam\"?"
    ),
    (
      "optimizer.momentum=0.5",
      "--set optimizer.momentum=0.5: optimizer.momentum: unknown key; it is a key of kind: sgd"
    ),
    (
      "optimizer.lookahead.every=0",
      "--set optimizer.lookahead.every=0: optimizer.lookahead.every: expected a whole number from 1 "
        + "to 1000000, found 0"
    ),
    (
      "optimizer.lookahead.alpha=1.5",
      "--set optimizer.lookahead.alpha=1.5: optimizer.lookahead.alpha: expected a number above 0 "
        + "and at most 1, found 1.5"
    ),
    (
      "optimizer.lookahead={state: kept}",
      "--set optimizer.lookahead={state: kept}: optimizer.lookahead.state: expected one of keep, "
        + "reset, average, found kept"
    ),
    (
      "optimizer.decay=cosin",
      "--set optimizer.decay=cosin: optimizer.decay: expected one of "
        + "constant, linear, cosine, found cosin; did you mean \"cosine\"?"
    ),
    (
      "model.kind=vea",
      "--set model.kind=vea: model.kind: expected one of \(kinds), found vea; "
        + "did you mean \"vae\"?"
    ),
    (
      "binarisation=static",
      "--set binarisation=static: binarisation: static needs images, but the data are points; "
        + "expected none"
    ),
    (
      "patience=3",
      "--set patience=3: patience: early stopping needs a metric on validation data, which ddpm lacks; "
        + "expected null"
    ),
    (
      "model.schedule=quadratic",
      "--set model.schedule=quadratic: model.schedule: expected one of "
        + "su, linear, cosine, edm, found quadratic"
    ),
    (
      "model.times=9",
      "--set model.times=9: model.times: expected a whole number from 10 to "
        + "100000, found 9"
    ),
    (
      "model.timeFeatures=7",
      "--set model.timeFeatures=7: model.timeFeatures: expected an even "
        + "number, found 7"
    ),
    (
      "sampling.steps=1001",
      "--set sampling.steps=1001: sampling.steps: expected a whole number "
        + "from 1 to 1000, found 1001"
    ),
    (
      "sampling.eta=1.1",
      "--set sampling.eta=1.1: sampling.eta: expected a number at least 0 and "
        + "at most 1, found 1.1"
    ),
    (
      "model.network=unet",
      "--set model.network=unet: model.network: unet needs images, but the "
        + "data are points; expected mlp"
    ),
    (
      "data=mnist",
      "e.yaml:6: model.network: mlp needs points, and the data are images; "
        + "expected unet"
    ),
    (
      "data=mooons",
      "--set data=mooons: data: expected one of "
        + "\(knownNames), or a path with a /, found mooons; did you mean \"moons\"?"
    ),
    (
      "data=cifar",
      "--set data=cifar: data: expected one of "
        + "\(knownNames), or a path with a /, found cifar"
    ),
  ])
  func mistakesAreNamed(_ override: String, _ line: String) {
    #expect(
      failure { _ = try Experiment(yaml: base, file: "e.yaml", overrides: [override]) } == line)
  }

  @Test(arguments: [
    (
      "[1, 2, 4, 8]", 16,
      "images of 28x28 cannot be halved 3 times: use fewer multipliers than "
        + "[1, 2, 4, 8]"
    ),
    ("[1]", 20, "the base width of a U-Net must be even and divisible by its 8 groups, not 20"),
  ])
  func aNetworkThatDoesNotFitTheImagesIsNamed(
    _ multipliers: String, _ base: Int, _ problem: String
  ) {
    let yaml = """
      name: a
      data: mnist
      steps: 10
      model: {kind: ddpm, network: unet, base: \(base), multipliers: \(multipliers)}
      """
    #expect(
      failure { _ = try Experiment(yaml: yaml, file: "e.yaml") }
        == "e.yaml:4: model.network: " + problem)
  }

  @Test(arguments: [
    ("", "e.yaml: is empty; expected keys and values"),
    ("- 1", "e.yaml:1: expected keys and values at the root, found a list of 1"),
    ("name: a\nname: b", "e.yaml:1: the key \"name\" appears twice"),
    (
      "name: a\ndata: &x moons",
      "e.yaml:2: data: anchors and aliases are not allowed; "
        + "write the value out"
    ),
    ("name: a\ndata: moons", "e.yaml: steps: missing; expected a whole number from 1 to 16000000"),
  ])
  func badFilesAreNamed(_ yaml: String, _ line: String) {
    #expect(failure { _ = try Experiment(yaml: yaml, file: "e.yaml") } == line)
  }
}
