import TensorCore
import VAE

/// The code of the article "A variational autoencoder of points" of `VAE`.
func encodingPoints() throws {
  let p = Parameters("vae")
  let model = try VariationalAutoencoder(
    shape: [2], network: Network(hidden: [32]), latent: .gaussian(dimension: 1),
    likelihood: .gaussian(standardDeviation: nil), p)
  let t = Tensor.normal([128, 1], "t")
  let curve = concatenate([t, sin(t)], axis: 1)
  let loss = model.loss(curve)

  let runtime = try Runtime(seed: 0)
  let descent = minimize(loss, p, adam(Rate(0.005)))
  let step = try runtime.compile("train", [loss], updates: descent.updates)
  for _ in 1...200 { step.run() }
  let sampler = try LatentSampler(model, runtime, batch: 16, drawsObservations: false)
  let codes = try sampler.encode([0.5, 0.48, -1, -0.84])
  let points = try sampler.decode(codes)
  print("codes", codes, "points", points)
}
