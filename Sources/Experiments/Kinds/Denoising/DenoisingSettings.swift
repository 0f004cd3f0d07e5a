import Configuration
import Diffusion
import Networks
import TensorCore

/// Settings of a network that denoises and of its training, common to diffusion models and flow
/// matching.
package struct DenoisingSettings: Equatable, Sendable {
  /// Networks.
  package enum Kind: String, CaseIterable, Sendable {
    /// Network for points: `depth` hidden layers of `width` units, `timeFeatures` sines and cosines of the
    /// time.
    case mlp
    /// Network for images: see `UNetConfiguration`.
    case unet
  }

  /// Weights of squared errors.
  package enum Weight: String, CaseIterable, Sendable {
    case simple
    case minSNR = "min-snr"
    case bound
  }

  /// Distributions of training times.
  package enum Times: String, CaseIterable, Sendable {
    case uniform, stratified
    case logSNR = "log-snr"
    case logNormal = "log-normal"
  }

  /// The network.
  package var network = Kind.mlp
  /// Number of classes the network is conditioned on, or nil.
  package var classes: Int?
  /// Fraction of training examples whose class the network does not see.
  package var labelDropout = 0.0
  /// Sizes of the MLP.
  package var width = 128, depth = 3, timeFeatures = 64
  /// Sizes of the U-Net.
  package var base = 32, multipliers = [1, 2, 4], blocks = 1, patch = 1
  /// True if the U-Net has self-attention at the smallest image size.
  package var attention = true
  /// The quantity that the network estimates.
  package var target = Target.noise
  /// Weights of the errors.
  package var weight = Weight.simple
  /// Limit of the weights of `minSNR`.
  package var gamma = 5.0
  /// Distribution of training times.
  package var times = Times.uniform
  /// Mean and standard deviation of log s/a for `logNormal`.
  package var logMean = -0.5, logStandardDeviation = 1.2

  init() {}

  /// The loss.
  package var objective: DenoisingLoss {
    DenoisingLoss(weight: lossWeight, times: timeDistribution)
  }

  private var lossWeight: LossWeight {
    switch weight {
    case .simple: .simple
    case .minSNR: .minSNR(gamma: gamma)
    case .bound: .bound
    }
  }

  private var timeDistribution: TimeDistribution {
    switch times {
    case .uniform: .uniform
    case .stratified: .stratified
    case .logSNR: .logSNR
    case .logNormal: .logNormal(mean: logMean, standardDeviation: logStandardDeviation)
    }
  }

  /// True if the network has a vector for an unknown class, which guidance needs.
  package var hasUnknownClass: Bool { classes != nil && labelDropout > 0 }

  /// True if the network expects points.
  package var isForPoints: Bool { network == .mlp }

  /// Reason why the network does not fit examples of `shape`, or nil if it does.
  package func failure(forExamplesOf shape: [Int]) -> String? {
    switch network {
    case .mlp:
      shape.count == 1 ? nil : "mlp needs points, and the data are images; expected unet"
    case .unet:
      shape.count == 3
        ? configuration(forExamplesOf: shape)?.failure
        : "unet needs images, but the data are points; expected mlp"
    }
  }

  private func configuration(forExamplesOf shape: [Int]) -> UNetConfiguration? {
    guard network == .unet, shape.count == 3 else { return nil }
    var sizes = UNetConfiguration(
      height: shape[0], width: shape[1], channels: shape[2], base: base, multipliers: multipliers,
      blocks: blocks)
    sizes.patch = patch
    sizes.attention = attention
    (sizes.classes, sizes.hasUnknownClass) = (classes, hasUnknownClass)
    return sizes
  }

  /// Makes the network for examples of `shape`; its parameters are added to `parameters`.
  ///
  /// - Throws: `TensorError` if it does not fit.
  func network(forExamplesOf shape: [Int], _ parameters: Parameters) throws -> DenoisingNetwork {
    if let failure = failure(forExamplesOf: shape) { throw TensorError("model: \(failure)") }
    if let sizes = configuration(forExamplesOf: shape) { return unetNetwork(sizes, parameters) }
    return mlpNetwork(
      dimensions: shape[0], width: width, depth: depth, timeFeatures: timeFeatures,
      classes: classes, hasUnknownClass: hasUnknownClass, parameters)
  }
}

/// Settings of a kind of model that denoises.
package protocol DenoisingModelSettings: ModelSettings {
  /// Settings of the network and of its training.
  var denoising: DenoisingSettings { get set }
  /// True if the noise levels end without any data.
  var endsWithoutSignal: Bool { get }
}

extension DenoisingModelSettings {
  package var root: String { "denoiser" }
  package var endsWithoutSignal: Bool { false }
  package var needsBits: Bool { denoising.target == .bits }
  package var gainsFromBF16: Bool { !isForPoints }
  package var classCount: Int? { denoising.classes }
  package var canBeGuided: Bool { denoising.hasUnknownClass }
  package var isForPoints: Bool { denoising.isForPoints }
  package var sizeKeys: String { isForPoints ? "model.width" : "model.base" }

  package func failure(forExamplesOf shape: [Int]) -> String? {
    denoising.failure(forExamplesOf: shape)
  }
}
