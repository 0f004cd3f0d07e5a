import Distributions

/// The code of the article "Divergences and draws" of `Distributions`.
func divergencesAndDraws() throws {
  let prior = try DiagonalGaussian(mean: [0, 0], standardDeviation: [1, 1])
  let posterior = try DiagonalGaussian(mean: [1, 0], standardDeviation: [0.5, 0.5])
  print("divergence", try posterior.divergence(to: prior), "nats")

  var numbers = PhiloxStream(seed: 1)
  let point = posterior.draw(using: &numbers)
  print("log density", try posterior.logDensity(point), "nats")
}
