import NormalizingFlow
import TensorCore
import TestSupport
import Testing

@Suite struct SamplerTests {
  /// A sample is identical, bit for bit, in every batch and at every position.
  ///
  /// At the batches of runs, and the least. Where the library is held to AVX2 its products of 2, 5 or 8 narrow rows, a quarter
  /// of 8, 20 or 32, round by the place of a row.
  @Test(arguments: SmallFlow.all, [1, 64, 2048])
  func samplesDependOnlyOnTheirSeed(_ small: SmallFlow, batch: Int) throws {
    let p = Parameters("flow")
    let model = try small.model(p)
    let runtime = try SmallFlow.runtime(p, seed: 2)
    let sampler = try FlowSampler(model, runtime, batch: batch)
    #expect(sampler.batch % 4 == 0 && sampler.batch >= batch)
    let seeds: [UInt64] = (0..<41).map { $0 &* 0x9E37_79B9_7F4A_7C15 }
    let width = small.dimensions
    func rows(_ values: [Float]) -> [[Float]] {
      stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
    }
    let together = rows(try sampler.sample(seeds: seeds))
    #expect(Set(together).count == seeds.count)
    #expect(rows(try sampler.sample(seeds: seeds.reversed())) == together.reversed())
    for i in [0, 7, 40] { #expect(try sampler.sample(seeds: [seeds[i]]) == together[i]) }
    #expect(try sampler.sample(seeds: []) == [])
    // Another batch may split contractions differently: equal up to rounding.
    let other = try FlowSampler(model, runtime, batch: 12).sample(seeds: seeds)
    #expect(relativeError(other.map { Double($0) }, together.joined().map { Double($0) }) < 1e-3)
  }

  /// Samples are the decoded draws, and their density is that of the draws.
  @Test(arguments: SmallFlow.all) func samplesAreDecodedDraws(_ small: SmallFlow) throws {
    let p = Parameters("flow")
    let model = try small.model(p)
    let runtime = try SmallFlow.runtime(p, seed: 4)
    let sampler = try FlowSampler(model, runtime, batch: 8)
    let seeds: [UInt64] = [3, 1 << 63, 77, 5, 6]
    let keys = Tensor.seeds("seeds", 8)
    let noise = model.noise(8, keys: keys)
    let draw = try runtime.compile("sample", [noise], sharesDraws: true)
    try draw.fill(seeds: keys, with: seeds)
    draw.run(at: 0)
    let latents = Array(try draw.values(noise).prefix(5 * small.dimensions))
    let samples = try sampler.sample(seeds: seeds)
    #expect(try sampler.decode(latents) == samples)
    #expect(latents != samples)
    #expect(throws: TensorError.self) { try sampler.decode(latents + [1]) }
  }

  /// Densities agree with the reference, individually and in batches, with the requested weights.
  @Test(arguments: SmallFlow.all) func densitiesAgreeWithTheModel(_ small: SmallFlow) throws {
    let p = Parameters("flow")
    let model = try small.model(p)
    let runtime = try SmallFlow.runtime(p, seed: 9)
    let (count, width) = (11, small.dimensions)
    var numbers = SplitMix64(seed: 9)
    let points = numbers.normals(count * width)
    let x = Tensor.input("x", [count] + small.shape)
    func expected(seed: Int) throws -> [Double] {
      var reference = SmallFlow.reference(p, seed: seed)
      return try reference.evaluate([model.logDensity(x)], ["x": points])[0]
    }
    let density = try FlowDensity(model, runtime, batch: 3)
    let floats = points.map { Float($0) }
    let found = try density(floats)
    // fp32 has 6e-8 of rounding, which a few dozen steps multiply.
    #expect(relativeError(found.map { Double($0) }, try expected(seed: 9)) < 1e-4)
    #expect(try density(Array(floats[width..<2 * width])) == [found[1]])
    #expect(try density([]) == [])
    #expect(throws: TensorError.self) { try density([1]) }

    // Another copy of the weights.
    let averaged = try FlowDensity(
      model, runtime, batch: 3, weights: Weights.averaged.reading(p.variables))
    for (name, values) in SmallFlow.weights(p, seed: 10) {
      try runtime.write(variable: Weights.averaged.rawValue + name, values.map { Float($0) })
    }
    let others = try averaged(floats)
    #expect(relativeError(others.map { Double($0) }, try expected(seed: 10)) < 1e-4)
    #expect(try density(floats) == found)
    let drawn = try FlowSampler(model, runtime, batch: 4).sample(seeds: [1])
    let other = try FlowSampler(
      model, runtime, batch: 4, weights: Weights.averaged.reading(p.variables)
    ).sample(seeds: [1])
    #expect(drawn != other)
  }
}
