import TensorCore

/// A constraint on the gradient norm of the critic.
public enum Constraint: Equatable, Sendable {
  /// f / (|∇f| + |f|), which is in [-1, 1], Wu et al. 2021 (GN-GAN, arXiv 2109.02235, eq. 10).
  case gradientNormalized
  /// f |∇f| / (|∇f|² + ε), Bhaskara et al. 2022 (GraN-GAN, arXiv 2111.03162).
  case piecewiseNormalized(epsilon: Double)
  /// A penalty in the loss: `weight` times the mean of (|∇f| - 1)² between data and samples
  /// (Gulrajani et al. 2017, eq. 3); if one-sided, gradient norms below 1 are not penalised.
  case gradientPenalty(weight: Double, isOneSided: Bool)
  /// Division of each weight by an estimate of its largest singular value, with one power iteration
  /// per step (Miyato et al. 2018, algorithm 1).
  case spectral
  /// Clipping of the critic's weights to [-limit, limit] (Arjovsky et al. 2017, algorithm 1).
  case clipping(limit: Double)
  /// No constraint.
  case none

  /// The reason why a setting is invalid, or nil.
  public var failure: String? {
    switch self {
    case .piecewiseNormalized(let epsilon) where !(epsilon > 0 && epsilon.isFinite):
      "epsilon must be above 0, not \(epsilon)"
    case .gradientPenalty(let weight, _) where !(weight >= 0 && weight.isFinite):
      "the weight of a penalty must be at least 0, not \(weight)"
    case .clipping(let limit) where !(limit > 0 && limit.isFinite):
      "the clipping limit of weights must be above 0, not \(limit)"
    default: nil
    }
  }
}

/// A penalty on the critic's loss that keeps its score from jumping between neighbouring points.
///
/// The penalty is `weight` times the mean squared difference between the scores of an example and
/// of a neighbour, for data (Zhang et al. 2020, arXiv 1910.12027, eq. 4) and for samples (Zhao et
/// al. 2020, arXiv 2002.04724). The score of a normalized critic can be discontinuous where its
/// gradient is; in the plane it develops cells in which it is nearly flat and lowest, where the
/// generator learns nothing.
public struct Consistency: Equatable, Sendable {
  /// Factor of the mean squared difference.
  public var weight: Double
  /// Standard deviation of the normal noise that is added to an example to get a neighbour.
  public var standardDeviation: Double

  /// Creates a penalty.
  public init(weight: Double, standardDeviation: Double) {
    (self.weight, self.standardDeviation) = (weight, standardDeviation)
  }

  /// The reason why a setting is invalid, or nil.
  public var failure: String? {
    guard weight >= 0, weight.isFinite, standardDeviation > 0,
      standardDeviation.isFinite
    else {
      return
        "consistency needs a weight of at least 0 and a standard deviation above 0, not \(weight) and "
        + "\(standardDeviation)"
    }
    return nil
  }
}

/// The critic's output for examples.
public struct Score: Sendable {
  /// The score that losses use, [n].
  public let value: Tensor
  /// f, the critic before the constraint, [n].
  public let raw: Tensor
  /// Gradient norm |∇f|, [n], if the constraint divides by it.
  public let gradientNorm: Tensor?
}

/// The gradient norm |∇f| of each example, [n], for f = critic(x), [n].
///
/// The square root has 1e-12 added to its argument, so that its derivative is finite at zero and
/// |∇f| at least 1e-6.
func gradientNorm(of f: Tensor, at x: Tensor) -> Tensor {
  let gradient = gradients(of: f.sum(), withRespectTo: [x])[0]
  return sqrt(gradient.squared().sum(over: 1...) + 1e-12)
}

extension Constraint {
  /// The score of examples x, [n, ...], for which the critic's output is f, [n].
  ///
  /// If f and ∇f are both zero, so is the score, because |∇f| is at least 1e-6. The gradient there
  /// is that of f / 1e-6.
  func score(_ f: Tensor, at x: Tensor) -> Score {
    switch self {
    case .gradientNormalized:
      let n = gradientNorm(of: f, at: x)
      return Score(value: f / (n + abs(f)), raw: f, gradientNorm: n)
    case .piecewiseNormalized(let epsilon):
      let n = gradientNorm(of: f, at: x)
      return Score(value: f * n / (n.squared() + epsilon), raw: f, gradientNorm: n)
    case .gradientPenalty, .spectral, .clipping, .none:
      return Score(value: f, raw: f, gradientNorm: nil)
    }
  }
}

/// A weight of the critic with the vector that tracks its largest singular value.
struct Spectrum: Sendable {
  let weight: Variable
  /// Power iteration vector of the weight as a matrix from inputs to outputs, [outputs, 1].
  let vector: Variable

  init(_ weight: Variable) {
    let outputs = weight.shape.last ?? 1
    self.weight = weight
    let start = Tensor.normal([1, outputs], "initial")
    vector = Variable("\(weight.name)/u", initially: start / length(start))
  }

  /// The weight divided by its singular value, and the vector after one more iteration.
  ///
  /// v = W u / |W u|, u' = Wᵀ v / |Wᵀ v|, σ = vᵀ W u'; gradients flow only through W.
  var normalized: (weight: Tensor, vector: Tensor) {
    let w = weight.value.reshape([-1, vector.shape[1]])
    let fixed = w.stopped
    let right = (fixed * vector.value).sum(1, keep: true)
    let v = right / length(right)
    let left = (fixed * v).sum(0, keep: true)
    let u = left / length(left)
    let sigma = (w * v * u).sum()
    return (weight.value / (sigma + 1e-12), u)
  }
}

private func length(_ x: Tensor) -> Tensor { sqrt(x.squared().sum() + 1e-24) }
