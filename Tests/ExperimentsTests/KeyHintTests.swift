import Configuration
import Experiments
import TestSupport
import Testing

/// Hints for keys of other programs, and for keys in the wrong place.
@Suite struct KeyHintTests {
  private static let families: [String: String] = [
    "ddpm": "kind: ddpm, network: mlp", "unet": "kind: ddpm, network: unet",
    "vae": "kind: vae, latent: 2", "convolutional": "kind: vae, latent: 2, network: convolutional",
    "gn": "kind: wgan", "gran": "kind: wgan, constraint: gran", "gp": "kind: wgan, constraint: gp",
    "clip": "kind: wgan, constraint: clip", "silu": "kind: wgan, criticActivation: silu",
    "consistency": "kind: wgan, consistency: {weight: 1}", "classifier": "kind: classifier",
  ]

  private func tree(_ family: String, _ extra: String = "") throws -> Experiment {
    let images = ["unet", "vae", "convolutional", "classifier"].contains(family)
    return try Experiment(
      yaml: """
        name: a
        data: \(images ? "mnist" : "moons")
        steps: 10
        model: {\(Self.families[family] ?? "")\(extra)}
        """, file: "a.yaml")
  }

  private func keys(_ family: String, _ mapping: String) throws -> Set<String> {
    let leaves = try ConfigurationTree(yaml: try tree(family).yaml, file: "a").leaves
    return Set(
      leaves.map(\.path).filter { $0.hasPrefix(mapping + ".") }
        .map { String($0.dropFirst(mapping.count + 1).prefix { $0 != "." }) })
  }

  /// Every key that one kind of model has and another lacks.
  @Test func keysOfAnotherKindAreReported() throws {
    var tried = 0
    for (family, _) in Self.families {
      let own = try keys(family, "model")
      for (other, _) in Self.families {
        for key in try keys(other, "model").subtracting(own)
        where !(key == "consistency" && own.contains("critic")) {
          let message = failure { _ = try tree(family, ", \(key): 1") }
          #expect(
            message.contains("model.\(key): unknown key; it is a key of kind: "),
            "\(key) of \(other) in \(family): \(message)")
          tried += 1
        }
      }
    }
    #expect(tried > 200)
  }

  @Test(arguments: [
    ("lr=1", "lr: unknown key; did you mean \"optimizer.rate\"?"),
    ("optimizer.lr=1", "optimizer.lr: unknown key; did you mean \"rate\"?"),
    ("optimizer.learning_rate=1", "did you mean \"rate\"?"),
    ("learning-rate=1", "did you mean \"optimizer.rate\"?"),
    ("ema=0.9", "did you mean \"optimizer.average\"?"),
    ("optimizer.ema_decay=0.9", "did you mean \"average\"?"),
    ("model.ema=true", "did you mean \"optimizer.average\"?"),
    ("batch_size=8", "batch_size: unknown key; did you mean \"batch\"?"),
    ("batchSize=8", "did you mean \"batch\"?"),
    ("optimizer.batch_size=8", "did you mean \"batch\" at the top level?"),
    ("optimizer.batch=8", "did you mean \"batch\" at the top level?"),
    ("timesteps=100", "timesteps: unknown key; did you mean \"model.times\"?"),
    ("model.timesteps=100", "model.timesteps: unknown key; did you mean \"times\"?"),
    ("model.T=100", "did you mean \"times\"?"),
    ("model.num_timesteps=100", "did you mean \"times\"?"),
    ("epochs=3", "did you mean \"steps\"?"),
    ("rate=1", "did you mean \"optimizer.rate\"?"),
    ("optimizer.weight_decay=0.1", "\"weightDecay\", which may be meant, is a key of kind: adamw"),
    ("model.z_dim=3", "\"latent\", which may be meant, is a key of kind: vae and wgan"),
    ("model.hidden_dim=3", "did you mean \"width\"?"),
    ("model.rate=3", "did you mean \"optimizer.rate\"?"),
    ("sampling.num_samples=3", "did you mean \"count\"?"),
    ("model.widht=3", "did you mean \"width\"?"),
    ("model.temperature=3", "known here: kind, schedule"),
  ]) func namesOfOthersAreKnown(_ override: String, _ end: String) {
    let yaml = "name: a\ndata: moons\nsteps: 10\nmodel: {kind: ddpm, network: mlp}\n"
    let message = failure { _ = try Experiment(yaml: yaml, file: "a", overrides: [override]) }
    #expect(message.contains("unknown key; "), "\(message)")
    #expect(message.contains(end), "\(message)")
  }

  @Test func keysOfOtherOptimizersAndSamplersAreReported() {
    for (yaml, key) in [
      ("optimizer: {kind: sgd, beta1: 0.9}", "kind: adam, adamw and lamb"),
      ("optimizer: {kind: adam, nesterov: true}", "kind: sgd"),
      ("optimizer: {kind: adam, weightDecay: 0.1}", "kind: adamw, lamb and sgd"),
      ("sampling: {eta: 0}", "models of kind: ddpm"),
      ("sampling: {previewSteps: 3}", "models of kind: ddpm and flow-matching"),
    ] {
      let message = failure {
        _ = try Experiment(
          yaml: "name: a\ndata: moons\nsteps: 10\nmodel: {kind: wgan}\n" + yaml, file: "a")
      }
      #expect(
        message.hasSuffix("unknown key; it is a key of \(key)"), "\(message)")
    }
  }

  @Test(arguments: [
    ("model.width: 3", "e.yaml:5: model.width: unknown key; did you mean \"width\" in \"model\"?"),
    (
      "optimizer.rate: 3",
      "e.yaml:5: optimizer.rate: unknown key; did you mean \"rate\" in \"optimizer\"?"
    ),
    ("kind: ddpm", "e.yaml:5: kind: unknown key; did you mean \"model.kind\"?"),
    (
      "optimizer: {every: 3}",
      "e.yaml:5: optimizer.every: unknown key; did you mean \"optimizer.lookahead.every\"?"
    ),
  ]) func keysOfOtherMappingsAreFound(_ line: String, _ expected: String) {
    let yaml = "name: a\ndata: moons\nsteps: 10\nmodel: {kind: ddpm, network: mlp}\n" + line
    #expect(failure { _ = try Experiment(yaml: yaml, file: "e.yaml") } == expected)
  }

  /// A value that is refused with a reason is not among those suggested.
  @Test func refusedValuesAreNotSuggested() {
    for key in ["generatorNorm", "criticNorm"] {
      let yaml = "name: a\ndata: moons\nsteps: 10\nmodel: {kind: wgan, \(key): "
      let offered = failure { _ = try Experiment(yaml: yaml + "layer}", file: "a") }
      #expect(offered.hasSuffix("expected one of none, group, found layer"), "\(offered)")
      let refused = failure { _ = try Experiment(yaml: yaml + "batch}", file: "a") }
      #expect(refused.contains("batch statistics"))
      #expect(refused.hasSuffix("expected none, group"))
    }
  }
}
