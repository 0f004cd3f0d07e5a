import Distributions
import Experiments
import Likelihood
import Quality
import Support
import TensorCore

/// Quality metrics of images of digits, from the features and predictions of one classifier.
package struct DigitMetrics: Sendable {
  /// Squared Fréchet distance between the classifier's features of the images and of the reference;
  /// not an FID, which uses the features of another network.
  ///
  /// Its expectation is positive even for equal distributions, and larger for fewer images.
  package let frechetDistance: Statistic
  /// Fraction of images in the manifold of the reference, see `ManifoldMembership`.
  package let precision: Statistic
  /// Fraction of the reference in the manifold of the images.
  package let recall: Statistic
  /// Mean probability of the likeliest class.
  package let confidence: Statistic
  /// Number of images per predicted class.
  package let histogram: [Int]

  /// Number of neighbours k of the manifolds, the paper's choice.
  package static let neighbours = 3
  /// Number of blocks, of images and reference alike, that the jackknife leaves out in turn.
  package static let blocks = 10
}

/// Reference images, as many as the images compared with them.
package struct DigitReference {
  private let predictions: Predictions
  private let moments: [Moments]
  private let neighbours: Neighbours

  package init(_ predictions: Predictions, _ runtime: Runtime) throws {
    self.predictions = predictions
    moments = try Self.parts(predictions.count).map {
      try Moments(predictions.features, width: predictions.width, rows: $0)
    }
    neighbours = try Neighbours(width: predictions.width, runtime)
  }

  /// All rows, followed by the rows without each block in turn.
  private static func parts(_ count: Int) -> [[Int]] {
    let blocks = DigitMetrics.blocks
    return [Array(0..<count)]
      + (0..<blocks).map { block in (0..<count).filter { $0 * blocks / count != block } }
  }

  /// Metrics of images against this reference.
  ///
  /// - Parameter report: Receives the number of parts done, out of `DigitMetrics.blocks` + 1.
  package func figures(of images: Predictions, report: (Int) throws -> Void = { _ in }) throws
    -> DigitMetrics
  {
    guard images.count == predictions.count else {
      throw TensorError(
        "digit metrics: \(images.count) images against a reference of \(predictions.count); expected equal counts"
      )
    }
    let width = predictions.width
    func chosen(_ predictions: Predictions, _ rows: [Int]) -> [Float] {
      rows.flatMap { predictions.features[$0 * width..<($0 + 1) * width] }
    }
    var distances: [Double] = []
    var memberships: [ManifoldMembership] = []
    for (rows, moments) in zip(Self.parts(images.count), moments) {
      distances.append(
        try Moments(images.features, width: width, rows: rows)
          .squaredFrechetDistance(to: moments))
      memberships.append(
        try neighbours.manifoldMembership(
          of: chosen(images, rows), in: chosen(predictions, rows), k: DigitMetrics.neighbours))
      try report(distances.count)
    }
    func figure(_ values: [Double]) -> Statistic {
      Statistic(jackknife: values[0], leavingOut: Array(values.dropFirst()), count: images.count)
    }
    let verdicts = (0..<images.count).map { images.verdict($0) }
    var histogram = [Int](repeating: 0, count: images.classes)
    for verdict in verdicts { histogram[verdict.label] += 1 }
    return DigitMetrics(
      frechetDistance: figure(distances), precision: figure(memberships.map(\.precision)),
      recall: figure(memberships.map(\.recall)), confidence: Statistic(verdicts.map(\.confidence)),
      histogram: histogram)
  }
}
