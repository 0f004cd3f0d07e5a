import Foundation

/// Arcs of curves with equal weight and isotropic Gaussian noise.
///
/// The density is the integral over the arcs of the noise's density, by quadrature on panels no
/// longer than the noise's standard deviation: in such a panel a polynomial of degree
/// 15 approximates a Gaussian to 1e-10.
public struct NoisyCurve: PlaneDistribution {
  /// One arc: a parameter t with a distribution on an interval, and a curve.
  public struct Arc: Sendable {
    let interval: ClosedRange<Double>
    /// An upper bound of the curve's speed on the interval.
    let speed: Double
    /// The density of t on the interval.
    let density: @Sendable (Double) -> Double
    /// The quantile function of t, which maps uniform numbers to values of t.
    let quantile: @Sendable (Double) -> Double
    let curve: @Sendable (Double) -> Point

    /// Creates an arc whose parameter t is uniform.
    public static func uniform(
      _ interval: ClosedRange<Double>, speed: Double, curve: @escaping @Sendable (Double) -> Point
    ) -> Arc {
      let (start, length) = (interval.lowerBound, interval.upperBound - interval.lowerBound)
      return Arc(
        interval: interval, speed: speed, density: { _ in 1 / length },
        quantile: { start + length * $0 }, curve: curve)
    }
  }

  let arcs: [Arc]
  let standardDeviation: Double
  private let xs, ys, weights: [Double]
  private let knownEntropy: Double

  /// Creates a distribution with a precomputed entropy, which a test recomputes.
  public init(
    arcs: [Arc], standardDeviation: Double, entropy: Double, panelsPerStandardDeviation: Double = 1
  ) {
    self.arcs = arcs
    self.standardDeviation = standardDeviation
    knownEntropy = entropy
    var (xs, ys, weights): ([Double], [Double], [Double]) = ([], [], [])
    for arc in arcs {
      let (start, end) = (arc.interval.lowerBound, arc.interval.upperBound)
      let panels = ((end - start) * arc.speed / standardDeviation * panelsPerStandardDeviation)
        .rounded(.up)
      let width = (end - start) / panels
      // Far beyond the end of an arc the integrand decays within a small fraction of the last
      // panel.
      let graded = [0, 0.0625, 0.125, 0.25, 0.5].map { $0 * width }
      let rule = Quadrature(
        edges: graded.map { start + $0 }
          + stride(from: 1, to: panels, by: 1).map { start + $0 * width }
          + graded.reversed().map { end - $0 })
      for (t, dt) in zip(rule.nodes, rule.weights) {
        let point = arc.curve(t)
        xs.append(point.x)
        ys.append(point.y)
        weights.append(dt * arc.density(t) / Double(arcs.count))
      }
    }
    (self.xs, self.ys, self.weights) = (xs, ys, weights)
  }

  /// Draws a point of the curve at a random parameter, plus Gaussian noise.
  public func draw(_ words: Words) -> Point {
    let (arc, noise) = (arcs[words.choice(of: arcs.count)], words.normals)
    let point = arc.curve(arc.quantile(words.uniform))
    return Point(x: point.x + standardDeviation * noise.x, y: point.y + standardDeviation * noise.y)
  }

  /// The log-density at (x, y) in nats, by quadrature along the curve.
  public func logDensity(_ x: Double, _ y: Double) -> Double {
    var least = Double.infinity
    for index in xs.indices {
      let (dx, dy) = (xs[index] - x, ys[index] - y)
      least = min(least, dx * dx + dy * dy)
    }
    let scale = 0.5 / (standardDeviation * standardDeviation)
    // Nodes whose terms are below exp(-40) of the largest are skipped.
    let limit = least + 40 / scale
    var sum = 0.0
    for index in xs.indices {
      let (dx, dy) = (xs[index] - x, ys[index] - y)
      let square = dx * dx + dy * dy
      if square < limit { sum += weights[index] * exp(scale * (least - square)) }
    }
    return log(sum) - scale * least - log(2 * .pi * standardDeviation * standardDeviation)
  }

  /// The mean and the variance of each coordinate, by quadrature.
  public var moments: (mean: Point, variance: Point) {
    var mean = Point(x: 0, y: 0)
    for index in xs.indices {
      mean.x += weights[index] * xs[index]
      mean.y += weights[index] * ys[index]
    }
    var variance = Point(
      x: standardDeviation * standardDeviation, y: standardDeviation * standardDeviation)
    for index in xs.indices {
      variance.x += weights[index] * (xs[index] - mean.x) * (xs[index] - mean.x)
      variance.y += weights[index] * (ys[index] - mean.y) * (ys[index] - mean.y)
    }
    return (mean, variance)
  }

  /// The differential entropy in nats.
  public var entropy: Double { knownEntropy }
}
