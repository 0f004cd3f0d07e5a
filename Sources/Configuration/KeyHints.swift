import Support

/// What people call settings elsewhere, and settings that belong to another kind of a mapping: hints for keys
/// that are unknown where they stand.
enum KeyHints {
  /// Names of other programs and papers, as they are without "_" and "-" and in lower case, with the whole
  /// path of the key here; of several, that which the mapping has.
  private static let aliases: [String: String] = [
    "lr": "optimizer.rate", "learningrate": "optimizer.rate", "baselr": "optimizer.rate",
    "ema": "optimizer.average", "emadecay": "optimizer.average", "emarate": "optimizer.average",
    "useema": "optimizer.average", "batchsize": "batch", "bs": "batch",
    "minibatch": "batch", "trainbatchsize": "batch", "timesteps": "model.times",
    "numtimesteps": "model.times", "ntimesteps": "model.times", "difftimesteps": "model.times",
    "diffusionsteps": "model.times", "numtraintimesteps": "model.times", "t": "model.times",
    "betaschedule": "model.schedule", "noiseschedule": "model.schedule", "epochs": "steps",
    "numepochs": "steps", "nepochs": "steps", "maxepochs": "steps", "iterations": "steps",
    "iters": "steps", "niter": "steps", "numsteps": "steps", "maxsteps": "steps",
    "trainsteps": "steps",
    "totalsteps": "steps",
    "dataset": "data", "datapath": "data", "datadir": "data",
    "randomseed": "seed", "manualseed": "seed", "dtype": "precision", "bf16": "precision",
    "fp16": "precision", "amp": "precision", "mixedprecision": "precision",
    "earlystopping": "patience", "binarize": "binarisation", "binarization": "binarisation",
    "type": "model.kind", "arch": "model.network", "architecture": "model.network",
    "hiddendim": "model.width|model.hidden", "hiddensize": "model.width|model.hidden",
    "hiddenunits": "model.width|model.hidden", "hiddendims": "model.hidden|model.width",
    "numlayers": "model.depth|model.hidden", "nlayers": "model.depth|model.hidden",
    "layers": "model.depth|model.hidden", "basechannels": "model.base|model.channels",
    "modelchannels": "model.base|model.channels", "dimmults": "model.multipliers",
    "channelmult": "model.multipliers", "chmult": "model.multipliers",
    "numresblocks": "model.blocks", "latentdim": "model.latent", "zdim": "model.latent",
    "nz": "model.latent", "latentsize": "model.latent", "numclasses": "model.classes",
    "nclasses": "model.classes", "classcond": "model.classes", "klwarm": "model.klWarmup",
    "klannealing": "model.klWarmup", "numdraws": "model.draws", "iwaesamples": "model.draws",
    "ncritic": "model.criticSteps", "criticiters": "model.criticSteps",
    "dsteps": "model.criticSteps", "lambdagp": "model.penalty", "gpweight": "model.penalty",
    "gplambda": "model.penalty", "gradientpenalty": "model.penalty",
    "clipvalue": "model.limit", "weightclip": "model.limit", "discriminator": "model.critic",
    "gen": "model.generator", "disc": "model.critic", "gradclip": "optimizer.clip",
    "clipgradnorm": "optimizer.clip", "maxgradnorm": "optimizer.clip",
    "gradientclipping": "optimizer.clip", "clipgrad": "optimizer.clip",
    "wd": "optimizer.weightDecay", "optim": "optimizer.kind", "optimizertype": "optimizer.kind",
    "lrscheduler": "optimizer.decay", "scheduler": "optimizer.decay",
    "lrschedule": "optimizer.decay", "lrdecay": "optimizer.decay",
    "warmupsteps": "optimizer.warmup", "lrwarmup": "optimizer.warmup", "b1": "optimizer.beta1",
    "b2": "optimizer.beta2", "betas": "optimizer.beta1", "sampler": "sampling.method",
    "samplingsteps": "sampling.steps", "numinferencesteps": "sampling.steps",
    "ddimsteps": "sampling.steps", "ddimeta": "sampling.eta", "numsamples": "sampling.count",
    "nsamples": "sampling.count", "samplesize": "sampling.count",
    "logevery": "report.metricsEvery", "loginterval": "report.metricsEvery",
    "logfreq": "report.metricsEvery", "saveevery": "report.checkpointEvery",
    "saveinterval": "report.checkpointEvery", "checkpointinterval": "report.checkpointEvery",
    "sampleevery": "report.samplesEvery", "sampleinterval": "report.samplesEvery",
  ]

