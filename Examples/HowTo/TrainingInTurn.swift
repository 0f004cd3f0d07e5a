import TensorCore
import WGAN

/// The code of the article "Training two networks in turn" of `WGAN`.
func trainingInTurn() throws {
  let p = Parameters("gan")
  let (generator, critic) = (p["generator"], p["critic"])
  let model = try WassersteinGAN(
    shape: [2], networks: AdversarialNetworks(.mlp, latent: 2, generator: [32], critic: [32]),
    constraint: .gradientNormalized, loss: .hinge, p)
  let data = 0.1 * Tensor.normal([64, 2], "data") + 1
  let objective = model.criticObjective(data)
  let loss = model.generatorLoss(count: 64)

  let runtime = try Runtime(seed: 0)
  let down = minimize(
    objective.loss, critic.part, adam(Rate(0.001)), holding: generator.part.variables)
  let up = minimize(loss, generator.part, adam(Rate(0.001)), holding: critic.part.variables)
  let criticStep = try runtime.compile(
    "critic", [objective.loss], updates: down.updates + objective.updates)
  let generatorStep = try runtime.compile("generator", [loss], updates: up.updates)
  for _ in 1...100 {
    criticStep.run()
    generatorStep.run()
  }
  print("generator loss", try generatorStep.scalar(loss))
}
