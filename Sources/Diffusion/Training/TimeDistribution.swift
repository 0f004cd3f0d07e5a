import TensorCore

/// A distribution of the times at which a network is trained.
public enum TimeDistribution: Equatable, Sendable {
  /// Uniform, independent for each example (Ho et al. 2020, algorithm 1).
  case uniform
  /// Uniform, one in each of as many equal intervals as there are examples, at the same place in all
  /// of them (Kingma et al. 2021, appendix I.1).
  case stratified
  /// Uniform in log SNR over the path, stratified.
  case logSNR
  /// log s/a normal (Karras et al. 2022, table 1), stratified and cut off at the ends of the path.
  case logNormal(mean: Double, standardDeviation: Double)

  /// True if the times of a discrete schedule are drawn, and not those between them.
  var drawsWholeTimes: Bool {
    switch self {
    case .uniform, .stratified: true
    case .logSNR, .logNormal: false
    }
  }

  /// Uniform numbers for `count` examples, [count], one stratum each unless independent.
  ///
  /// The draw of example i of a step is a function of the step and i.
  func places(_ count: Int) -> Tensor {
    guard self != .uniform else { return .uniform([count], "time") }
    let strata = (0..<count).map { Double($0) / Double(count) }
    let places = Tensor.uniform([1], "time") + Tensor.literal(strata, [count])
    return places - floor(places)
  }

  /// The time at which the distribution function is `place`, from 0 to 1, on a path.
  func time(_ place: Double, on path: NoisePath, _ range: ClosedRange<Double>) -> Double {
    let ends = (
      path.level(at: range.lowerBound).logRatio, path.level(at: range.upperBound).logRatio
    )
    switch self {
    case .uniform, .stratified:
      return range.lowerBound + place * (range.upperBound - range.lowerBound)
    case .logSNR: return path.time(atLogRatio: ends.0 + place * (ends.1 - ends.0))
    case .logNormal(let mean, let deviation):
      let (low, high) = (normal((-ends.0 - mean) / deviation), normal((-ends.1 - mean) / deviation))
      let value = mean + deviation * normalQuantile(low + place * (high - low))
      return path.time(atLogRatio: min(ends.0, max(ends.1, -value)))
    }
  }
}

/// Φ(x).
private func normal(_ x: Double) -> Double { (1 + (x * 0.5.squareRoot()).applying(.erf)) / 2 }

/// Φ⁻¹, by bisection.
private func normalQuantile(_ p: Double) -> Double {
  var (low, high) = (-9.0, 9.0)
  for _ in 0..<60 {
    let middle = (low + high) / 2
    if normal(middle) < p { low = middle } else { high = middle }
  }
  return (low + high) / 2
}
