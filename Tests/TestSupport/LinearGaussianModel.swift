import Glibc
import TensorCore
import VAE

/// x = W z + b + σ ε with one latent dimension, of which everything is known in closed form.
package struct LinearGaussianModel {
  /// W, [2, 1].
  package let w = [0.8, -0.5]
  /// b, [2].
  package let b = [0.3, -0.2]
  /// σ.
  package let deviation = 0.6
  /// g of q(z|x) = N(g·x + h, s²).
  package var gain = [0.4, 0.1]
  /// h.
  package var shift = 0.2
  /// s².
  package var variance = 0.5

  /// The model with a q that is not the posterior.
  package init() {}

  /// The model with the posterior itself as q.
  package static var exact: LinearGaussianModel {
    var result = LinearGaussianModel()
    let precision = 1 + result.square / (result.deviation * result.deviation)
    let factor = 1 / (precision * result.deviation * result.deviation)
    result.gain = result.w.map { $0 * factor }
    result.shift = -factor * zip(result.w, result.b).map(*).reduce(0, +)
    result.variance = 1 / precision
    return result
  }

  private var square: Double { w.map { $0 * $0 }.reduce(0, +) }

  /// log N(x; b, W Wᵀ + σ² I), the inverse by Sherman and Morrison.
  package func logDensity(_ x: [Double]) -> Double {
    let s2 = deviation * deviation
    let d = zip(x, b).map { $0 - $1 }
    let along = zip(w, d).map(*).reduce(0, +)
    let form = (d.map { $0 * $0 }.reduce(0, +) - along * along / (s2 + square)) / s2
    return -log(2 * .pi) - 0.5 * log(s2 * (s2 + square)) - form / 2
  }

  /// E_q log p(x|z) - KL(q || p).
  package func bound(_ x: [Double]) -> Double {
    let s2 = deviation * deviation
    let m = zip(gain, x).map(*).reduce(shift, +)
    let errors = (0..<2).map { x[$0] - b[$0] - w[$0] * m }
    let spread = errors.map { $0 * $0 }.reduce(0, +) + square * variance
    let divergence = 0.5 * (m * m + variance - log(variance) - 1)
    return -spread / (2 * s2) - log(2 * .pi * s2) - divergence
  }

  /// A runtime whose variables are those of the model.
  package func runtime() throws -> Runtime {
    let runtime = try Runtime(seed: 11, threads: 2)
    func set(_ name: String, _ shape: [Int], _ values: [Double]) throws {
      try runtime.restore(variable: "vae/" + name, shape: shape, values.map { Float($0) })
    }
    try set("posterior/mean/weight", [2, 1], gain)
    try set("posterior/mean/bias", [1], [shift])
    try set("posterior/logVariance/weight", [2, 1], [0, 0])
    try set("posterior/logVariance/bias", [1], [log(variance)])
    try set("decoder/output/weight", [1, 2], w)
    try set("decoder/output/bias", [2], b)
    return runtime
  }

  /// The model.
  package func model() throws -> VariationalAutoencoder {
    try VariationalAutoencoder(
      shape: [2], network: Network(hidden: []), latent: .gaussian(dimension: 1),
      likelihood: .gaussian(standardDeviation: deviation), Parameters("vae"))
  }
}
