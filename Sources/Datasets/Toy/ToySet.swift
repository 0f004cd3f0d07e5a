import Support

/// A point of the plane, in data coordinates.
public struct Point: Sendable, Equatable {
  /// Horizontal coordinate, growing to the right.
  public var x: Double
  /// Vertical coordinate, growing upwards.
  public var y: Double

  /// Creates the point (x, y).
  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

/// One component of a mixture of isotropic Gaussians.
public struct Mode: Sendable, Equatable {
  /// Centre of the component.
  public let centre: Point
  /// Standard deviation along each axis.
  public let standardDeviation: Double
}

/// A distribution on the plane with a sampler and a known density.
///
/// Densities and entropies are in nats, with respect to area in data coordinates.  For standardised
/// points u = ((x, y) - mean) / standardDeviation, log p(u) = log p(x, y) + log(standardDeviation.x
/// standardDeviation.y).
public struct ToySet: Sendable {
  /// The name in experiment files.
  public let name: String
  /// A one-line description: formula, noise and range.
  public let definition: String
  /// Differential entropy, the mean of -log p under p, in nats.
  public let entropy: Double
  /// The exact mean.
  public let mean: Point
  /// The exact standard deviation of each coordinate.
  public let standardDeviation: Point
  /// The components of a mixture of isotropic Gaussians; otherwise empty.
  public let modes: [Mode]
  /// The corners of a window that contains all but one point in ten thousand, or more.
  public let window: (lower: Point, upper: Point)
  /// The distribution described by the properties above.
  public let distribution: any PlaneDistribution

  /// Draws one point as a pure function of its arguments.
  ///
  /// Points of different (seed, step, index) are independent; index is in 0 ..< 2^32.
  public func point(seed: UInt64, step: Int = 0, index: Int) -> Point {
    distribution.draw(Words(seed: seed, step: step, index: index))
  }

  /// Draws the points of indices 0 ..< count: [count, 2] with x before y.
  ///
  /// Standardised points are scaled by the exact moments, so that the distribution and not the
  /// sample has mean 0 and standard deviation 1 along each axis.
  public func points(
    seed: UInt64, step: Int = 0, count: Int, standardised: Bool = false
  ) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(2 * count)
    let shift = standardised ? mean : Point(x: 0, y: 0)
    let scale = standardised ? standardDeviation : Point(x: 1, y: 1)
    for index in 0..<count {
      let point = point(seed: seed, step: step, index: index)
      result.append(Float((point.x - shift.x) / scale.x))
      result.append(Float((point.y - shift.y) / scale.y))
    }
    return result
  }

  /// log p(x, y) in nats with respect to area; -infinity outside the support.
  public func logDensity(_ x: Double, _ y: Double) -> Double {
    distribution.logDensity(x, y)
  }

  /// Names of all sets, in listing order.
  public static let names = makers.map(\.name)

  /// The set with a name; for an unknown one, throws `FigmentError` with the nearest name and all
  /// names.
  public static func named(_ name: String) throws -> ToySet {
    guard let maker = makers.first(where: { $0.name == name }) else {
      let suggestion = nearest(to: name, among: names).map { "did you mean '\($0)'? " } ?? ""
      throw FigmentError(
        "unknown data set '\(name)': \(suggestion)Known sets: \(names.joined(separator: ", "))")
    }
    return maker.make(name)
  }

  init(
    name: String, definition: String, entropy: Double? = nil,
    window: (lower: Point, upper: Point), _ distribution: any PlaneDistribution
  ) {
    self.name = name
    self.definition = definition
    self.entropy = entropy ?? distribution.entropy
    self.window = window
    self.distribution = distribution
    let moments = distribution.moments
    mean = moments.mean
    standardDeviation = Point(
      x: moments.variance.x.squareRoot(), y: moments.variance.y.squareRoot())
    modes = distribution.modes
  }
}

/// The distribution behind a toy set.
public protocol PlaneDistribution: Sendable {
  /// Draws a point from four random words.
  func draw(_ words: Words) -> Point
  /// Log-density in nats, with respect to area.
  func logDensity(_ x: Double, _ y: Double) -> Double
  /// Mean and variance of each coordinate, exact or by quadrature to at least 1e-9.
  var moments: (mean: Point, variance: Point) { get }
  /// Differential entropy in nats; evaluated once, when a set is created.
  var entropy: Double { get }
  /// Components; see `ToySet.modes`.
  var modes: [Mode] { get }
}

extension PlaneDistribution {
  /// An empty list, for distributions that are not mixtures of Gaussians.
  public var modes: [Mode] { [] }
}
