import TensorCore

/// What keeps the critic from growing steep.
public enum Constraint: Equatable, Sendable {
  /// f / (|∇f| + |f|), Wu et al. 2021 (GN-GAN, arXiv 2109.02235, eq. 10), which lies in [-1, 1].
  case gradientNormalized
  /// f |∇f| / (|∇f|² + ε), Bhaskara et al. 2022 (GraN-GAN, arXiv 2111.03162).
  case piecewiseNormalized(epsilon: Double)
  /// `weight` times the mean of (|∇f| - 1)² between data and samples is added to the loss (Gulrajani et
  /// al. 2017, eq. 3); one-sided, slopes below 1 cost nothing.
  case gradientPenalty(weight: Double, isOneSided: Bool)
  /// Each weight is divided by an estimate of its largest singular value, of one power iteration a step
  /// (Miyato et al. 2018, algorithm 1).
  case spectral
  /// The critic's weights stay in [-limit, limit] (Arjovsky et al. 2017, algorithm 1).
  case clipping(limit: Double)
  /// Nothing.
  case none

  /// What is wrong with its settings, or nil.
  public var failure: String? {
    switch self {
    case .piecewiseNormalized(let epsilon) where !(epsilon > 0 && epsilon.isFinite):
      "epsilon is above 0, not \(epsilon)"
    case .gradientPenalty(let weight, _) where !(weight >= 0 && weight.isFinite):
      "the weight of a penalty is at least 0, not \(weight)"
    case .clipping(let limit) where !(limit > 0 && limit.isFinite):
      "weights are clipped at a limit above 0, not \(limit)"
    default: nil
    }
  }
}

/// What is added to the critic's loss so that its score does not jump between neighbours.
///
/// `weight` times the mean squared difference of the scores of an example and of a neighbour, of data
/// (Zhang et al. 2020, arXiv 1910.12027, eq. 4) and of samples (Zhao et al. 2020, arXiv 2002.04724). The
/// score of a normalized critic may jump where its gradient does; in a plane it finds cells in which it is
/// nearly flat and at its lowest, and the generator learns nothing there.
public struct Consistency: Equatable, Sendable {
  /// Of the squares.
  public var weight: Double
  /// Of the normal noise that makes a neighbour of an example.
  public var deviation: Double

  /// A weight and a distance.
  public init(weight: Double, deviation: Double) {
    (self.weight, self.deviation) = (weight, deviation)
  }

  /// What is wrong with its settings, or nil.
  public var failure: String? {
    guard weight >= 0, weight.isFinite, deviation > 0, deviation.isFinite else {
      return "consistency has a weight of at least 0 and a deviation above 0, not \(weight) and "
        + "\(deviation)"
    }
    return nil
  }
}

/// What the critic says of examples.
public struct Score: Sendable {
  /// What losses are of, [n].
  public let value: Tensor
  /// f, the critic before the constraint, [n].
  public let raw: Tensor
  /// |∇f|, [n], where the constraint divides by it.
  public let slope: Tensor?
}

/// |∇f| of each example, [n], for f = critic(x), [n].
///
/// The square root has 1e-12 under it: its derivative at zero is finite then, and |∇f| at least 1e-6.
func gradientNorm(of f: Tensor, at x: Tensor) -> Tensor {
  let gradient = gradients(of: f.sum(), withRespectTo: [x])[0]
  return sqrt(gradient.squared().sum(over: 1...) + 1e-12)
}

extension Constraint {
  /// The score of examples x, [n, ...], of which the critic says f, [n].
  ///
  /// Where f and ∇f are both zero, so is the score: |∇f| counts as 1e-6. The gradient there is that of
  /// f / 1e-6.
  func score(_ f: Tensor, at x: Tensor) -> Score {
    switch self {
    case .gradientNormalized:
      let n = gradientNorm(of: f, at: x)
      return Score(value: f / (n + abs(f)), raw: f, slope: n)
    case .piecewiseNormalized(let epsilon):
      let n = gradientNorm(of: f, at: x)
      return Score(value: f * n / (n.squared() + epsilon), raw: f, slope: n)
    case .gradientPenalty, .spectral, .clipping, .none:
      return Score(value: f, raw: f, slope: nil)
    }
  }
}

/// A weight of the critic and the vector by which its largest singular value is followed.
struct Spectrum: Sendable {
  let weight: Variable
  /// Of the weight as a matrix from inputs to outputs, [outputs, 1].
  let vector: Variable

  init(_ weight: Variable) {
    let outputs = weight.shape.last ?? 1
    self.weight = weight
    let start = Tensor.normal([1, outputs], "initial")
    vector = Variable("\(weight.name)/u", initially: start / length(start))
  }

  /// The weight over its singular value, and the vector after one more step.
  ///
  /// v = W u / |W u|, u' = Wᵀ v / |Wᵀ v|, σ = vᵀ W u'; the gradient goes through W alone.
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
