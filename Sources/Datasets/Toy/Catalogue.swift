import Foundation

extension ToySet {
  /// The sets by name; each is created on demand.
  static let makers: [(name: String, make: @Sendable (String) -> ToySet)] = [
    ("gaussian", gaussian),
    ("eight-gaussians", eightGaussians),
    ("twenty-five-gaussians", twentyFiveGaussians),
    ("banana", banana),
    ("checkerboard", checkerboard),
    ("circles", circles),
    ("rings", rings),
    ("moons", moons),
    ("spirals", spirals),
    ("pinwheel", pinwheel),
    ("swiss-roll", swissRoll),
    ("s-curve", sCurve),
  ]

  /// A square window around the origin.
  private static func square(_ half: Double) -> (lower: Point, upper: Point) {
    (Point(x: -half, y: -half), Point(x: half, y: half))
  }

  /// x = u, y = 0.6 u + 0.8 v with standard normal u and v: variances 1, correlation 0.6.
  ///
  /// All but 1e-4 of the mass is in [-4, 4]^2.
  @Sendable private static func gaussian(_ name: String) -> ToySet {
    ToySet(
      name: name, definition: "normal with variances 1 and correlation 0.6", window: square(4.5),
      BentGaussian(standardDeviation: 1, slope: 0.6, bend: 0, noise: 0.8))
  }

  /// (2 cos(pi k / 4), 2 sin(pi k / 4)) for k from 0 to 7, each with standard deviation 0.05:
  /// within [-2.3, 2.3]^2.
  @Sendable private static func eightGaussians(_ name: String) -> ToySet {
    let centres = (0..<8).map { k in
      Point(x: 2 * cos(.pi * Double(k) / 4), y: 2 * sin(.pi * Double(k) / 4))
    }
    return ToySet(
      name: name, definition: "8 Gaussians of deviation 0.05 on a circle of radius 2",
      window: square(2.4), RoundMixture(centres: centres, standardDeviation: 0.05))
  }

  /// {-4, -2, 0, 2, 4}^2, each with standard deviation 0.05: within [-4.3, 4.3]^2.
  @Sendable private static func twentyFiveGaussians(_ name: String) -> ToySet {
    let places = [-4.0, -2, 0, 2, 4]
    let centres = places.flatMap { y in places.map { x in Point(x: x, y: y) } }
    return ToySet(
      name: name, definition: "25 Gaussians of deviation 0.05 on {-4, -2, 0, 2, 4}^2",
      window: square(4.8), RoundMixture(centres: centres, standardDeviation: 0.05))
  }

  /// x = 2 u, y = x^2 / 4 - 1 + 0.5 v with standard normal u and v.
  ///
  /// All but 1e-4 of the mass is in [-8, 8] x [-2.5, 16]; the shear has unit Jacobian, so the
  /// density is exact.
  @Sendable private static func banana(_ name: String) -> ToySet {
    ToySet(
      name: name, definition: "x normal with deviation 2, y = x^2 / 4 - 1 with noise 0.5",
      window: (Point(x: -8, y: -3), Point(x: 8, y: 16)),
      BentGaussian(standardDeviation: 2, slope: 0, bend: 0.25, noise: 0.5))
  }

  /// Uniform on the squares of side 2 of the board on [-4, 4]^2 whose row and column have an even
  /// sum.
  @Sendable private static func checkerboard(_ name: String) -> ToySet {
    ToySet(
      name: name, definition: "uniform on the 8 dark squares of the 4 x 4 board on [-4, 4]^2",
      window: square(5), Checkerboard())
  }

  /// R (cos t, sin t) for R = 1 or 2 and uniform t, noise 0.1 in the plane: within [-2.5, 2.5]^2.
  @Sendable private static func circles(_ name: String) -> ToySet {
    ToySet(
      name: name, definition: "circles of radius 1 and 2, equally likely, with noise 0.1",
      window: square(2.6), NoisyRings(radii: [1, 2], standardDeviation: 0.1))
  }

  /// R (cos t, sin t) for R = 1, 2, 3 or 4 and uniform t, noise 0.1 in the plane: within [-4.5,
  /// 4.5]^2.
  @Sendable private static func rings(_ name: String) -> ToySet {
    ToySet(
      name: name, definition: "circles of radius 1, 2, 3 and 4, equally likely, with noise 0.1",
      window: square(4.6), NoisyRings(radii: [1, 2, 3, 4], standardDeviation: 0.1))
  }

