import TensorCore

/// p(x|z), given what the decoder says of z.
public enum ObservationModel: Equatable, Sendable {
  /// Independent pixels that are 0 or 1, of which the decoder gives the logits.
  case bernoulli
  /// Independent normal numbers, of which the decoder gives the means; all have one standard
  /// deviation, which is learned where it is nil.
  case gaussian(deviation: Double?)
}

/// p(x|z) with its parameters.
struct Observation: Sendable {
  private let likelihood: ObservationModel
  /// log σ, a single number, where there is a σ.
  private let logDeviation: Tensor

  init(_ likelihood: ObservationModel, _ parameters: Parameters) {
    self.likelihood = likelihood
    switch likelihood {
    case .bernoulli: logDeviation = Tensor(0)
    case .gaussian(let deviation?): logDeviation = log(Tensor(deviation))
    case .gaussian(nil): logDeviation = parameters.make("scale", Tensor(0))
    }
  }

  /// σ, a single number, where there is one.
  var deviation: Tensor? { likelihood == .bernoulli ? nil : exp(logDeviation) }

  /// log p(x|z) in nats, summed over `axes`; `x` may have lengths of one where `output` has more.
  func logLikelihood(of x: Tensor, _ output: Tensor, over axes: [Int]) -> Tensor {
    switch likelihood {
    case .bernoulli:
      // log σ(l)^x (1 - σ(l))^(1-x), which overflows nowhere.
      return (x * output - softplus(output)).sum(over: axes)
    case .gaussian:
      let z = (x - output) * exp(-logDeviation)
      let constant = logDeviation + 0.5 * (2 * Double.pi).logarithm
      return -(0.5 * z.squared() + constant).sum(over: axes)
    }
  }

  /// E[x|z].
  func mean(_ output: Tensor) -> Tensor {
    switch likelihood {
    case .bernoulli: sigmoid(output)
    case .gaussian: output
    }
  }

  /// A draw of x.
  func draw(_ output: Tensor, keys: Tensor?) -> Tensor {
    switch likelihood {
    case .bernoulli: .uniform(output.shape, "observation", keys: keys) < sigmoid(output)
    case .gaussian:
      output + exp(logDeviation) * .normal(output.shape, "observation", keys: keys)
    }
  }
}
