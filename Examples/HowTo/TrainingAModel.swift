import TensorCore

/// The code of the article "Training a model" of `TensorCore`.
func trainingAModel() throws {
  let p = Parameters("line")
  let line = dense(1, 1, p)
  let x = Tensor.uniform([64, 1], "x")
  let loss = (line(x) - (3 * x - 1)).squared().mean()
  let descent = minimize(loss, p, adam(Rate(0.05)))

  let runtime = try Runtime(seed: 0)
  let step = try runtime.compile("train", [loss], updates: descent.updates)
  for _ in 1...500 { step.run() }
  print("mean squared error", try step.scalar(loss))
}
