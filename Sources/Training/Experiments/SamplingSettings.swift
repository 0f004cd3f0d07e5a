import DDPM
import TensorCore

/// How samples are drawn, unless the command says otherwise.
public struct SamplingSettings: Equatable, Sendable {
  /// The samplers by name.
  public enum Method: String, CaseIterable, Sendable {
    /// Song et al. 2021, with `eta`.
    case ddim
    /// Ho et al. 2020 with the variance beta².
    case ancestral
    /// Ho et al. 2020 with the variance of the posterior.
    case ancestralPosterior = "ancestral-posterior"
  }

  /// Samples of the final sheet.
  public var count = 64
  /// Samples of the sheets during training.
  public var previewCount = 16
  /// The way from noise to samples, for models that take one.
  public var reverse: Reverse? { times == nil ? nil : way }

  private var way = Reverse()
  /// T of a schedule of noise, or nil for models that sample in one pass.
  private var times: Int?

  /// How diffusion models sample.
  public struct Reverse: Equatable, Sendable {
    /// The sampler.
    public var method = Method.ddim
    /// Steps of the sampler, or nil for all times of the schedule.
    public var steps: Int?
    /// DDIM's share of fresh noise, 0 to 1.
    public var eta = 0.0
    /// Steps of the sheets during training.
    public var previewSteps = 25

    /// The sampler as the DDPM target knows it.
    public var samplingMethod: SamplingMethod {
      switch method {
      case .ddim: .ddim(eta: eta)
      case .ancestral: .ancestral(.beta)
      case .ancestralPosterior: .ancestral(.posterior)
      }
    }
  }

  /// Those that every model has, before they are read.
  init() {}

  /// The defaults for a model.
  ///
  /// - Parameter times: T of a schedule of noise, or nil for models that sample in one pass.
  init(times: Int?, forPoints: Bool) {
    self.times = times
    if let times { way.previewSteps = min(way.previewSteps, times) }
    if forPoints { (count, previewCount) = (2000, 2000) }
  }

  private static let diffusion = Schema<Self>.Condition(ModelSettings.clause { $0.times != nil }) {
    $0.times != nil
  }
  private static let times = Schema<Self>.Limit("model.times", \.times)

  static let schema = Schema<Self>([
    .word(
      "method", \.way.method,
      "The sampler: ddim with eta, or that of Ho et al. with either variance."
    ).when(diffusion).known(as: "sampler"),
    .optionalInt(
      "steps", \.way.steps, in: 1...100_000, upTo: times,
      "Steps of the sampler; null for all times of the schedule."
    ).when(diffusion).known(as: "samplingSteps", "numInferenceSteps", "ddimSteps"),
    .number("eta", \.way.eta, in: 0...1, "The share of fresh noise in a step of ddim.")
      .when(diffusion).known(as: "ddimEta"),
    .int(
      "count", \.count, default: .computed("2000 for points, 64 for images") { $0.count },
      in: 1...100_000,
      "Samples of samples.png."
    ).known(as: "numSamples", "nSamples", "sampleSize"),
    .int(
      "previewCount", \.previewCount,
      default: .computed("2000 for points, 16 for images") { $0.previewCount }, in: 1...10_000,
      "Samples of the sheets during training."),
    .int(
      "previewSteps", \.way.previewSteps,
      default: .computed("25, or model.times if that is fewer") { $0.way.previewSteps },
      in: 1...100_000,
      upTo: times, "Steps of the sampler in the sheets during training."
    ).when(diffusion),
  ])
}
