// Compositions of primitives that the field has names for.

/// max(x, 0); its derivative at 0 is 0.
public func relu(_ x: Tensor) -> Tensor { maximum(x, 0) }

/// x where positive, else `slope` times x.
public func leakyReLU(_ x: Tensor, slope: Double = 0.2) -> Tensor { maximum(x, slope * x) }

/// 1 / (1 + exp(-x)), by the hyperbolic tangent: neither it nor its gradient overflows.
public func sigmoid(_ x: Tensor) -> Tensor { 0.5 * tanh(0.5 * x) + 0.5 }

/// log(1 + exp(x)), without overflow.
public func softplus(_ x: Tensor) -> Tensor { relu(x) + log1p(exp(-abs(x))) }

/// x sigmoid(x), also called swish.
///
/// See Ramachandran et al. 2017.
public func silu(_ x: Tensor) -> Tensor {
  let half = 0.5 * x
  return half * tanh(half) + half
}

/// exp(x) over its sum along `axis`.
public func softmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  let e = exp(x - x.maximum(axis, keep: true).stopped)
  return e / e.sum(axis, keep: true)
}

/// Twice as high and wide: each pixel of NHWC images becomes a 2x2 block.
public func upsampleNearest(_ x: Tensor) -> Tensor {
  guard x.rank == 4 else {
    return .invalid("upsampleNearest of shape \(x.shape), not NHWC images", [x])
  }
  let (n, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
  return x.reshape([n, h, 1, w, 1, c]).broadcast(to: [n, h, 2, w, 2, c]).reshape([
    n, 2 * h, 2 * w, c,
  ])
}

/// base to the power x.
public func power(_ base: Double, _ x: Tensor) -> Tensor { exp(Tensor(base.logarithm) * x) }
