import Datasets
import Support

/// Quality of samples of a 2-D set relative to its modes.
package struct ToyQuality: Equatable, Sendable {
  /// Number of evaluated samples.
  package let count: Int
  /// The fraction of samples within 3 standard deviations of the nearest mode.
  package let highQuality: Double
  /// Number of modes with at least 20 high-quality samples per 10,000 evaluated ones.
  package let modesFound: Int
  /// Number of modes of the set.
  package let modes: Int
  /// The standard error of `highQuality`.
  package var standardError: Double {
    (highQuality * (1 - highQuality) / Double(max(1, count))).squareRoot()
  }

  /// Evaluates points in data coordinates, [count, 2].
  ///
  /// - Throws: `FigmentError` if the set is not a mixture of isotropic Gaussians.
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
