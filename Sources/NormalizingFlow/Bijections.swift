import TensorCore

/// An invertible step of a flow, applied to rows of numbers.
protocol Bijection: Sendable {
  /// y for x, [n, dimensions], and log |det dy/dx|: [n], or [] if it is the same for every row.
  func forward(_ x: Tensor) -> (y: Tensor, logDeterminant: Tensor)

  /// The x for which `forward` gives y, [n, dimensions].
  func inverse(_ y: Tensor) -> Tensor
}

/// An elementwise scale and shift: y = exp(a) x + b with learned a and b.
///
/// The activation normalization of Kingma and Dhariwal 2018, §3.1, with log |det dy/dx| = sum a. It
/// starts as the identity instead of standardising the first batch, so that the initial state
/// depends only on the seed.
struct ScaleAndShift: Bijection {
  private let logScale, shift: Tensor

  init(_ dimensions: Int, _ parameters: Parameters) {
    logScale = parameters.make("logScale", .zeros([dimensions]))
    shift = parameters.make("shift", .zeros([dimensions]))
  }

  func forward(_ x: Tensor) -> (y: Tensor, logDeterminant: Tensor) {
    (x * exp(logScale) + shift, logScale.sum())
  }

  func inverse(_ y: Tensor) -> Tensor { (y - shift) * exp(-logScale) }
}

/// An affine coupling: some numbers are kept, and determine the scale and shift of the others.
///
/// With x = (u, v): y = (u, v exp(s(u)) + t(u)), and inversely x = (u, (v - t(u)) exp(-s(u))) (Dinh
/// et al. 2017, eq. 7 and 8). The Jacobian is triangular, and the logarithm of its determinant is
/// the sum of s(u) (eq. 6).
///
/// One network computes both: t directly, and s as c tanh(a / c), so that |s| < c while s is close
/// to a near 0. Its last layer is zero initially, and so are s and t (Kingma and Dhariwal 2018,
/// §3.3).
struct AffineCoupling: Bijection {
  /// Number of leading numbers in the first part; the rest is the second part.
  private let split: Int
  private let dimensions: Int
  private let keepsFirst: Bool
  private let logScaleLimit: Double
  private let network: Layer

  init(
    _ dimensions: Int, keepsFirst: Bool, hidden: [Int], logScaleLimit: Double,
    _ parameters: Parameters
  ) {
    (self.dimensions, self.keepsFirst) = (dimensions, keepsFirst)
    self.logScaleLimit = logScaleLimit
    split = dimensions / 2
    let kept = keepsFirst ? split : dimensions - split
    var layers: [Layer] = []
    var width = kept
    for (i, count) in hidden.enumerated() {
      layers.append(dense(width, count, parameters["hidden\(i)"]))
      width = count
    }
    let inner = layers
    let output = dense(width, 2 * (dimensions - kept), scale: 0, parameters["output"])
    network = Layer(parameters) { u in output(inner.reduce(u) { silu($1($0)) }) }
  }

  func forward(_ x: Tensor) -> (y: Tensor, logDeterminant: Tensor) {
    let (u, v) = parts(x)
    let (logScale, shift) = self.logScaleAndShift(u)
    return (joined(u, v * exp(logScale) + shift), logScale.sum(1))
  }

  func inverse(_ y: Tensor) -> Tensor {
    let (u, v) = parts(y)
    let (logScale, shift) = self.logScaleAndShift(u)
    return joined(u, (v - shift) * exp(-logScale))
  }

  /// s and t for the kept numbers: as many each as there are moved numbers.
  private func logScaleAndShift(_ u: Tensor) -> (logScale: Tensor, shift: Tensor) {
    let h = network(u)
    let moved = dimensions - u.shape[1]
    let a = h.slice(axis: 1, from: 0, count: moved)
    return (
      logScaleLimit * tanh(a / logScaleLimit), h.slice(axis: 1, from: moved, count: moved)
    )
  }

  /// The kept and the moved numbers of each row.
  private func parts(_ x: Tensor) -> (kept: Tensor, moved: Tensor) {
    let first = x.slice(axis: 1, from: 0, count: split)
    let second = x.slice(axis: 1, from: split, count: dimensions - split)
    return keepsFirst ? (first, second) : (second, first)
  }

  private func joined(_ kept: Tensor, _ moved: Tensor) -> Tensor {
    concatenate(keepsFirst ? [kept, moved] : [moved, kept], axis: 1)
  }
}
