import Configuration
import DDPM
import TensorCore

/// How samples are drawn, unless the command says otherwise.
package struct SamplingSettings: Equatable, Sendable {
  /// The samplers by name.
  package enum Method: String, CaseIterable, Sendable {
    /// Song et al. 2021, with `eta`.
    case ddim
    /// Ho et al. 2020 with the variance beta².
    case ancestral
    /// Ho et al. 2020 with the variance of the posterior.
    case ancestralPosterior = "ancestral-posterior"
  }

  /// Samples of the final sheet.
  package var count: Int
  /// Samples of the sheets during training.
  package var previewCount: Int
  /// The way from noise to samples, for models that take one.
  package var reverse: Reverse?

  /// How diffusion models sample.
  package struct Reverse: Equatable, Sendable {
    /// The sampler.
    package var method: Method
    /// Steps of the sampler, or nil for all times of the schedule.
    package var steps: Int?
    /// DDIM's share of fresh noise, 0 to 1.
    package var eta: Double
    /// Steps of the sheets during training.
    package var previewSteps: Int

    /// The sampler as the DDPM target knows it.
    package var samplingMethod: SamplingMethod {
      switch method {
      case .ddim: .ddim(eta: eta)
      case .ancestral: .ancestral(.beta)
      case .ancestralPosterior: .ancestral(.posterior)
      }
    }
  }

  /// Of models that draw no samples.
  static let none = SamplingSettings(count: 0, previewCount: 0, reverse: nil)

  private init(count: Int, previewCount: Int, reverse: Reverse?) {
    (self.count, self.previewCount, self.reverse) = (count, previewCount, reverse)
  }

  /// - Parameter times: T of a schedule of noise, or nil for models that sample in one pass.
  init(from reader: inout ConfigurationReader, times: Int?, forPoints: Bool) throws {
    if let times {
      let word = try reader.string(
        "method", default: "ddim", oneOf: Method.allCases.map(\.rawValue))
      reverse = Reverse(
        method: Method(rawValue: word) ?? .ddim,
        steps: try reader.optionalInt("steps", in: 1...times),
        eta: try reader.double("eta", default: 0, in: 0...1),
        previewSteps: try reader.int("previewSteps", default: min(25, times), in: 1...times))
    }
    count = try reader.int("count", default: forPoints ? 2000 : 64, in: 1...100_000)
    previewCount = try reader.int(
      "previewCount", default: forPoints ? 2000 : 16, in: 1...10_000)
  }

  var members: [ConfigurationValue.Member] {
    let counts: [ConfigurationValue.Member] = [
      .init("count", .integer(count)), .init("previewCount", .integer(previewCount)),
    ]
    guard let reverse else { return counts }
    return [
      .init("method", .string(reverse.method.rawValue)), .init("steps", .optional(reverse.steps)),
      .init("eta", .number(reverse.eta)),
    ] + counts + [.init("previewSteps", .integer(reverse.previewSteps))]
  }
}
