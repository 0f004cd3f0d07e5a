import NormalizingFlow
import TensorCore
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// N(mean, L Lᵀ) in the plane.
private struct Gaussian {
  let mean = [0.7, -0.4]
  let factor = [[1.2, 0.0], [-0.6, 0.5]]

  /// log(2 pi e) + log det L, in nats.
  var entropy: Double { 1 + log(2 * .pi) + log(factor[0][0] * factor[1][1]) }

  /// Fresh draws at every run, [count, 2].
  func draws(_ count: Int) -> Tensor {
    let transposed = Tensor.literal(
      [factor[0][0], factor[1][0], factor[0][1], factor[1][1]], [2, 2])
    return Tensor.normal([count, 2], "data").matmul(transposed) + Tensor.literal(mean, [2])
  }

  func logDensity(_ x: [Double]) -> Double {
    let a = (x[0] - mean[0]) / factor[0][0]
    let b = (x[1] - mean[1] - factor[1][0] * a) / factor[1][1]
    return 1 - entropy - (a * a + b * b) / 2
  }
}

@Suite struct TrainingTests {
  /// The loss of a trained flow approaches the entropy, its lower bound, and its samples have the Gaussian's moments.
  @Test func aFlowLearnsAGaussian() throws {
    let (seed, steps, batch) = (5, 600, 256)
    let data = Gaussian()
    let p = Parameters("flow")
    let model = try CouplingFlow(shape: [2], couplings: 4, hidden: [24], p)
    let runtime = try Runtime(seed: UInt64(seed), threads: 1)
    let loss = model.loss(data.draws(batch))
    let rate = Rate(5e-3).cosine(until: steps)
    let descent = minimize(loss, p, chain(clip(globalNorm: 1), adam(rate), average(decay: 0.98)))
    let train = try runtime.compile("train", [loss], updates: descent.updates)
    train.run()
    let first = Double(try train.scalar(loss))
    for _ in 1..<steps { train.run() }

    let count = 20_000
    let averaged = Weights.averaged.reading(p.variables)
    let fresh = data.draws(count)
    let evaluation = try runtime.compile("evaluate", [fresh])
    evaluation.run()
    let points = try evaluation.values(fresh)
    let densities = try FlowDensity(model, runtime, batch: 2000, weights: averaged)(points)
    let found = -densities.reduce(0) { $0 + Double($1) } / Double(count)
    // -log p of a Gaussian is D/2 of variance around its entropy: one, here.
    let error = (1 / Double(count)).squareRoot()
    // The gap of the flow, with far less noise: the mean of log p - log q is KL(p || q).
    let ratios = densities.indices.map { i in
      data.logDensity([Double(points[2 * i]), Double(points[2 * i + 1])]) - Double(densities[i])
    }
    let divergence = ratios.reduce(0, +) / Double(count)
    let spread = ratios.reduce(0) { $0 + ($1 - divergence) * ($1 - divergence) } / Double(count)
    let noise = (spread / Double(count)).squareRoot()
    print(
      "flow on a Gaussian: entropy \(data.entropy), loss \(first) at first, \(found) +- \(error) at last, KL \(divergence) +- \(noise)"
    )
    #expect(first > data.entropy + 0.3, "seed \(seed)")
    #expect(abs(found - data.entropy) < 4 * error, "seed \(seed)")
    #expect(divergence > -4 * noise, "seed \(seed)")

    // Moments of the samples, within four standard errors and what a divergence of so many nats may hide: means
    // differ by at most sqrt(2 KL) standard deviations.
    let samples = try FlowSampler(model, runtime, batch: 2000, weights: averaged)
      .sample(seeds: (0..<count).map { UInt64($0) })
    let slack = 4 * error + (2 * max(divergence, noise)).squareRoot()
    let deviations = [1.2, (0.36 + 0.25).squareRoot()]
    for i in 0..<2 {
      let mine = stride(from: i, to: samples.count, by: 2).map { Double(samples[$0]) }
      let mean = mine.reduce(0, +) / Double(count)
      #expect(abs(mean - data.mean[i]) < slack * deviations[i], "seed \(seed)")
      let variance = mine.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      #expect(abs(variance.squareRoot() / deviations[i] - 1) < slack, "seed \(seed)")
    }
  }

  /// The gradient that training uses is that of the loss.
  @Test(arguments: [1, 4, 6]) func gradientsAgreeWithTheLoss(_ index: Int) throws {
    let p = Parameters("flow")
    let small = SmallFlow.all[index]
    let model = try small.model(p)
    let x = Tensor.input("x", [5] + small.shape)
    let loss = model.loss(x)
    var reference = SmallFlow.reference(p, seed: index)
    var numbers = SplitMix64(seed: index)
    let inputs = ["x": numbers.normals(5 * small.dimensions)]
    let exact = try reference.evaluate(gradients(of: loss, withRespectTo: p.tensors), inputs)
    let largest = exact.flatMap { $0 }.map { abs($0) }.max() ?? 0
    #expect(exact.allSatisfy { $0.contains { $0 != 0 } })
    for (variable, gradient) in zip(p.variables, exact) {
      for i in Set([0, gradient.count / 3, gradient.count - 1]) {
        let h = 1e-5
        let sides = try [h, -h].map { step in
          var other = reference
          other.variables[variable.name]?[i] += step
          return try other.evaluate([loss], inputs)[0][0]
        }
        let difference = (sides[0] - sides[1]) / (2 * h)
        // h² times a third derivative, and 1e-16 / h of rounding of the loss.
        #expect(abs(difference - gradient[i]) < 1e-6 * max(largest, 1), "\(variable.name)[\(i)]")
      }
    }
  }
}
