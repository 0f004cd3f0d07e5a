/// A learned row of `width` numbers for each of `count` whole numbers: [...] to [..., width].
public func embedding(_ count: Int, _ width: Int, _ parameters: Parameters) -> Layer {
  let table = parameters.make("table", .normal([count, width], "initial"))
  return Layer(parameters) { rows in table.gather(rows) }
}

/// Sines and cosines of `t` at `width / 2` frequencies from 1 to about 1/`period`: [batch] to
/// [batch, width], the sines first.
///
/// See Vaswani et al. 2017, §3.5.
///
/// For whole numbers t below `times`, the values are a table computed in Double: in Float the phase
/// of large t is off by 1e-4.
public func sinusoidalFeatures(_ t: Tensor, times: Int, width: Int, period: Double = 10_000)
  -> Tensor
{
  guard width >= 2, width % 2 == 0 else {
    return .invalid("sinusoidal features need an even width of at least 2, not \(width)", [t])
  }
  let half = width / 2
  let table = (0..<times).flatMap { time in
    let phases = (0..<half).map { i in
      Double(time) * (-period.logarithm * Double(i) / Double(half)).exponential
    }
    return phases.map(\.sine) + phases.map(\.cosine)
  }
  return Tensor.literal(table, [times, width]).gather(t)
}
