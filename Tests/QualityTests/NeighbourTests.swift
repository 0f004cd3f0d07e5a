import Quality
import TensorCore
import TestSupport
import Testing

private func points(_ count: Int, width: Int, offset: Double = 0, seed: Int) -> [Float] {
  var numbers = SplitMix64(seed: seed)
  return (0..<count * width).map { _ in Float(offset + numbers.normal()) }
}

private func square(_ a: [Float], _ i: Int, _ b: [Float], _ j: Int, width: Int) -> Double {
  (0..<width).reduce(0) { sum, axis in
    let d = Double(a[i * width + axis]) - Double(b[j * width + axis])
    return sum + d * d
  }
}

private func neighbours(_ width: Int) throws -> Neighbours {
  try Neighbours(width: width, try Runtime(seed: 0, threads: 2))
}

/// Serialized, since each uses every core.
@Suite(.serialized) struct NeighbourTests {
  /// Nearest points agree with sorting all distances, across block borders and far from zero.
  @Test(arguments: [(5, 9, 1, 0.0), (513, 40, 3, 0), (30, 2500, 7, 1000)])
  func nearestAgreesWithSorting(
    _ queries: Int, _ count: Int, _ width: Int, _ offset: Double
  ) throws {
    let a = points(queries, width: width, offset: offset, seed: 1)
    let b = points(count, width: width, offset: offset, seed: 2)
    let found = try neighbours(width).nearest(4, to: a, among: b)
    for i in 0..<queries {
      let all = (0..<count).map { (square(a, i, b, $0, width: width), $0) }.sorted { $0 < $1 }
      #expect(Array(found.indices[4 * i..<4 * i + 4]) == all.prefix(4).map(\.1))
      #expect(Array(found.squaredDistances[4 * i..<4 * i + 4]) == all.prefix(4).map(\.0))
    }
  }

  @Test func pointsAreNotTheirOwnNeighbours() throws {
    let a = points(600, width: 3, seed: 3)
    let found = try neighbours(3).nearest(2, to: a, among: a, excludingSelf: true)
    #expect(found.indices.indices.allSatisfy { found.indices[$0] != $0 / 2 })
    #expect(found.squaredDistances.allSatisfy { $0 > 0 })
    #expect(try neighbours(3).nearest(1, to: a, among: a).indices == Array(0..<600))
  }

  @Test func tiesAreResolvedInOrder() throws {
    let found = try neighbours(2).nearest(
      3, to: [1, 1, 0, 0], among: [0, 0, 1, 1, 0, 0, 1, 1, 0, 0])
    #expect(found.indices == [1, 3, 0, 0, 2, 4])
    #expect(found.squaredDistances == [0, 0, 2, 0, 0, 0])
  }

  @Test func tooFewPointsAreRefused() throws {
    let n = try neighbours(1)
    for (k, isSelf) in [(0, false), (4, false), (3, true)] {
      let error = #expect(throws: TensorError.self) {
        _ = try n.nearest(k, to: [0, 1, 2], among: [0, 1, 2], excludingSelf: isSelf)
      }
      #expect(
        "\(error, default: "")"
          == "\(k) neighbours among 3 points; expected fewer, and at least 1")
    }
  }

  /// Points just inside and just outside of balls, far from zero.
  @Test func ballsEndAtTheirRadius() throws {
    let centres: [Float] = [1000, 1000, 1010, 1000]
    let within = try neighbours(2).areWithin(
      [1000, 1001, 1000, 1001.001, 1003, 1004, 1012.999, 1000, 1013.001, 1000], balls: centres,
      squaredRadii: [1, 9])
    #expect(within == [true, false, false, true, false])
  }

  @Test func inDegreesByHand() throws {
    // The middle point is nearest to all others; its own nearest is the first of equals.
    let cross: [Float] = [0, 0, 1, 0, -1, 0, 0, 1, 0, -1]
    #expect(try neighbours(2).inDegrees(cross, k: 1) == [4, 1, 0, 0, 0])
    let many = points(700, width: 4, seed: 4)
    #expect(try neighbours(4).inDegrees(many, k: 5).reduce(0, +) == 5 * 700)
  }
}

private func membership(
  of samples: [Float], in data: [Float], width: Int, k: Int
) throws -> ManifoldMembership {
  let search = try neighbours(width)
  return try search.manifoldMembership(
    of: try search.manifold(of: samples, k: k), in: try search.manifold(of: data, k: k))
}

