import Datasets
import Support

/// How good samples of a 2-D set are, by the definitions of its modes.
package struct ToyQuality: Equatable, Sendable {
  /// Samples judged.
  package let count: Int
  /// The share within 3 standard deviations of their nearest mode.
  package let highQuality: Double
  /// Modes that hold at least 20 high-quality samples of each 10,000 judged.
  package let modesFound: Int
  /// Modes of the set.
  package let modes: Int
  /// The standard error of `highQuality`.
  package var standardError: Double {
    (highQuality * (1 - highQuality) / Double(max(1, count))).squareRoot()
  }

  /// Judges points in data coordinates, [count, 2].
  ///
  /// - Throws: `FigmentError` where the set is not a mixture of round Gaussians.
  package init(_ points: [Float], _ set: ToySet) throws {
    try Self.check(set)
    var held = [Int](repeating: 0, count: set.modes.count)
    let count = points.count / 2
    for i in 0..<count {
      let (x, y) = (Double(points[2 * i]), Double(points[2 * i + 1]))
      let distances = set.modes.map { mode in
        let (dx, dy) = (x - mode.centre.x, y - mode.centre.y)
        return (dx * dx + dy * dy).squareRoot() / mode.standardDeviation
      }
      guard let nearest = distances.indices.min(by: { distances[$0] < distances[$1] }) else {
        continue
      }
      if distances[nearest] <= 3 { held[nearest] += 1 }
    }
    self.count = count
    modes = set.modes.count
    highQuality = Double(held.reduce(0, +)) / Double(max(1, count))
    modesFound = held.filter { $0 * 10_000 >= 20 * count }.count
  }

  fileprivate static func check(_ set: ToySet) throws {
    guard !set.modes.isEmpty else {
      throw FigmentError(
        "\(set.name) has no modes to count; "
          + "modes and quality are for eight-gaussians and twenty-five-gaussians")
    }
  }
}
