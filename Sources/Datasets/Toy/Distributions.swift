import Foundation

/// A mixture of isotropic Gaussians of equal weight and equal standard deviation.
struct RoundMixture: PlaneDistribution {
  let centres: [Point]
  let standardDeviation: Double

  func draw(_ words: Words) -> Point {
    let (centre, noise) = (centres[words.choice(of: centres.count)], words.normals)
    return Point(
      x: centre.x + standardDeviation * noise.x, y: centre.y + standardDeviation * noise.y)
  }

  func logDensity(_ x: Double, _ y: Double) -> Double {
    let logNormaliser = log(Double(centres.count) * 2 * .pi * standardDeviation * standardDeviation)
    return logSum(
      centres.map { ($0.x - x) * ($0.x - x) + ($0.y - y) * ($0.y - y) },
      scale: 0.5 / (standardDeviation * standardDeviation)) - logNormaliser
  }

  var moments: (mean: Point, variance: Point) {
    let count = Double(centres.count)
    let mean = Point(
      x: centres.reduce(0) { $0 + $1.x } / count, y: centres.reduce(0) { $0 + $1.y } / count)
    return (
      mean,
      Point(
        x: centres.reduce(0) { $0 + ($1.x - mean.x) * ($1.x - mean.x) } / count
          + standardDeviation * standardDeviation,
        y: centres.reduce(0) { $0 + ($1.y - mean.y) * ($1.y - mean.y) } / count
          + standardDeviation * standardDeviation)
    )
  }

  /// Entropy of non-overlapping components: at a distance of 30 standard deviations, the correction
  /// is below 1e-40.
  var entropy: Double {
    log(Double(centres.count)) + log(2 * .pi * standardDeviation * standardDeviation) + 1
  }

  var modes: [Mode] { centres.map { Mode(centre: $0, standardDeviation: standardDeviation) } }
}

/// A Gaussian bent along a parabola: x is normal with mean 0, y given x is normal with mean
/// `slope * x + bend * (x^2 - var x)`.
struct BentGaussian: PlaneDistribution {
  let standardDeviation: Double
  let slope: Double
  let bend: Double
  let noise: Double

  func draw(_ words: Words) -> Point {
    let normals = words.normals
    let x = standardDeviation * normals.x
    return Point(x: x, y: ridge(x) + noise * normals.y)
  }

  func logDensity(_ x: Double, _ y: Double) -> Double {
    let (u, v) = (x / standardDeviation, (y - ridge(x)) / noise)
    return -0.5 * (u * u + v * v) - log(2 * .pi * standardDeviation * noise)
  }

  private func ridge(_ x: Double) -> Double {
    slope * x + bend * (x * x - standardDeviation * standardDeviation)
  }

  var moments: (mean: Point, variance: Point) {
    let variance = standardDeviation * standardDeviation
    return (
      Point(x: 0, y: 0),
      Point(
        x: variance,
        y: slope * slope * variance + 2 * bend * bend * variance * variance + noise * noise)
    )
  }

  /// Entropy of two independent normals, because the shear preserves areas.
  var entropy: Double { log(2 * .pi * standardDeviation * noise) + 1 }
}

/// The uniform distribution on the 8 dark squares of a 4 x 4 board of squares of side 2 around the
/// origin.
struct Checkerboard: PlaneDistribution {
  func draw(_ words: Words) -> Point {
    let square = words.choice(of: 8)
    let (row, column) = (square / 2, 2 * (square % 2) + (square / 2) % 2)
    return Point(
      x: -4 + 2 * (Double(column) + Words.unit(words.x1)),
      y: -4 + 2 * (Double(row) + Words.unit(words.x2)))
  }

  func logDensity(_ x: Double, _ y: Double) -> Double {
    guard -4 <= x, x < 4, -4 <= y, y < 4 else { return -.infinity }
    let (column, row) = (Int((x + 4) / 2), Int((y + 4) / 2))
    return (row + column) % 2 == 0 ? -log(32) : -.infinity
  }

  /// Mean 0 and the variance of a uniform distribution: each row and each column has two dark
  /// squares, so both coordinates are uniform on [-4, 4].
  var moments: (mean: Point, variance: Point) {
    (Point(x: 0, y: 0), Point(x: 16.0 / 3, y: 16.0 / 3))
  }

  var entropy: Double { log(32) }
}

/// Circles of equal weight around the origin, uniform in angle, with isotropic Gaussian noise.
struct NoisyRings: PlaneDistribution {
  let radii: [Double]
  let standardDeviation: Double

  func draw(_ words: Words) -> Point {
    let (radius, noise) = (radii[words.choice(of: radii.count)], words.normals)
    let angle = 2 * Double.pi * words.uniform
    return Point(
      x: radius * cos(angle) + standardDeviation * noise.x,
      y: radius * sin(angle) + standardDeviation * noise.y)
  }

  func logDensity(_ x: Double, _ y: Double) -> Double {
    logDensity(radius: (x * x + y * y).squareRoot())
  }