@Suite(.serialized) struct ManifoldTests {
  /// k = 1: balls of the data reach 1, 1, 1 and 8, those of the samples 3, 3 and 26.5.
  @Test func byHand() throws {
    let found = try membership(of: [0.5, 3.5, 30], in: [0, 1, 2, 10], width: 1, k: 1)
    #expect(found.samples == [true, true, false])
    #expect(found.data == [true, true, true, true])
    #expect(found.precision == 2.0 / 3 && found.recall == 1)
  }

  /// Collapsed samples are in the manifold of the data, but few data are in that of the samples.
  @Test func collapseIsHighPrecisionAndLowRecall() throws {
    let data = points(600, width: 3, seed: 5)
    var numbers = SplitMix64(seed: 6)
    let samples = (0..<600 * 3).map { _ in Float(0.001 * numbers.normal()) }
    let collapsed = try membership(of: samples, in: data, width: 3, k: 3)
    #expect(collapsed.precision == 1 && collapsed.recall < 0.01)
    let turned = try membership(of: data, in: samples, width: 3, k: 3)
    #expect(turned.recall == 1 && turned.precision < 0.01)
  }
}

@Suite(.serialized) struct LeavingOutTests {
  /// Groups that are spread evenly, and one that has all neighbours of its points: a dense cluster.
  @Test(arguments: [false, true]) func manifoldsAreThoseOfTheRest(_ isClustered: Bool) throws {
    var data = points(300, width: 3, seed: 7)
    let groups = (0..<300).map { $0 / 30 }
    if isClustered {
      // The rest of the points have their nearest neighbours in group 4, too.
      for i in 4 * 90..<5 * 90 { data[i] *= 0.001 }
    }
    let search = try neighbours(3)
    let found = try search.manifolds(of: data, leavingOut: groups, k: 3)
    #expect(found.count == 10)
    for (group, manifold) in found.enumerated() {
      let rest = (0..<300).filter { groups[$0] != group }.flatMap { data[$0 * 3..<($0 + 1) * 3] }
      #expect(try manifold == search.manifold(of: rest, k: 3), "group \(group)")
    }
  }
}

@Suite(.serialized) struct HubSelectionTests {
  /// Normal points of 16 dimensions, one per seed.
  private func latents(_ seeds: [UInt64]) -> [Float] {
    seeds.flatMap { seed in
      var numbers = SplitMix64(seed: Int(seed))
      return (0..<16).map { _ in Float(numbers.normal()) }
    }
  }

  @Test func hubsHaveTheHighestInDegreesOfTheirPool() throws {
    let selection = try HubSelection(quantile: 0.995)
    #expect(selection.kept == 50)
    let n = try neighbours(16)
    let seeds = (0..<100).map { UInt64($0) }
    let chosen = try selection.plainSeeds(for: seeds, n, points: latents)
    #expect(Set(chosen).count == 100)
    for pool in 0..<2 {
      let all = (0..<10_000).map { UInt64(pool * 10_000 + $0) }
      let degrees = try n.inDegrees(latents(all), k: 5)
      let kept = Set(chosen[50 * pool..<50 * pool + 50])
      let least = all.indices.filter { kept.contains(all[$0]) }.map { degrees[$0] }.min() ?? 0
      let most = all.indices.filter { !kept.contains(all[$0]) }.map { degrees[$0] }.max() ?? 0
      #expect(kept.allSatisfy { $0 / 10_000 == pool })
      // Hubs exist in sixteen dimensions: in-degrees of at least twice the mean of 5.
      #expect(least >= most && least > 10, "least \(least), most of the others \(most)")
    }
    // A seed gives the same point when it is drawn alone.
    #expect(try selection.plainSeeds(for: [77], n, points: latents) == [chosen[77]])
  }

  @Test func quantileZeroKeepsAllPoints() throws {
    let seeds: [UInt64] = [0, 9_999, 12_345]
    let selection = try HubSelection(quantile: 0)
    #expect(try selection.plainSeeds(for: seeds, try neighbours(16), points: latents) == seeds)
  }

  @Test(arguments: [(0.9999, 1), (0.9, 1000), (0.5, 5000)])
  func theQuantileDeterminesTheNumber(_ quantile: Double, _ kept: Int) throws {
    #expect(try HubSelection(quantile: quantile).kept == kept)
  }

  @Test(arguments: [1, 0.99999, -0.1, 1.5, .nan]) func emptySelectionsAreRefused(_ quantile: Double)
  {
    #expect(throws: TensorError.self) { _ = try HubSelection(quantile: quantile) }
  }
}