  /// (cos t, sin t) or (1 - cos t, 1/2 - sin t), t uniform on [0, pi], noise 0.1: within [-1.5,
  /// 2.5] x [-1, 1.5].
  @Sendable private static func moons(_ name: String) -> ToySet {
    let range = 0...Double.pi
    return ToySet(
      name: name, definition: "two half circles of radius 1 that interlock, with noise 0.1",
      window: (Point(x: -1.6, y: -1.1), Point(x: 2.6, y: 1.6)),
      NoisyCurve(
        arcs: [
          .uniform(range, speed: 1) { Point(x: cos($0), y: sin($0)) },
          .uniform(range, speed: 1) { Point(x: 1 - cos($0), y: 0.5 - sin($0)) },
        ], standardDeviation: 0.1, entropy: 1.007_584_834_8))
  }

  /// (t/3) (cos t, sin t) or its negative, t = 3 pi sqrt(u) with uniform u, noise 0.1: within
  /// [-3.6, 3.6]^2.
  ///
  /// The square root makes the density roughly constant along the arms.
  @Sendable private static func spirals(_ name: String) -> ToySet {
    let end = 3 * Double.pi
    let arms = [1.0, -1.0].map { sign in
      NoisyCurve.Arc(
        interval: 0...end, speed: (1 + end * end).squareRoot() / 3,
        density: { 2 * $0 / (end * end) }, quantile: { end * $0.squareRoot() },
        curve: { Point(x: sign * $0 / 3 * cos($0), y: sign * $0 / 3 * sin($0)) })
    }
    return ToySet(
      name: name, definition: "two arms r = t / 3, t = 3 pi sqrt(u) with uniform u, noise 0.1",
      window: square(3.7), NoisyCurve(arcs: arms, standardDeviation: 0.1, entropy: 2.540_617_894_3))
  }

  /// Five arms: (2 + 0.6 u, 0.2 v) with standard normal u and v, rotated by 2 pi k / 5 + r / 2 for
  /// k from 0 to 4.
  ///
  /// r is the distance from the origin. All but 1e-4 of the mass is within [-4.4, 4.4]^2.
  @Sendable private static func pinwheel(_ name: String) -> ToySet {
    ToySet(
      name: name,
      definition: "5 arms at distance 2, deviations 0.6 along and 0.2 across, twisted by r / 2",
      window: square(4.6),
      Pinwheel(arms: 5, distance: 2, alongDeviation: 0.6, acrossDeviation: 0.2, twist: 0.5))
  }

  /// (t/4) (cos t, sin t), t uniform on [1.5 pi, 4.5 pi], noise 0.1: within [-3.2, 4] x [-3.3, 4].
  @Sendable private static func swissRoll(_ name: String) -> ToySet {
    let (start, end) = (1.5 * Double.pi, 4.5 * Double.pi)
    let roll = NoisyCurve.Arc.uniform(start...end, speed: (1 + end * end).squareRoot() / 4) {
      Point(x: $0 / 4 * cos($0), y: $0 / 4 * sin($0))
    }
    return ToySet(
      name: name, definition: "the spiral r = t / 4, t uniform on [1.5 pi, 4.5 pi], noise 0.1",
      window: (Point(x: -3.4, y: -3.4), Point(x: 4, y: 4)),
      NoisyCurve(arcs: [roll], standardDeviation: 0.1, entropy: 2.188_935_729_6))
  }

  /// (sin t, sign(t) (cos t - 1)), t uniform on [-1.5 pi, 1.5 pi], noise 0.1: within [-1.5, 1.5] x
  /// [-2.5, 2.5].
  @Sendable private static func sCurve(_ name: String) -> ToySet {
    let curve = NoisyCurve.Arc.uniform(-1.5 * .pi...1.5 * .pi, speed: 1) { t in
      Point(x: sin(t), y: t < 0 ? 1 - cos(t) : cos(t) - 1)
    }
    return ToySet(
      name: name, definition: "(sin t, sign(t) (cos t - 1)), |t| < 1.5 pi uniform, noise 0.1",
      window: (Point(x: -1.6, y: -2.6), Point(x: 1.6, y: 2.6)),
      NoisyCurve(arcs: [curve], standardDeviation: 0.1, entropy: 1.376_437_774_3))
  }
}
