import Datasets
import Formats
import TensorCore
import TestSupport

/// A short run of one kind of model, for trials.
///
/// Add every new model to the list.
struct SmallRun {
  let name: String
  let yaml: String
  /// True if the model draws samples.
  var drawsSamples = true
  /// True if `figment likelihood` applies to it.
  var hasLikelihood = false

  /// Every model, every constraint of a critic and every link of an optimizer.
  static let all: [SmallRun] =
    diffusion + autoencoders + adversaries + [classifier, flow] + optimizers

  private static let report = "report: {metricsEvery: 3, samplesEvery: 8, checkpointEvery: 5}"
  private static let steps = "sampling: {steps: 4, count: 9, previewCount: 4, previewSteps: 2}"
  private static let onePass = "sampling: {count: 9, previewCount: 4}"
  private static let points = "data: eight-gaussians\nsteps: 24\nbatch: 48"
  private static let images = "data: ./small-images-idx3-ubyte\nsteps: 13\nbatch: 8"
  private static let mlp =
    "model: {kind: ddpm, network: mlp, times: 50, width: 16, depth: 2, timeFeatures: 8}"

  private init(
    _ name: String, _ parts: String..., hasLikelihood: Bool = false, drawsSamples: Bool = true
  ) {
    self.name = name
    yaml = (["name: \(name)"] + parts + [Self.report]).joined(separator: "\n") + "\n"
    (self.hasLikelihood, self.drawsSamples) = (hasLikelihood, drawsSamples)
  }

  private static let diffusion: [SmallRun] =
    [
      SmallRun("ddpm-points", points, mlp, steps, hasLikelihood: true)
    ]
    + (Precision.hasBF16 ? ["fp32", "bf16"] : ["fp32"]).map { precision in
      SmallRun(
        "ddpm-images-\(precision)", images, "precision: \(precision)",
        "model: {kind: ddpm, network: unet, times: 20, base: 8, multipliers: [1, 2]}", steps,
        hasLikelihood: true)
    } + [
      SmallRun(
        "ddpm-classes", images,
        "model: {kind: ddpm, network: unet, times: 20, base: 8, multipliers: [1], classes: 4}",
        "optimizer: {warmup: 4, decay: cosine, clip: 1}", steps)
    ]

  private static let autoencoders: [SmallRun] = [
    SmallRun(
      "vae-gaussian", images, "model: {kind: vae, hidden: [16], latent: 2}", onePass,
      hasLikelihood: true),
    SmallRun(
      "vae-vmf", images, "model: {kind: vae, hidden: [16], latent: 2, posterior: vmf}", onePass,
      hasLikelihood: true),
    // Stops early: the best weights and the number of epochs since are part of a checkpoint.
    SmallRun(
      "vae-convolutional", images.replacing("steps: 13", with: "steps: 400"), "patience: 1",
      "model: {kind: vae, network: convolutional, channels: [4], hidden: [8], latent: 3}",
      "optimizer: {rate: 0.03}", onePass, hasLikelihood: true),
    SmallRun(
      "iwae", images, "model: {kind: vae, hidden: [16], latent: 2, bound: iwae, draws: 3}",
      "optimizer: {average: null}", onePass, hasLikelihood: true),
    SmallRun(
      "vae-points", points,
      "model: {kind: vae, hidden: [8], posterior: vmf, latent: 1, likelihood: gaussian}", onePass,
      hasLikelihood: true),
  ]

  private static let adversaries: [SmallRun] =
    ["gn", "gran", "gp", "sn", "clip"].map { constraint in
      SmallRun(
        "wgan-\(constraint)", points,
        "model: {kind: wgan, latent: 3, generator: [8], critic: [8], criticSteps: 2, "
          + "constraint: \(constraint)}",
        "optimizer: {beta1: 0, decay: linear, average: 0.9}", onePass)
    } + [
      SmallRun(
        "wgan-images", images,
        "model: {kind: wgan, network: convolutional, latent: 3, generator: [4, 3], critic: [3, 4]}",
        onePass)
    ]

  private static let classifier = SmallRun(
    "classifier", images, "model: {kind: classifier, classes: 4, channels: [4, 4], features: 6}",
    drawsSamples: false)

  private static let flow = SmallRun(
    "normalizing-flow", points, "model: {kind: normalizing-flow, couplings: 3, hidden: [8]}",
    onePass,
    hasLikelihood: true)

  private static let optimizers: [SmallRun] = [
    SmallRun(
      "adamw-lookahead", points, mlp,
      "optimizer: {kind: adamw, lookahead: {every: 6, state: keep}}", steps),
    SmallRun("lamb", points, mlp, "optimizer: {kind: lamb, average: null}", steps),
    SmallRun(
      "sgd-lookahead-reset", points, mlp,
      "optimizer: {kind: sgd, rate: 0.01, nesterov: true, lookahead: {every: 7, state: reset}, "
        + "average: null}", steps),
    SmallRun(
      "adam-lookahead-average", points, mlp,
      "optimizer: {lookahead: {every: 4, state: average}, average: 0.99}", steps),
  ]

  /// Images of 8 x 8 pixels in four classes, as IDX files by name.
  static func dataFiles() throws -> [(name: String, bytes: [UInt8])] {
    var generator = SplitMix64(state: 1)
    let labels = (0..<200).map { UInt8($0 % 4) }
    let pixels = labels.flatMap { label in
      (0..<64).map { pixel -> UInt8 in
        let isInk = pixel / 8 == Int(label) + 2 || pixel % 8 == Int(label)
        return UInt8.random(in: isInk ? 150...255 : 0...40, using: &generator)
      }
    }
    return [
      ("small-images-idx3-ubyte", try IDX(shape: [200, 8, 8], bytes: pixels).encoded()),
      ("small-labels-idx1-ubyte", try IDX(shape: [200], bytes: labels).encoded()),
    ]
  }
}
