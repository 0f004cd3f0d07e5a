import NormalizingFlow
import TensorCore

/// The code of the article "A density that is known exactly" of `NormalizingFlow`.
func exactDensities() throws {
  let p = Parameters("flow")
  let flow = try CouplingFlow(shape: [2], couplings: 4, hidden: [24], p)
  let t = Tensor.normal([128, 1], "t")
  let curve = concatenate([t, t.squared() + 0.2 * .normal([128, 1], "noise")], axis: 1)
  let loss = flow.loss(curve)

  let runtime = try Runtime(seed: 0)
  let descent = minimize(loss, p, adam(Rate(0.005)))
  let step = try runtime.compile("train", [loss], updates: descent.updates)
  for _ in 1...200 { step.run() }
  let density = try FlowDensity(flow, runtime, batch: 4)
  let values = try density([0, 0, 1, 1])
  print("log densities", values)
}
