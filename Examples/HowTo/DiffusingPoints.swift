import DDPM
import Diffusion
import Networks
import TensorCore

/// The code of the article "A diffusion model of points" of `DDPM`.
func diffusingPoints() throws {
  let schedule = try NoiseSchedule(.cosine, times: 100)
  let p = Parameters("denoiser")
  let model = GaussianDiffusion(
    schedule: schedule,
    network: mlpNetwork(dimensions: 2, width: 32, depth: 2, timeFeatures: 16, p))
  let angle = 2 * .pi * Tensor.uniform([128, 1], "angle")
  let ring = concatenate([cos(angle), sin(angle)], axis: 1)
  let loss = model.loss(ring)

  let runtime = try Runtime(seed: 0)
  let descent = minimize(loss, p, adam(Rate(0.002)))
  let step = try runtime.compile("train", [loss], updates: descent.updates)
  for _ in 1...200 { step.run() }
  let sampler = try Sampler(model.denoiser, runtime, batch: 64)
  let points = try sampler.sample(
    seeds: Array(0..<64), .ancestral(.posterior), steps: schedule.times)
  print("points", points.prefix(4))
}
