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
  /// Fraction of images whose likeliest class has a probability above `sure`.
  package let sureFraction: Statistic
  /// Fraction of images whose likeliest class is the one that was asked for, if classes were asked
  /// for.
  package let askedFraction: Statistic?
  /// Number of images per predicted class.
  package let histogram: [Int]

  /// Number of neighbours k of the manifolds, the paper's choice.
  package static let neighbours = 3
  /// Probability of the likeliest class above which the classifier is sure of an image.
  package static let sure = 0.95
  /// Number of blocks, of images and reference alike, that the jackknife leaves out in turn.
  package static let blocks = 10
}

/// Reference images that others are compared with.
package struct DigitReference {
  /// Number of reference images.
  package let count: Int
  private let parts: [Part]
  private let neighbours: Neighbours

  /// All images of a set, or those outside a block.
  private struct Part {
    let moments: Moments
    let manifold: Manifold
  }

  package init(_ predictions: Predictions, _ runtime: Runtime) throws {
    count = predictions.count
    neighbours = try Neighbours(width: predictions.width, runtime)
    parts = try Self.parts(predictions, neighbours)
  }

  /// All images, followed by those without each block in turn.
  private static func parts(_ images: Predictions, _ neighbours: Neighbours) throws -> [Part] {
    let (count, features) = (images.count, images.features)
    let blocks = (0..<count).map { $0 * DigitMetrics.blocks / count }
    let rows =
      [Array(0..<count)]
      + (0..<DigitMetrics.blocks).map { block in (0..<count).filter { blocks[$0] != block } }
    let k = DigitMetrics.neighbours
    let manifolds =
      [try neighbours.manifold(of: features, k: k)]
      + (try neighbours.manifolds(of: features, leavingOut: blocks, k: k))
    return try zip(rows, manifolds).map { rows, manifold in
      Part(
        moments: try Moments(features, width: images.width, rows: rows), manifold: manifold)
    }
  }

  /// Metrics of images against this reference, whose number may be another.
  ///
  /// - Parameters:
  ///   - asked: Class that was asked for of each image, or nil.
  ///   - report: Receives the number of parts done, out of `DigitMetrics.blocks` + 1.
  package func figures(
    of images: Predictions, asked: [Int]? = nil, report: (Int) throws -> Void = { _ in }
  ) throws -> DigitMetrics {
    var distances: [Double] = []
    var memberships: [ManifoldMembership] = []
    // The block left out of the images and that left out of the reference are independent, so the
    // jackknife adds the variances that come from both.
    for (part, reference) in zip(try Self.parts(images, neighbours), parts) {
      distances.append(try part.moments.squaredFrechetDistance(to: reference.moments))
      memberships.append(
        try neighbours.manifoldMembership(of: part.manifold, in: reference.manifold))
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
      sureFraction: Statistic(verdicts.map { $0.confidence > DigitMetrics.sure ? 1 : 0 }),
      askedFraction: asked.map { asked in
        Statistic(zip(verdicts, asked).map { $0.label == $1 ? 1 : 0 })
      }, histogram: histogram)
  }
}
