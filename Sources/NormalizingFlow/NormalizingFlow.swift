import TensorCore

/// A normalizing flow: invertible steps map data x to standard normal z = f(x), which gives an
/// exact density.
///
/// After Dinh et al. 2017, arXiv 1605.08803 (RealNVP): log p(x) = log N(f(x); 0, I) + log |det
/// df/dx| (eq. 3). f has a learned elementwise scale and shift (Kingma and Dhariwal 2018, arXiv
/// 1807.03039, §3.1) before each affine coupling and after the last. Couplings alternate: the first
/// keeps the first half of the numbers and moves the rest, the next does the opposite. Initially
/// every step is the identity, so z = x.
///
/// Examples x are [n] + shape, standardised; latent points z are [n, dimensions]. Densities are in nats.
public struct CouplingFlow: Sendable {
  /// The shape of an example.
  public let shape: [Int]
  /// Number of dimensions of an example, and of z.
  public let dimensions: Int
  private let steps: [any Bijection]

  /// Creates a flow and adds its parameters to `parameters`.
  ///
  /// - Parameters:
  ///   - shape: The shape of an example, of at least two numbers.
  ///   - couplings: Number of couplings, at least 1; at least 2 to move every number.
  ///   - hidden: Units of the hidden layers of each coupling's network, each followed by SiLU;
  ///     empty for a network that is linear up to the bound on the log scale.
  ///   - logScaleLimit: The bound c of a coupling's log scale, which is c tanh(a / c) for the
  ///     network's output a: no coupling stretches or shrinks a number by more than a factor of
  ///     exp(c).
  /// - Throws: `TensorError` if one of them is out of range.
  public init(
    shape: [Int], couplings: Int, hidden: [Int], logScaleLimit: Double = 2, _ parameters: Parameters
  ) throws {
    let dimensions = shape.reduce(1, *)
    guard shape.allSatisfy({ $0 >= 1 }), dimensions >= 2 else {
      throw TensorError("a flow needs examples of at least two numbers, not of shape \(shape)")
    }
    guard couplings >= 1 else {
      throw TensorError("a flow needs at least one coupling, not \(couplings)")
    }
    guard hidden.allSatisfy({ $0 >= 1 }) else {
      throw TensorError("layers must have at least one unit, not \(hidden)")
    }
    guard logScaleLimit > 0, logScaleLimit.isFinite else {
      throw TensorError("the limit of log scales must be above 0 and finite, not \(logScaleLimit)")
    }
    (self.shape, self.dimensions) = (shape, dimensions)
    var steps: [any Bijection] = []
    for i in 0..<couplings {
      steps.append(ScaleAndShift(dimensions, parameters["norm\(i)"]))
      steps.append(
        AffineCoupling(
          dimensions, keepsFirst: i % 2 == 0, hidden: hidden, logScaleLimit: logScaleLimit,
          parameters["coupling\(i)"]))
    }
    steps.append(ScaleAndShift(dimensions, parameters["norm\(couplings)"]))
    self.steps = steps
  }

  /// Maps examples, [n] + shape, to z = f(x), [n, dimensions], with log |det df/dx| of each, [n].
  public func forward(_ x: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    guard let count = x.shape.first, Array(x.shape.dropFirst()) == shape else {
      let wrong = x.failing("a flow of examples \(shape) given \(x.shape)")
      return (wrong, wrong)
    }
    var (z, sum) = (x.reshape([count, dimensions]), Tensor.zeros([count]))
    for step in steps {
      let (next, logDeterminant) = step.forward(z)
      (z, sum) = (next, sum + logDeterminant)
    }
    return (z, sum)
  }

  /// Maps latent points, [n, dimensions], to examples, [n] + shape; the inverse of `forward`.
  public func inverse(_ z: Tensor) -> Tensor {
    guard z.rank == 2, z.shape[1] == dimensions else {
      return z.failing("a flow of \(dimensions) numbers given latent points of shape \(z.shape)")
    }
    return steps.reversed().reduce(z) { $1.inverse($0) }.reshape([z.shape[0]] + shape)
  }

  /// log p(x) in nats for each example, [n] + shape: [n].
  ///
  /// See Dinh et al. 2017, eq. 3.
  public func logDensity(_ x: Tensor) -> Tensor {
    let (z, logDeterminant) = forward(x)
    guard z.failure == nil else { return z }
    // log N(z; 0, I) = -|z|² / 2 - D log(2 pi) / 2.
    let constant = 0.5 * Double(dimensions) * (2 * Double.pi).logarithm
    return logDeterminant - (0.5 * z.squared().sum(1) + constant)
  }

  /// The training loss: the mean of -log p(x) over a batch, in nats.
  ///
  /// Its expectation is the entropy of the data plus KL(data || flow), so it is never below the
  /// entropy.
  public func loss(_ x: Tensor) -> Tensor { -logDensity(x).mean() }

  /// Draws z for `count` samples: [count, dimensions].
  ///
  /// - Parameter keys: A seed for each sample, see `Tensor.normal`.
  public func noise(_ count: Int, keys: Tensor? = nil) -> Tensor {
    .normal([count, dimensions], "latent", keys: keys)
  }
}
