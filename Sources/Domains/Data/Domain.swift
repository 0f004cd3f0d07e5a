import Datasets
import Glibc

/// Kind and shape of examples, without the examples: all that sampling needs to know.
package enum Domain: Sendable {
  /// Points of the plane; models see them standardised.
  case points(Plane)
  /// Images; models see them in their own range, such as [-1, 1].
  case images(height: Int, width: Int, channels: Int)

  /// The domain of a data set with a name, or nil for any other word.
  package init?(named name: String) {
    if ImageFamily.all.contains(where: { $0.name == name }) {
      self = .images(height: 28, width: 28, channels: 1)
    } else if let set = try? ToySet.named(name) {
      self = .points(Plane(set))
    } else {
      return nil
    }
  }

  /// Shape of one example.
  package var shape: [Int] {
    switch self {
    case .points: [2]
    case .images(let height, let width, let channels): [height, width, channels]
    }
  }

  /// Text for a checkpoint, for a user's own data; read by `init(recorded:)`.
  package var record: String {
    switch self {
    case .images(let height, let width, let channels): "images \(height) \(width) \(channels)"
    case .points(let plane):
      (["points"] + plane.figures.map { "\($0)" }).joined(separator: " ")
    }
  }

  /// Parses the text of a checkpoint; nil if it is malformed.
  package init?(recorded text: String, name: String) {
    let words = text.split(separator: " ")
    let numbers = words.dropFirst().compactMap { Double($0) }
    guard numbers.count == words.count - 1, numbers.allSatisfy(\.isFinite) else { return nil }
    switch words.first {
    case "images":
      let sizes = numbers.compactMap { Int(exactly: $0) }
      guard sizes.count == 3, sizes.allSatisfy({ (1...65_536).contains($0) }) else { return nil }
      self = .images(height: sizes[0], width: sizes[1], channels: sizes[2])
    case "points":
      guard let plane = Plane(name: name, figures: numbers) else { return nil }
      self = .points(plane)
    default: return nil
    }
  }
}

/// Location and scale of a data set of points, and its density if known.
package struct Plane: Sendable {
  /// Name of the data set.
  package let name: String
  /// Mean subtracted by standardisation.
  package let mean: Point
  /// Standard deviation divided by in standardisation.
  package let standardDeviation: Point
  /// Corners of a window that contains the data.
  package let window: (lower: Point, upper: Point)
  /// The set, if its density is known; otherwise nil.
  package let set: ToySet?
  /// Points to show if the density is not known, [count, 2].
  private let examples: [Double]

  package init(_ set: ToySet) {
    (name, self.set, examples) = (set.name, set, [])
    (mean, standardDeviation, window) = (set.mean, set.standardDeviation, set.window)
  }

  init(_ points: UserPoints, name: String) {
    (self.name, set) = (name, nil)
    (mean, standardDeviation) = (points.mean, points.standardDeviation)
    window = (points.lower, points.upper)
    examples = Array(points.values.prefix(2 * 4000))
  }

  init?(name: String, figures: [Double]) {
    guard figures.count == 8, figures[2] > 0, figures[3] > 0, figures[4] <= figures[6],
      figures[5] <= figures[7]
    else { return nil }
    func point(_ i: Int) -> Point { Point(x: figures[i], y: figures[i + 1]) }
    (self.name, set, examples) = (name, nil, [])
    (mean, standardDeviation, window) = (point(0), point(2), (point(4), point(6)))
  }

  fileprivate var figures: [Double] {
    [mean, standardDeviation, window.lower, window.upper].flatMap { [$0.x, $0.y] }
  }

  /// At most `count` points of the data, [count, 2], in data coordinates; empty if a user's own
  /// data are unavailable.
  func points(seed: UInt64, count: Int) -> [Double] {
    guard let set else { return Array(examples.prefix(2 * count)) }
    return set.points(seed: seed, count: count).map(Double.init)
  }

  /// The same points as models see them.
  package func standardisedPoints(seed: UInt64, count: Int) -> [Float] {
    if let set { return set.points(seed: seed, count: count, standardised: true) }
    let points = points(seed: seed, count: count)
    return points.indices.map { i in
      i % 2 == 0
        ? Float((points[i] - mean.x) / standardDeviation.x)
        : Float((points[i] - mean.y) / standardDeviation.y)
    }
  }

  /// Points in data coordinates, converted to the coordinates of models, [count, 2].
  ///
  /// Uses the mean and standard deviation of training, even if the user's file has changed since.
  package func standardised(_ points: [Point]) -> [Float] {
    points.flatMap {
      [
        Float(($0.x - mean.x) / standardDeviation.x), Float(($0.y - mean.y) / standardDeviation.y),
      ]
    }
  }

  /// Added to the log density of standardised points, gives that of points in data coordinates, in
  /// nats.
  package var logScale: Double { -log(standardDeviation.x * standardDeviation.y) }

  /// Standardised points, [count, 2], in data coordinates.
  ///
  /// In double precision: far from the origin, single precision would round away the differences
  /// between points.
  package func coordinates(ofStandardised points: [Float]) -> [Double] {
    points.indices.map { i in
      i % 2 == 0
        ? mean.x + standardDeviation.x * Double(points[i])
        : mean.y + standardDeviation.y * Double(points[i])
    }
  }
}

/// Standardised points, [count, 2], in the coordinates of a 2-D set, rounded to single precision
/// like the set's own points, for metrics.
package func dataCoordinates(_ samples: [Float], _ set: Plane) -> [Float] {
  set.coordinates(ofStandardised: samples).map { Float($0) }
}