  /// The keys of a mapping that it has with some settings only: which those are.
  private static let conditional: [String: [(keys: [String], of: String)]] = [
    "model": [
      (["schedule", "times"], "kind: ddpm"),
      (["width", "depth", "timeFeatures"], "kind: ddpm with network: mlp"),
      (["base", "multipliers", "blocks", "attention"], "kind: ddpm with network: unet"),
      (
        [
          "hidden", "activation", "posterior", "concentration", "likelihood", "deviation", "bound",
          "draws", "klWarmup",
        ], "kind: vae"
      ),
      (["channels"], "kind: vae with network: convolutional, and of kind: classifier"),
      (["features", "shift"], "kind: classifier"),
      (["latent"], "kind: vae and kind: wgan"),
      (["classes"], "kind: ddpm, wgan and classifier"),
      (["network"], "kind: ddpm, vae and wgan"),
      (
        [
          "generator", "critic", "generatorNorm", "criticNorm", "criticActivation", "constraint",
          "loss", "consistency", "criticSteps", "criticRate",
        ], "kind: wgan"
      ),
      (["slope"], "kind: wgan with criticActivation: leaky-relu"),
      (["epsilon"], "kind: wgan with constraint: gran"),
      (["penalty", "oneSided"], "kind: wgan with constraint: gp"),
      (["limit"], "kind: wgan with constraint: clip"),
    ],
    "optimizer": [
      (["momentum", "nesterov"], "kind: sgd"),
      (["beta1", "beta2"], "kind: adam, adamw and lamb"),
      (["weightDecay"], "kind: adamw, lamb and sgd"),
    ],
    "sampling": [(["method", "steps", "eta", "previewSteps"], "models of kind: ddpm")],
  ]

  /// Where each key stands that can be meant at another place than it was written.
  private static let places: [String: String] = {
    var places: [String: String] = [:]
    for key in ["name", "data", "binarisation", "seed", "steps", "batch", "patience", "precision"] {
      places[key] = key
    }
    for key in [
      "rate", "warmup", "decay", "floor", "beta1", "beta2", "momentum", "nesterov", "weightDecay",
      "clip",
      "lookahead", "average",
    ] {
      places[key] = "optimizer." + key
    }
    for key in ["count", "previewCount", "method", "eta", "previewSteps"] {
      places[key] = "sampling." + key
    }
    for key in ["metricsEvery", "samplesEvery", "checkpointEvery"] { places[key] = "report." + key }
    for key in conditional["model", default: []].flatMap(\.keys) where places[key] == nil {
      places[key] = "model." + key
    }
    return places
  }()

  /// What may be meant by an unknown key, as an error ends, or nil.
  ///
  /// - Parameters:
  ///   - path: Of the mapping that it stands in; empty at the root.
  ///   - known: The keys that this mapping has.
  static func hint(for key: String, in path: String, known: [String]) -> String? {
    if let group = conditional[path]?.first(where: { $0.keys.contains(key) }) {
      return "it is a key of \(group.of)"
    }
    let plain = String(key.lowercased().filter { $0 != "_" && $0 != "-" })
    let here = path.isEmpty ? key : path + "." + key
    let aliased = aliases[plain].map { $0.split(separator: "|").map(String.init) } ?? []
    let candidates = ([places[key], sameWord(plain)].compactMap { $0 } + aliased)
      .filter { $0 != here }
      .map { $0.split(separator: ".").map(String.init) }
    let siblings = candidates.filter { $0.dropLast().joined(separator: ".") == path }
    if let word = siblings.compactMap(\.last).first(where: known.contains) {
      return "did you mean \(quoted(word))?"
    }
    guard let place = candidates.first, let word = place.last else { return nil }
    if !siblings.isEmpty, let group = conditional[path]?.first(where: { $0.keys.contains(word) }) {
      return "\(quoted(word)), which may be meant, is a key of \(group.of)"
    }
    let top = place.count == 1 && !path.isEmpty ? " at the top level" : ""
    return "did you mean \(quoted(place.joined(separator: ".")))\(top)?"
  }

  /// A key that is written otherwise, such as `weight_decay`.
  private static func sameWord(_ plain: String) -> String? {
    places.first { $0.key.lowercased() == plain }?.value
  }
}
