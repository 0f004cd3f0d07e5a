import DDPM
import Diffusion
import Networks
import TensorCore
import TestSupport
import Testing

@Suite struct GuidanceTests {
  private static let classes = 3
  private static let seeds = (0..<16).map { UInt64($0) }

  /// A network of points with random weights, its parameters, and the same without a class.
  private func networks() -> (
    conditional: DenoisingNetwork, unconditional: DenoisingNetwork, parameters: Parameters
  ) {
    let parameters = Parameters("denoiser")
    let network = mlpNetwork(
      dimensions: 2, width: 32, depth: 2, timeFeatures: 16, classes: Self.classes,
      hasUnknownClass: true, parameters)
    let unconditional = DenoisingNetwork(shape: [2]) { x, time in
      network(x, time, label: Tensor(Double(Self.classes)).broadcast(to: time.shape))
    }
    return (network, unconditional, parameters)
  }

  private func sampler(
    _ network: DenoisingNetwork, _ parameters: Parameters, guidance: Double?, target: Target = .v,
    batch: Int = 16
  ) throws -> Sampler {
    let path = NoisePath(try NoiseSchedule(.cosine, times: 100))
    return try Sampler(
      Denoiser(network, target: target, path: path),
      .random(parameters, seed: 9, threads: 1), batch: batch, guidance: guidance)
  }

  @Test(arguments: [
    SamplingMethod.ancestral(.posterior), .ddim(eta: 0), .ddim(eta: 1), .heun, .dpmSolver,
  ])
  func oneIsTheConditionalModelAndZeroTheUnconditional(method: SamplingMethod) throws {
    let (network, unconditional, parameters) = networks()
    func draw(_ network: DenoisingNetwork, _ guidance: Double?) throws -> [Float] {
      let sampler = try sampler(network, parameters, guidance: guidance)
      #expect(sampler.evaluationsPerVisit == (guidance == nil ? 1 : 2))
      return try sampler.sample(seeds: Self.seeds, method, steps: 10)
    }
    let (plain, none) = (try draw(network, nil), try draw(unconditional, nil))
    // Rounding of twice the batch in one product.
    #expect(largestGap(try draw(network, 1), plain) < 1e-4 * standardDeviation(plain))
    #expect(largestGap(try draw(network, 0), none) < 1e-4 * standardDeviation(none))
    #expect(largestGap(plain, none) > 0.01 * standardDeviation(plain))
    #expect(largestGap(try draw(network, 2), plain) > 0.01 * standardDeviation(plain))
  }

  /// The only visit of a sampler of one step gives x̂_0, which is linear in the factor.
  @Test(arguments: Target.allCases.filter(\.isAffine), [-0.5, 0.5, 1.5, 3])
  func estimatesAreLinearInTheFactor(target: Target, factor: Double) throws {
    let (network, _, parameters) = networks()
    func draw(_ guidance: Double) throws -> [Float] {
      try sampler(network, parameters, guidance: guidance, target: target)
        .sample(seeds: Self.seeds, .ddim(eta: 0), steps: 1)
    }
    let (one, zero, found) = (try draw(1), try draw(0), try draw(factor))
    let wanted = zip(one, zero).map { Float(factor) * $0 + Float(1 - factor) * $1 }
    let size = (one + zero).reduce(0) { max($0, abs($1)) }
    #expect(largestGap(found, wanted) < 1e-5 * Double(size))
    #expect(largestGap(one, zero) > 1e-3 * Double(size))
  }

  @Test(arguments: [16, 13]) func aSampleDependsOnItsSeedAlone(batch: Int) throws {
    let (network, _, parameters) = networks()
    let sampler = try sampler(network, parameters, guidance: 1.5, batch: batch)
    var request = Sampler.Request(.ddim(eta: 0.5), steps: 4)
    func draw(_ seeds: [UInt64]) throws -> [[UInt32]] {
      request.labels = seeds.map { Int($0 % 3) }
      let bits = try sampler.sample(seeds: seeds, request).map(\.bitPattern)
      return seeds.indices.map { Array(bits[2 * $0..<2 * $0 + 2]) }
    }
    let together = try draw(Self.seeds)
    #expect(Set(together).count == Self.seeds.count)
    for seed in Self.seeds {
      #expect(try draw([seed]) == [together[Int(seed)]], "seed \(seed) alone")
    }
    #expect(try draw(Self.seeds.reversed()) == together.reversed())
    #expect(try draw(Self.seeds + [99, 98, 97]).prefix(16) == together[...])
  }

  @Test(arguments: [0.1, 0.5, 0.9]) func theFractionOfLabelsIsHidden(fraction: Double) throws {
    let count = 20_000
    let known = (0..<count).map { Double($0 % 10) }
    let label = Tensor.literal(known, [count])
    let dropped = droppingLabels(label, fraction: fraction, unknown: 10)
    let program = try Runtime(seed: 5, threads: 1).compile("train", [dropped])
    func values(_ step: UInt64) throws -> [Double] {
      program.run(at: step)
      return try program.values(dropped).map { Double($0) }
    }
    let first = try values(0)
    #expect(zip(first, known).allSatisfy { $0 == $1 || $0 == 10 })
    let error = (fraction * (1 - fraction) / Double(count)).squareRoot()
    #expect(abs(Double(first.count { $0 == 10 }) / Double(count) - fraction) < 4 * error)
    // Other examples at another step.
    #expect(try values(1) != first)
    #expect(try values(0) == first)
  }

  @Test func noLabelIsHiddenUnlessAsked() throws {
    let known = (0..<1000).map { Double($0 % 10) }
    let same = droppingLabels(.literal(known, [1000]), fraction: 0, unknown: 10)
    let program = try Runtime(seed: 5, threads: 1).compile("train", [same + 0])
    program.run()
    var reference = Reference(seed: 5)
    #expect(try reference.evaluate([same])[0] == known)
  }
}
