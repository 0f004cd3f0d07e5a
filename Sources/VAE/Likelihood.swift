import TensorCore

/// The family of p(x|z), whose parameters the decoder computes from z.
public enum ObservationModel: Equatable, Sendable {
  /// Independent pixels that are 0 or 1; the decoder computes the logits.
  case bernoulli
  /// Independent normal numbers; the decoder computes the means. All have the same standard
  /// deviation, which is learned if it is nil.
  case gaussian(standardDeviation: Double?)
}

/// The distribution p(x|z) with its parameters.
struct Observation: Sendable {
  private let likelihood: ObservationModel
  /// log σ, a scalar; 0 for a Bernoulli likelihood.
  private let logStandardDeviation: Tensor

  init(_ likelihood: ObservationModel, _ parameters: Parameters) {
    self.likelihood = likelihood
    switch likelihood {
    case .bernoulli: logStandardDeviation = Tensor(0)
    case .gaussian(let standardDeviation?): logStandardDeviation = log(Tensor(standardDeviation))
    case .gaussian(nil): logStandardDeviation = parameters.make("scale", Tensor(0))
    }
  }

  /// σ, a scalar, or nil for a Bernoulli likelihood.
  var standardDeviation: Tensor? { likelihood == .bernoulli ? nil : exp(logStandardDeviation) }

  /// log p(x|z) in nats, summed over `axes`; `x` is broadcast to the shape of `output`.
  func logLikelihood(of x: Tensor, _ output: Tensor, over axes: [Int]) -> Tensor {
    switch likelihood {
    case .bernoulli:
      // log σ(l)^x (1 - σ(l))^(1-x), in a form that does not overflow.
      return (x * output - softplus(output)).sum(over: axes)
    case .gaussian:
      let z = (x - output) * exp(-logStandardDeviation)
      let constant = logStandardDeviation + 0.5 * (2 * Double.pi).logarithm
      return -(0.5 * z.squared() + constant).sum(over: axes)
    }
  }

  /// The mean E[x|z].
  func mean(_ output: Tensor) -> Tensor {
    switch likelihood {
    case .bernoulli: sigmoid(output)
    case .gaussian: output
    }
  }

  /// Draws x from p(x|z).
  func draw(_ output: Tensor, keys: Tensor?) -> Tensor {
    switch likelihood {
    case .bernoulli: .uniform(output.shape, "observation", keys: keys) < sigmoid(output)
    case .gaussian:
      output + exp(logStandardDeviation) * .normal(output.shape, "observation", keys: keys)
    }
  }
}
