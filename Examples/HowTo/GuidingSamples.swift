import Diffusion
import Networks
import TensorCore

/// The code of the article "Samples of a class" of `Diffusion`.
func guidingSamples() throws {
  let p = Parameters("denoiser")
  let network = mlpNetwork(
    dimensions: 2, width: 32, depth: 2, timeFeatures: 16, classes: 2, hasUnknownClass: true, p)
  let denoiser = Denoiser(network, target: .v, path: .cosine)
  let label = Tensor.literal((0..<128).map { Double($0 % 2) }, [128])
  let noise = Tensor.normal([128, 2], "points")
  let points = 2 * label.reshape([-1, 1]) - 1 + 0.3 * noise
  let shown = droppingLabels(label, fraction: 0.1, unknown: 2)
  let loss = DenoisingLoss(times: .logSNR)(denoiser, points, label: shown)

  let runtime = try Runtime(seed: 0)
  let descent = minimize(loss, p, adam(Rate(0.005)))
  let step = try runtime.compile("train", [loss], updates: descent.updates)
  for _ in 1...600 { step.run() }
  let sampler = try Sampler(denoiser, runtime, batch: 64, guidance: 1.5)
  var request = Sampler.Request(.dpmSolver, steps: 8)
  request.labels = [1, 1, 0]
  let samples = try sampler.sample(seeds: [0, 1, 2], request)
  print("guided", samples)
}
