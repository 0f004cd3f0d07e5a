import Distributions
import Support
import TensorCore
import VAE

/// The exact log p(x) of a VAE with a linear decoder, which is a Gaussian (Tipping and Bishop
/// 1999).
///
/// x = W z + b + σ ε has the mean b and the covariance W Wᵀ + σ² 1.
package struct LinearGaussian: Estimating {
  private let marginal: Gaussian

  /// Creates the estimator, or returns nil if the model is not linear and Gaussian.
  ///
  /// - Parameter weights: Maps the raw weights to those that are read, such as their exponential
  ///   moving average.
  /// - Throws: `TensorError` if the model's expressions are invalid.
  package init?(
    _ model: VariationalAutoencoder, _ runtime: Runtime, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    guard model.isLinear, case .gaussian(let latents) = model.latent,
      let sigma = model.standardDeviation
    else { return nil }
    // W and b are the images of the unit vectors and of the origin.
    let points = (0...latents).flatMap { row in (1...latents).map { $0 == row ? 1.0 : 0 } }
    let images = weights(model.decode(.literal(points, [latents + 1, latents])))
    let deviation = weights(sigma + 0)
    let program = try runtime.compile(
      "likelihood/linear", [images, deviation], sharesDraws: true)
    program.run(at: 0)
    let values = try program.values(images).map { Double($0) }
    let variance = try Double(program.scalar(deviation)) * Double(program.scalar(deviation))
    let size = values.count / (latents + 1)
    let mean = Array(values[..<size])
    let columns = (1...latents).map { row in
      (0..<size).map { values[row * size + $0] - mean[$0] }
    }
    var covariance = [Double](repeating: 0, count: size * size)
    for i in 0..<size {
      for j in 0..<size {
        covariance[i * size + j] = columns.reduce(i == j ? variance : 0) { $0 + $1[i] * $1[j] }
      }
    }
    marginal = try Gaussian(mean: mean, covariance: covariance)
  }

  /// A single step.
  package func steps(count: Int) -> Int { 1 }

  /// The exact log-density of each example.
  package func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate] {
    let start = ContinuousClock.now
    let size = marginal.dimension
    let values = try examples.keys.indices.map { row in
      try marginal.logDensity(examples.values[row * size..<(row + 1) * size].map { Double($0) })
    }
    try report(1)
    return [Estimate(.exact, values: values, seconds: (ContinuousClock.now - start).seconds)]
  }
}
