import Glibc

/// The distribution function of the cosine w of a von Mises-Fisher draw, by quadrature over the
/// angle θ, independent of the library: the density of θ is proportional to
/// exp(κ cos θ) sin^{d-2} θ.
struct CosineDistribution {
  private let start: Double
  private let step: Double
  /// P(θ' > θ) at start + i step.
  private let upper: [Double]

  init(dimension: Int, concentration: Double, panels: Int = 20_000) {
    let (d, k) = (Double(dimension), concentration)
    func logDensity(_ angle: Double) -> Double {
      // κ (cos θ - 1), which does not round at large κ.
      let half = sin(angle / 2)
      return -2 * k * half * half + (dimension == 2 ? 0 : (d - 2) * log(sin(angle)))
    }
    // At the mode κ sin² θ = (d - 2) cos θ.
    let v = d / 2 - 1
    // tan(θ/2) of the mode, from 1 - cos θ = (R + v - κ)/(R + v) with R² = v² + κ².
    let r = hypot(v, k)
    let center =
      dimension == 2 ? 0 : 2 * atan2((v + v * v / (r + k)).squareRoot(), (v + r + k).squareRoot())
    let top = dimension == 2 ? 0 : logDensity(center)
    func edge(from inside: Double, to outside: Double) -> Double {
      // The density here is exp(-50) times its maximum.
      var (inside, outside) = (inside, outside)
      if dimension == 2, logDensity(outside) - top > -50 { return outside }
      for _ in 0..<100 {
        let middle = (inside + outside) / 2
        if logDensity(middle) - top > -50 { inside = middle } else { outside = middle }
      }
      return outside
    }
    let (low, high) = (edge(from: center, to: 0), edge(from: center, to: .pi))
    start = low
    step = (high - low) / Double(panels)
    // Simpson's rule in each panel, summed from the far end.
    let density = { [step] (i: Double) -> Double in
      let angle = min(max(low + i * step, 0), .pi)
      if dimension > 2 && (angle == 0 || angle == .pi || sin(angle) <= 0) { return 0 }
      return exp(logDensity(angle) - top)
    }
    var sums = [Double](repeating: 0, count: panels + 1)
    for i in (0..<panels).reversed() {
      let x = Double(i)
      sums[i] = sums[i + 1] + density(x) + 4 * density(x + 0.5) + density(x + 1)
    }
    let total = sums[0]
    upper = sums.map { $0 / total }
  }

  /// P(w' < w) for w = cos θ, from sin(θ/2) = √((1 - w)/2).
  func callAsFunction(versine: Double) -> Double {
    let angle = 2 * atan2(versine.squareRoot(), (2 - versine).squareRoot())
    let place = (angle - start) / step
    guard place > 0 else { return 1 }
    guard place < Double(upper.count - 1) else { return 0 }
    let i = Int(place), fraction = place - Double(i)
    return upper[i] + fraction * (upper[i + 1] - upper[i])
  }
}

/// The significance of Kolmogorov and Smirnov's distance D of n draws, 2 Σ (-1)^{j-1} exp(-2 j² t²)
/// for t = D (√n + 0.12 + 0.11 / √n) (Stephens 1970).
func significance(ofDistance distance: Double, count: Int) -> Double {
  let root = Double(count).squareRoot()
  let t = distance * (root + 0.12 + 0.11 / root)
  guard t > 0.3 else { return 1 }
  var (sum, sign) = (0.0, 2.0)
  for j in 1...100 {
    let jt = Double(j) * t
    sum += sign * exp(-2 * jt * jt)
    sign = -sign
  }
  return min(max(sum, 0), 1)
}

/// The largest distance between the empirical distribution of values of a distribution function
/// and the uniform one.
func largestDistance(_ probabilities: [Double]) -> Double {
  let n = Double(probabilities.count)
  return probabilities.sorted().enumerated().reduce(0) { largest, item in
    let (i, u) = (Double(item.offset), item.element)
    return max(largest, u - i / n, (i + 1) / n - u)
  }
}
