import Configuration
import Diffusion

/// Keys of the networks that denoise and of their training.
///
/// Keys that a default leaves out are written only if they differ from it, so that the YAML of older
/// experiments stays unchanged.
extension Schema where Settings: DenoisingModelSettings {
  private static var network: Choice<DenoisingSettings.Kind> {
    Choice("network", \.denoising.network)
  }

  /// Keys of the classes, the network and its sizes.
  static var networkKeys: [Key] {
    let (isMLP, isUNet) = (network.is(.mlp), network.is(.unet))
    return [
      .optionalInt(
        "classes", \.denoising.classes, in: 1...256,
        "Number of classes the network is conditioned on; null for an unconditional model."
      ).known(as: "numClasses", "nClasses", "classCond"),
      .number(
        "labelDropout", \.denoising.labelDropout, in: 0...0.9,
        "Fraction of examples whose class is hidden in training, so that samples can be guided."
      ).known(as: "classDropoutProb", "condDropProb", "cfgDropout", "uncondProb")
        .written { $0.denoising.labelDropout > 0 }
        .rule("labelDropout") { settings, error in
          if settings.denoising.labelDropout > 0, settings.denoising.classes == nil {
            throw error("there are no classes to hide; expected 0, or a number of model.classes")
          }
        },
      .choice(
        network, default: .required,
        "Network that denoises: mlp for points, unet for images."
      ).known(as: "arch", "architecture"),
      .int("width", \.denoising.width, in: 1...8192, "Number of units of each hidden layer.")
        .when(isMLP).known(as: "hiddenDim", "hiddenSize", "hiddenUnits", "hiddenDims"),
      .int("depth", \.denoising.depth, in: 1...64, "Number of hidden layers.")
        .when(isMLP).known(as: "numLayers", "nLayers", "layers"),
      .int(
        "timeFeatures", \.denoising.timeFeatures, in: 2...4096, multipleOf: 2,
        "Number of sines and cosines that encode the time."
      ).when(isMLP),
      .int(
        "patch", \.denoising.patch, in: 1...64,
        "Side of the squares of pixels that are merged into one position at the input and split at the output."
      ).when(isUNet).known(as: "patchSize", "spaceToDepth")
        .written { $0.denoising.network == .unet && $0.denoising.patch > 1 },
      .int(
        "base", \.denoising.base, in: 2...1024,
        "Number of channels at the largest size: even, and divisible by the norms' 8 groups."
      ).when(isUNet).known(as: "baseChannels", "modelChannels"),
      .ints(
        "multipliers", \.denoising.multipliers, in: 1...64, count: 1...8,
        "Numbers of channels at each size, as multiples of base; the size halves from one to the next."
      ).when(isUNet).known(as: "dimMults", "channelMult", "chMult"),
      .int("blocks", \.denoising.blocks, in: 1...16, "Number of residual blocks at each size.")
        .when(isUNet).known(as: "numResBlocks"),
      .bool(
        "attention", \.denoising.attention, "Self-attention at the smallest image size."
      ).when(isUNet),
    ]
  }

  /// Keys of the target, the weights and the times of training.
  ///
  /// - Parameter standard: Settings whose target, weight and times are the kind's defaults.
  static func objectiveKeys(_ standard: DenoisingSettings) -> [Key] {
    let weight = Choice<DenoisingSettings.Weight>("weight", \.denoising.weight)
    let times = Choice<DenoisingSettings.Times>("trainingTimes", \.denoising.times)
    return [
      .word(
        "target", \.denoising.target,
        "Quantity that the network estimates; bits is the log-odds of pixels that are -1 or 1."
      ).known(as: "objective", "predictionType", "parameterization", "modelMeanType")
        .written { $0.denoising.target != standard.target }
        .rule("target") { settings, error in
          if settings.denoising.target == .noise, settings.endsWithoutSignal {
            throw error(
              "noise tells nothing about x_0 where the path ends without data; expected x0, v or velocity"
            )
          }
        },
      .choice(
        weight,
        "Weights of squared errors: equal ones for the target, SNR limited by gamma for x_0, or the bound's."
      ).known(as: "lossWeighting", "snrWeighting")
        .written { $0.denoising.weight != standard.weight },
      .number("gamma", \.denoising.gamma, in: 0.0.nextUp...1000, "Largest weight of min-snr.")
        .when(weight.is(.minSNR)).known(as: "minSNRGamma", "snrGamma"),
      .choice(
        times,
        "Training times: independent and uniform, or one in each of as many equal intervals; uniform in log SNR; or log s/a normal."
      ).known(as: "timestepSampling", "timeSampler", "scheduleSampler")
        .written { $0.denoising.times != standard.times },
      .number(
        "logMean", \.denoising.logMean, in: -20...20, "Mean of log s/a, for log-normal times."
      ).when(times.is(.logNormal)).known(as: "pMean"),
      .number(
        "logStandardDeviation", \.denoising.logStandardDeviation, in: 0.01...20,
        "Standard deviation of log s/a, for log-normal times."
      ).when(times.is(.logNormal)).known(as: "pStd"),
    ]
  }
}
