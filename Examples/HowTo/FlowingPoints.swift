import Diffusion
import FlowMatching
import Networks
import TensorCore

/// The code of the article "A flow from noise to points" of `FlowMatching`.
func flowingPoints() throws {
  let p = Parameters("velocity")
  let model = FlowMatchingModel(
    network: mlpNetwork(dimensions: 2, width: 32, depth: 2, timeFeatures: 16, p))
  let angle = 2 * .pi * Tensor.uniform([128, 1], "angle")
  let ring = concatenate([cos(angle), sin(angle)], axis: 1)
  let loss = model.loss(ring)

  let runtime = try Runtime(seed: 0)
  let descent = minimize(loss, p, adam(Rate(0.002)))
  let step = try runtime.compile("train", [loss], updates: descent.updates)
  for _ in 1...200 { step.run() }
  let sampler = try Sampler(model.denoiser, runtime, batch: 64)
  let points = try sampler.sample(seeds: Array(0..<64), .heun, steps: 10)
  print("flowed", points.prefix(4))
}
