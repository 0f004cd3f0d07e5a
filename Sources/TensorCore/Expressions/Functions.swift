// Compositions of primitives that the field has names for.

/// max(x, 0); its derivative at 0 is 0.
public func relu(_ x: Tensor) -> Tensor { maximum(x, 0) }

/// x where positive, else `slope` times x.
public func leakyReLU(_ x: Tensor, slope: Double = 0.2) -> Tensor { maximum(x, slope * x) }

/// x sigmoid(x), also called swish.
///
/// See Ramachandran et al. 2017.
public func silu(_ x: Tensor) -> Tensor {
  // The compiler knows this form, x * s, and that of its gradient for a cotangent g,
  // g * s + (g * x) * (s * (1 - s)), and puts one instruction in place of each: the order of the
  // operands matters, here and in the gradients of `multiply` and `sigmoid`.
  x * sigmoid(x)
}

/// x Φ(x), Φ being the standard normal distribution function: exact, by the error function.
///
/// See Hendrycks and Gimpel 2016, eq. in §2.
public func gelu(_ x: Tensor) -> Tensor { x * (0.5 + 0.5 * erf(x * 0.5.squareRoot())) }

/// exp(x) over its sum along `axis`.
public func softmax(_ x: Tensor, axis: Int = -1) -> Tensor {
  let e = exp(x - x.maximum(axis, keep: true).stopped)
  return e / e.sum(axis, keep: true)
}

/// `softmax` along the last axis of what `mask` lets through: where it is 0, the value is 0.
///
/// A row of which nothing is let through is zero throughout.
///
/// - Parameter mask: 1 or 0, of a shape that is broadcast to that of `x`.
public func maskedSoftmax(_ x: Tensor, mask: Tensor) -> Tensor {
  guard broadcastShape(mask.shape, x.shape) == x.shape else {
    return .invalid(
      "softmax of shape \(x.shape) given a mask of shape \(mask.shape); expected a mask that is "
        + "broadcast to \(x.shape)", [x, mask])
  }
  // Not -infinity, which less itself is NaN in a row of which nothing is let through.
  return mask * softmax(select(mask, x, -1e30))
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
