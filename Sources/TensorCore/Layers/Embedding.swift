/// A learned row of `width` numbers for each of `count` whole numbers: [...] to [..., width].
public func embedding(_ count: Int, _ width: Int, _ parameters: Parameters) -> Layer {
  let table = parameters.make("table", .normal([count, width], "initial"))
  return Layer(parameters) { rows in table.gather(rows) }
}

/// Sines and cosines of `t` at `width / 2` frequencies from 1 to about 1/`period`: [batch] to
/// [batch, width], the sines first.
///
/// See Vaswani et al. 2017, §3.5. `t` is any real number; in Float the phase of t = 1000 is off by
/// up to 6e-5.
public func sinusoidalFeatures(_ t: Tensor, width: Int, period: Double = 10_000) -> Tensor {
  guard width >= 2, width % 2 == 0 else {
    return .invalid("sinusoidal features need an even width of at least 2, not \(width)", [t])
  }
  let half = width / 2
  let frequencies = (0..<half).map {
    (-period.logarithm * Double($0) / Double(half)).exponential
  }
  let phases = t.reshape([-1, 1]) * Tensor.literal(frequencies, [1, half])
  return concatenate([sin(phases), cos(phases)], axis: 1)
}
