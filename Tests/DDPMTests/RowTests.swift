import DDPM
import Diffusion
import Networks
import TensorCore
import TestSupport
import Testing

private func configuration(
  _ height: Int, _ width: Int, channels: Int = 1, base: Int = 8, multipliers: [Int] = [1, 2],
  blocks: Int = 1, groups: Int = 8, attention: Bool = true
) -> UNetConfiguration {
  var result = UNetConfiguration(
    height: height, width: width, channels: channels, base: base, multipliers: multipliers,
    blocks: blocks)
  (result.groups, result.attention) = (groups, attention)
  return result
}

/// The bytes of a sample depend only on its own seed.
@Suite struct RowTests {
  private func check(_ model: GaussianDiffusion, _ parameters: Parameters, batch: Int, clip: Bool)
    throws
  {
    for precision in Precision.allCases where precision == .fp32 || Precision.hasBF16 {
      try check(model, parameters, batch: batch, clip: clip, precision)
    }
  }

  private func check(
    _ model: GaussianDiffusion, _ parameters: Parameters, batch: Int, clip: Bool,
    _ precision: Precision
  ) throws {
    let runtime = try Runtime.random(parameters, seed: 8, threads: 2)
    let sampler = try Sampler(
      model.denoiser, runtime, batch: batch, precision: precision, clip: clip ? -1...1 : nil)
    #expect(sampler.batch == (batch + 3) / 4 * 4)
    let batch = sampler.batch
    let width = model.denoiser.shape.reduce(1, *)
    func draw(_ seeds: [UInt64]) throws -> [[UInt32]] {
      let bits = try sampler.sample(seeds: seeds, .ddim(eta: 0.5), steps: 3).map(\.bitPattern)
      return seeds.indices.map { Array(bits[$0 * width..<($0 + 1) * width]) }
    }
    let seeds = (0..<batch).map { UInt64($0) }
    let together = try draw(seeds)
    #expect(Set(together).count == batch)
    #expect(together.joined().allSatisfy { Float(bitPattern: $0).isFinite })
    for seed in Set([0, 5, batch / 2, batch - 1]) {
      #expect(try draw([UInt64(seed)]) == [together[seed]], "seed \(seed) alone, \(precision)")
    }
    let backwards = try draw(seeds.reversed())
    for seed in seeds.indices where backwards[batch - 1 - seed] != together[seed] {
      Issue.record("\(precision): seed \(seed) of \(batch) differs at place \(batch - 1 - seed)")
    }
    // More than one batch, with every position shifted.
    let more = try draw(seeds.dropFirst(3) + [100_000, 100_001, 100_002, 0, 1, 2])
    for seed in seeds.indices {
      let place = seed < 3 ? batch + seed : seed - 3
      if more[place] != together[seed] {
        Issue.record("\(precision): seed \(seed) of \(batch) differs at place \(place % batch)")
      }
    }
    let large: [UInt64] = [.max, 1 << 63, 1 << 32, 5]
    let some = try draw(large)
    #expect(some[3] == together[5] && Set(some).count == 4)
    #expect(try draw(large.reversed()).reversed() == some)
  }

  @Test(arguments: [64, 13])
  func ofImages(batch: Int) throws {
    let sizes = configuration(28, 28, multipliers: [1, 2, 4])
    let (model, parameters) = try imageModel(sizes, times: 10)
    try check(model, parameters, batch: batch, clip: true)
  }

  /// The layers of the reference architecture, on fewer pixels.
  @Test(arguments: [64, 13])
  func ofImagesWithWideLayers(batch: Int) throws {
    let sizes = configuration(8, 8, base: 32, multipliers: [1, 2, 4])
    let (model, parameters) = try imageModel(sizes, times: 10)
    try check(model, parameters, batch: batch, clip: true)
  }

  @Test(arguments: [2048, 64, 13])
  func ofPoints(batch: Int) throws {
    let (model, parameters) = try pointModel(times: 10, width: 128, depth: 3)
    try check(model, parameters, batch: batch, clip: false)
  }
}

@Suite struct ThreadTests {
  @Test(arguments: [
    (configuration(8, 8), 6), (configuration(12, 12, base: 16, multipliers: [1, 2, 4]), 10),
  ])
  func weightsDoNotDependOnThreads(sizes: UNetConfiguration, batch: Int) throws {
    for precision in Precision.allCases where precision == .fp32 || Precision.hasBF16 {
      try check(sizes, batch: batch, precision)
    }
  }

  private func check(_ sizes: UNetConfiguration, batch: Int, _ precision: Precision) throws {
    let seed = 12
    func train(threads: Int) throws -> [String: [UInt32]] {
      let (model, parameters) = try imageModel(sizes, times: 50)
      let runtime = try Runtime(seed: UInt64(seed), threads: threads)
      let shape = [batch, sizes.height, sizes.width, sizes.channels]
      let loss = model.loss(2 * Tensor.uniform(shape, "data") - 1)
      let descent = minimize(
        loss, parameters, chain(clip(globalNorm: 1), adam(2e-3), average(decay: 0.99)))
      let program = try runtime.compile(
        "train", [loss, descent.isFinite], updates: descent.updates, precision: precision)
      for step in 0..<30 {
        program.run()
        try #require(
          try program.scalar(descent.isFinite) == 1, "\(precision), seed \(seed), step \(step)")
      }
      return try runtime.bits()
    }
    let one = try train(threads: 1)
    let two = try train(threads: 2)
    #expect(one.count > 30 && one.keys == two.keys)
    for (name, bits) in one where two[name] != bits {
      Issue.record("\(name) differs between 1 and 2 threads in \(precision), seed \(seed)")
    }
  }
}
