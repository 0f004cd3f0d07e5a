import Support

/// A point of the plane, in data coordinates.
public struct Point: Sendable, Equatable {
  /// To the right.
  public var x: Double
  /// Upwards.
  public var y: Double

  /// The point (x, y).
  public init(x: Double, y: Double) {
    self.x = x
    self.y = y
  }
}

/// One component of a mixture of round Gaussians.
public struct Mode: Sendable, Equatable {
  /// Where it is centred.
  public let centre: Point
  /// Its standard deviation along each axis.
  public let standardDeviation: Double
}

/// A distribution on the plane that can be drawn from and whose density is known.
///
/// Densities and entropies are in nats, with respect to area in data coordinates.  For standardised
/// points u = ((x, y) - mean) / standardDeviation, log p(u) = log p(x, y) + log(standardDeviation.x
/// standardDeviation.y).
public struct ToySet: Sendable {
  /// How it is called in experiment files.
  public let name: String
  /// The formula, the noise and the range, in one line.
  public let definition: String
  /// The mean of -log p under p, in nats.
  public let entropy: Double
  /// The exact mean.
  public let mean: Point
  /// The exact standard deviation of each coordinate.
  public let standardDeviation: Point
  /// The components, where it is a mixture of round Gaussians; otherwise empty.
  public let modes: [Mode]
  /// The corners of a window that holds all but at most one point in ten thousand.
  public let window: (lower: Point, upper: Point)
  /// The distribution that the figures above describe.
  public let distribution: any PlaneDistribution

  /// One draw: a pure function of its arguments.
  ///
  /// Points of different (seed, step, index) are independent; index is in 0 ..< 2^32.
  public func point(seed: UInt64, step: Int = 0, index: Int) -> Point {
    distribution.draw(Words(seed: seed, step: step, index: index))
  }

  /// The draws of indices 0 ..< count: [count, 2] with x before y.
  ///
  /// Standardised points have mean 0 and standard deviation 1 along each axis, by the exact figures
  /// and not by those of the draws.
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

  /// log p(x, y) in nats with respect to area; -infinity where the density is zero.
  public func logDensity(_ x: Double, _ y: Double) -> Double {
    distribution.logDensity(x, y)
  }

  /// The names of all sets, in the order in which lists show them.
  public static let names = makers.map(\.name)

  /// The set of a name; throws `FigmentError` with the nearest name and all of them for an unknown
  /// one.
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

/// What the sets are made of.
public protocol PlaneDistribution: Sendable {
  /// A point from four random words.
  func draw(_ words: Words) -> Point
  /// In nats, with respect to area.
  func logDensity(_ x: Double, _ y: Double) -> Double
  /// Exact, or by quadrature to at least 1e-9.
  var moments: (mean: Point, variance: Point) { get }
  /// In nats; computed once, when a set is made.
  var entropy: Double { get }
  /// See `ToySet.modes`.
  var modes: [Mode] { get }
}

extension PlaneDistribution {
  /// No modes, for sets that have none.
  public var modes: [Mode] { [] }
}
