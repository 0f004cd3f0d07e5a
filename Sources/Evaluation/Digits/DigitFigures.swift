import Distributions
import Experiments
import Likelihood
import Quality
import Support
import TensorCore

/// How good images of digits are, by the features and opinions of one classifier.
package struct DigitFigures: Sendable {
  /// The squared Fréchet distance of the classifier's features of the images from those of the reference;
  /// no FID, which is on the features of another network.
  ///
  /// It is above zero for equal distributions, too, and the more the fewer images there are.
  package let frechetDistance: Statistic
  /// The share of images in the manifold of the reference, see `ManifoldMembership`.
  package let precision: Statistic
  /// The share of the reference in the manifold of the images.
  package let recall: Statistic
  /// The mean probability of the likeliest class.
  package let confidence: Statistic
  /// How many images are taken for each class.
  package let histogram: [Int]

  /// The k of the manifolds, which is that of the paper.
  package static let neighbours = 3
  /// Blocks of images, and as many of the reference, that the jackknife leaves out in turn.
  package static let blocks = 10
}

/// Images that others are compared with, as many as those.
package struct DigitReference {
  private let opinions: Opinions
  private let moments: [Moments]
  private let neighbours: Neighbours

  package init(_ opinions: Opinions, _ runtime: Runtime) throws {
    self.opinions = opinions
    moments = try Self.parts(opinions.count).map {
      try Moments(opinions.features, width: opinions.width, rows: $0)
    }
    neighbours = try Neighbours(width: opinions.width, runtime)
  }

  /// All rows, then those without each of the blocks.
  private static func parts(_ count: Int) -> [[Int]] {
    let blocks = DigitFigures.blocks
    return [Array(0..<count)]
      + (0..<blocks).map { block in (0..<count).filter { $0 * blocks / count != block } }
  }

  /// The figures of images against these.
  ///
  /// - Parameter report: Given the number of parts done, of one more than `DigitFigures.blocks`.
  package func figures(of images: Opinions, report: (Int) throws -> Void = { _ in }) throws
    -> DigitFigures
  {
    guard images.count == opinions.count else {
      throw TensorError("\(images.count) images against \(opinions.count) of the reference")
    }
    let width = opinions.width
    func chosen(_ opinions: Opinions, _ rows: [Int]) -> [Float] {
      rows.flatMap { opinions.features[$0 * width..<($0 + 1) * width] }
    }
    var distances: [Double] = []
    var memberships: [ManifoldMembership] = []
    for (rows, moments) in zip(Self.parts(images.count), moments) {
      distances.append(
        try Moments(images.features, width: width, rows: rows)
          .squaredFrechetDistance(to: moments))
      memberships.append(
        try neighbours.manifoldMembership(
          of: chosen(images, rows), in: chosen(opinions, rows), k: DigitFigures.neighbours))
      try report(distances.count)
    }
    func figure(_ values: [Double]) -> Statistic {
      Statistic(jackknife: values[0], leavingOut: Array(values.dropFirst()), count: images.count)
    }
    let verdicts = (0..<images.count).map { images.verdict($0) }
    var histogram = [Int](repeating: 0, count: images.classes)
    for verdict in verdicts { histogram[verdict.label] += 1 }
    return DigitFigures(
      frechetDistance: figure(distances), precision: figure(memberships.map(\.precision)),
      recall: figure(memberships.map(\.recall)), confidence: Statistic(verdicts.map(\.confidence)),
      histogram: histogram)
  }
}
