import Datasets
import Support
import TensorCore

/// Distances between samples and a 2-D set, estimated from as many fresh points of the set.
///
/// Statistics over pairs of points, of which a large sample has too many, are means over blocks of
/// at most 1,000 samples and as many points.
package struct ToyDistances: Equatable, Sendable {
  /// The unbiased squared maximum mean discrepancy of standardised points.
  ///
  /// See Gretton et al. 2012, eq. 3; the kernel is the mean of Gaussian kernels of widths 0.1, 0.3
  /// and 1.
  package let discrepancy: Statistic
  /// The unbiased energy distance 2 E|x - y| - E|x - x'| - E|y - y'|, in data coordinates.
  ///
  /// See Székely and Rizzo 2013.
  package let energy: Statistic
  /// The root of the mean squared 2-Wasserstein distance of projections on 64 equally spaced
  /// directions, in data coordinates.
  ///
  /// See Bonneel et al. 2015. Computed from all samples together; positive even for equal
  /// distributions, but decreasing with the number of samples. Its standard error is that of the
  /// jackknife that leaves out one of ten blocks of samples and points at a time.
  package let slicedWasserstein: Statistic
  /// The mean log-density of the set at those samples where it is positive, in nats.
  package let logDensity: Statistic
  /// The fraction of samples where the density of the set is zero.
  package let outside: Double
  /// Number of evaluated samples.
  package let count: Int

  /// The least number of blocks, and the number of jackknife blocks.
  static let blocks = 10
  /// The largest number of samples in a block.
  static let largestBlock = 1000

  /// Compares points in data coordinates, [count, 2] of at least 100, with fresh points of the set.
  ///
  /// - Parameter seed: Seed of the fresh points.
  package init(_ points: [Float], _ set: ToySet, seed: UInt64 = 0) {
    count = points.count / 2
    let size = min(Self.largestBlock, count / Self.blocks)
    // Training uses steps below 16,000,000, validation a step of 2^40, so these points are
    // different.
    let data = Cloud(set.points(seed: seed, step: 1 << 41, count: count))
    let samples = Cloud(points)
    let pairs = (0..<count / size).map { block in
      let rows = block * size..<(block + 1) * size
      return (samples.slice(rows), data.slice(rows))
    }
    discrepancy = Statistic(
      pairs.map { Self.discrepancy($0.standardised(set), $1.standardised(set)) })
    energy = Statistic(pairs.map(Self.energy))
    slicedWasserstein = Self.slicedWasserstein(samples, data)
    let logs = samples.x.indices.map { set.logDensity(samples.x[$0], samples.y[$0]) }
    let finite = logs.filter { $0 > -.infinity }
    outside = Double(logs.count - finite.count) / Double(max(1, logs.count))
    logDensity = Statistic(finite.isEmpty ? [-.infinity] : finite)
  }

  private static func discrepancy(_ a: Cloud, _ b: Cloud) -> Double {
    let rates = [0.1, 0.3, 1].map { -0.5 / ($0 * $0) }
    return a.discrepancy(b) { square in
      rates.reduce(0) { $0 + ($1 * square).exponential } / Double(rates.count)
    }
  }

  private static func energy(_ a: Cloud, _ b: Cloud) -> Double {
    -a.discrepancy(b) { $0.squareRoot() }
  }

  /// The sliced Wasserstein distance of two clouds with equally many points.
  private static func slicedWasserstein(_ a: Cloud, _ b: Cloud) -> Statistic {
    let (directions, count) = (64, a.x.count)
    // Sums over directions of the mean squared distance: of all points, and without each block.
    var sums = [Double](repeating: 0, count: blocks + 1)
    for i in 0..<directions {
      let angle = Double.pi * (Double(i) + 0.5) / Double(directions)
      /// Sorted projections, each with its block.
      func projected(_ cloud: Cloud) -> [(place: Double, block: Int)] {
        (0..<count).map {
          (angle.cosine * cloud.x[$0] + angle.sine * cloud.y[$0], $0 * blocks / count)
        }.sorted { $0.place < $1.place }
      }
      let (first, second) = (projected(a), projected(b))
      sums[0] +=
        zip(first, second).reduce(0.0) {
          $0 + ($1.0.place - $1.1.place) * ($1.0.place - $1.1.place)
        } / Double(count)
      for block in 0..<blocks {
        // The remaining projections are still sorted, equally many in both clouds.
        var (squares, left, j) = (0.0, 0, 0)
        for point in first where point.block != block {
          while second[j].block == block { j += 1 }
          squares += (point.place - second[j].place) * (point.place - second[j].place)
          j += 1
          left += 1
        }
        sums[block + 1] += squares / Double(max(1, left))
      }
    }
    let roots = sums.map { ($0 / Double(directions)).squareRoot() }
    return Statistic(jackknife: roots[0], leavingOut: Array(roots.dropFirst()), count: count)
  }
}

/// Points of the plane, with separate arrays of coordinates.
private struct Cloud {
  var x, y: [Double]

  init(_ points: [Float]) {
    x = stride(from: 0, to: points.count, by: 2).map { Double(points[$0]) }
    y = stride(from: 1, to: points.count, by: 2).map { Double(points[$0]) }
  }

  func slice(_ rows: Range<Int>) -> Cloud {
    var part = self
    (part.x, part.y) = (Array(x[rows]), Array(y[rows]))
    return part
  }

  func standardised(_ set: ToySet) -> Cloud {
    var part = self
    part.x = x.map { ($0 - set.mean.x) / set.standardDeviation.x }
    part.y = y.map { ($0 - set.mean.y) / set.standardDeviation.y }
    return part
  }

  /// The unbiased estimate of E k(x, x') + E k(y, y') - 2 E k(x, y); k is a function of the squared
  /// distance.
  func discrepancy(_ other: Cloud, _ kernel: (Double) -> Double) -> Double {
    func mean(_ a: Cloud, _ b: Cloud, isSame: Bool) -> Double {
      var sum = 0.0
      for i in a.x.indices {
        for j in isSame ? 0..<i : b.x.indices {
          let (dx, dy) = (a.x[i] - b.x[j], a.y[i] - b.y[j])
          sum += kernel(dx * dx + dy * dy)
        }
      }
      let count = Double(a.x.count)
      return isSame ? sum / (count * (count - 1) / 2) : sum / (count * Double(b.x.count))
    }
    return mean(self, self, isSame: true) + mean(other, other, isSame: true)
      - 2 * mean(self, other, isSame: false)
  }
}

/// An evaluation of a run's samples of a 2-D set.
package struct ToyReport: Sendable {
  /// Modes found and sample quality, for sets with modes.
  package let quality: ToyQuality?
  /// The same metrics for equally many points of the set itself.
  package let perfectQuality: ToyQuality?
  /// Distances of the samples from the set.
  package let samples: ToyDistances
  /// Distances of equally many points of the set itself, as a reference for perfect samples.
  package let perfect: ToyDistances
  /// The entropy of the set in nats; perfect samples have the negative as expected `logDensity`.
  package let entropy: Double

  /// Evaluates points in data coordinates, [count, 2] of at least 100, and equally many of the set
  /// itself.
  package init(_ points: [Float], _ set: ToySet) throws {
    // Independent of the points with which both are compared.
    let fresh = set.points(seed: 0, step: (1 << 41) + 1, count: points.count / 2)
    quality = set.modes.isEmpty ? nil : try ToyQuality(points, set)
    perfectQuality = set.modes.isEmpty ? nil : try ToyQuality(fresh, set)
    samples = ToyDistances(points, set)
    perfect = ToyDistances(fresh, set)
    entropy = set.entropy
  }
}