  /// The log-density at a radius, with the angle integrated out: the Bessel function I0, scaled by
  /// its exponential growth (Rice's density over 2 pi r).
  private func logDensity(radius: Double) -> Double {
    let precision = 1 / (standardDeviation * standardDeviation)
    return logSum(
      radii.map { (radius - $0) * (radius - $0) }, scale: 0.5 * precision,
      weights: radii.map { scaledBesselI0(radius * $0 * precision) })
      - log(Double(radii.count) * 2 * .pi * standardDeviation * standardDeviation)
  }

  var moments: (mean: Point, variance: Point) {
    let square = radii.reduce(0) { $0 + $1 * $1 } / Double(radii.count)
    let variance = 0.5 * square + standardDeviation * standardDeviation
    return (Point(x: 0, y: 0), Point(x: variance, y: variance))
  }

  var entropy: Double {
    let end = (radii.max() ?? 0) + 12 * standardDeviation
    let rule = Quadrature(from: 0, to: end, panels: Int((end / standardDeviation).rounded(.up)))
    return zip(rule.nodes, rule.weights).reduce(0) { sum, node in
      let value = logDensity(radius: node.0)
      return sum - node.1 * 2 * .pi * node.0 * exp(value) * value
    }
  }
}

/// Arms of a wheel with equal weight: elongated Gaussians along rays, twisted by an angle
/// proportional to the radius.
///
/// A rotation by an angle that depends only on the radius preserves areas, so the density is that
/// of the untwisted mixture at the untwisted point.
struct Pinwheel: PlaneDistribution {
  let arms: Int
  /// Mean distance of the points of an arm along its ray.
  let distance: Double
  let alongDeviation: Double
  let acrossDeviation: Double
  /// Radians per unit of radius.
  let twist: Double

  func draw(_ words: Words) -> Point {
    let normals = words.normals
    let (u, v) = (distance + alongDeviation * normals.x, acrossDeviation * normals.y)
    let arm = 2 * Double.pi * Double(words.choice(of: arms)) / Double(arms)
    return rotate(Point(x: u, y: v), by: arm + twist * (u * u + v * v).squareRoot())
  }

  func logDensity(_ x: Double, _ y: Double) -> Double {
    let radius = (x * x + y * y).squareRoot()
    let exponents = (0..<arms).map { arm in
      let angle = 2 * Double.pi * Double(arm) / Double(arms) + twist * radius
      let point = rotate(Point(x: x, y: y), by: -angle)
      let (u, v) = ((point.x - distance) / alongDeviation, point.y / acrossDeviation)
      return u * u + v * v
    }
    return logSum(exponents, scale: 0.5)
      - log(Double(arms) * 2 * .pi * alongDeviation * acrossDeviation)
  }

  private func rotate(_ point: Point, by angle: Double) -> Point {
    let (c, s) = (cos(angle), sin(angle))
    return Point(x: c * point.x - s * point.y, y: s * point.x + c * point.y)
  }

  /// Moments by symmetry (three arms or more): the mean is 0, and each variance half of the mean
  /// squared radius.
  var moments: (mean: Point, variance: Point) {
    let square =
      distance * distance + alongDeviation * alongDeviation + acrossDeviation * acrossDeviation
    return (Point(x: 0, y: 0), Point(x: square / 2, y: square / 2))
  }

  /// Entropy in the untwisted plane, by symmetry from the sector of one arm: the mean of -log p
  /// under that arm.
  var entropy: Double {
    let straight = Pinwheel(
      arms: arms, distance: distance, alongDeviation: alongDeviation,
      acrossDeviation: acrossDeviation, twist: 0)
    let rule = Quadrature(from: -9, to: 9, panels: 18)
    var sum = 0.0
    for (u, du) in zip(rule.nodes, rule.weights) {
      for (v, dv) in zip(rule.nodes, rule.weights) {
        let density = exp(-0.5 * (u * u + v * v)) / (2 * .pi)
        sum -=
          du * dv * density
          * straight.logDensity(distance + alongDeviation * u, acrossDeviation * v)
      }
    }
    return sum
  }
}

/// log of the sum of weights[i] exp(-scale squares[i]), without underflow.
func logSum(_ squares: [Double], scale: Double, weights: [Double]? = nil) -> Double {
  let least = squares.min() ?? 0
  var sum = 0.0
  for index in squares.indices {
    sum += (weights?[index] ?? 1) * exp(scale * (least - squares[index]))
  }
  return log(sum) - scale * least
}

/// exp(-z) I0(z) for z >= 0, relative error below 1e-12.
func scaledBesselI0(_ z: Double) -> Double {
  var term = 1.0
  var sum = 1.0
  if z < 40 {
    // All terms are positive: nothing cancels.
    var k = 1.0
    while term > 1e-17 * sum {
      term *= (z / (2 * k)) * (z / (2 * k))
      sum += term
      k += 1
    }
    return sum * exp(-z)
  }
  // The asymptotic expansion; at z = 40 its terms fall below 1e-13 by the twelfth and only start to
  // grow after the eightieth.
  for k in 1...20 {
    let odd = Double(2 * k - 1)
    term *= odd * odd / (8 * Double(k) * z)
    sum += term
  }
  return sum / (2 * .pi * z).squareRoot()
}
