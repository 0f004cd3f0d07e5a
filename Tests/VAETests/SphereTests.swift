import CKernels
import TensorCore
import Testing
import VAE

@Suite(.serialized) struct SphereTests {
  static let grid: [(dimension: Int, concentration: Double)] = [2, 3, 5, 11, 50].flatMap { d in
    [0.1, 2, 20, 500].map { (d, $0) }
  }

  /// d E[⟨μ, z⟩] / dκ = A'(κ).
  ///
  /// At d = 5, κ = 2 it is 0.1474; gradients that ignore the acceptance give 0.1277.
  @Test(arguments: grid)
  func drawsHaveTheGradientOfTheirMean(_ dimension: Int, _ concentration: Double) throws {
    let count = 50_000
    let k = Tensor.input("k", [count])
    let w = cos(Tensor.vonMisesFisherAngle(k, dimension: dimension, "angle"))
    let slope = gradients(of: w.sum(), withRespectTo: [k])[0]
    let program = try Runtime(seed: 5, threads: 2).compile("test", [w, slope])
    try program.fill(k, with: [Float](repeating: Float(concentration), count: count))
    program.run()
    let exact = fk_vmf(Double(dimension), Double(Float(concentration)))
    for (values, expected) in [
      (try program.values(w), exact.ratio), (try program.values(slope), exact.slope),
    ] {
      let mean = values.reduce(0) { $0 + Double($1) } / Double(count)
      let square = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
      let error = (square / Double(count)).squareRoot() / Double(count).squareRoot()
      #expect(abs(mean - expected) < 4.5 * error, "\(mean), \(expected)")
    }
    if dimension == 5 && concentration == 2 { #expect(abs(exact.slope - 0.1474) < 5e-5) }
  }

  /// A VAE on a sphere whose posterior has the given centre and concentration for every example.
  private func posterior(
    _ mean: [Double], _ concentration: Double?, count: Int, bias: Double = 0
  ) throws -> (runtime: Runtime, q: Posterior, parameters: Parameters) {
    let dimension = mean.count - 1
    let parameters = Parameters("vae")
    let model = try VariationalAutoencoder(
      shape: [1], network: Network(hidden: []),
      latent: .sphere(dimension: dimension, concentration: concentration),
      likelihood: .gaussian(standardDeviation: 1), parameters)
    let runtime = try Runtime(seed: 2, threads: 2)
    try runtime.restore(
      variable: "vae/posterior/mean/weight", shape: [1, mean.count],
      [Float](repeating: 0, count: mean.count))
    try runtime.restore(
      variable: "vae/posterior/mean/bias", shape: [mean.count], mean.map { Float($0) })
    if concentration == nil {
      try runtime.restore(
        variable: "vae/posterior/concentration/weight", shape: [1, 1], [0])
      try runtime.restore(
        variable: "vae/posterior/concentration/bias", shape: [1], [Float(bias)])
    }
    return (runtime, model.posterior(.zeros([count, 1])), parameters)
  }

  @Test(arguments: [
    (2, 1.0), (2, 300), (3, 5), (11, 20), (50, 80),
  ])
  func theDivergenceIsTheMeanLogRatio(_ coordinates: Int, _ concentration: Double) throws {
    var mean = [Double](repeating: 0, count: coordinates)
    (mean[0], mean[1]) = (0.6, -0.8)
    let (runtime, q, _) = try posterior(mean, concentration, count: 1)
    let draws = q.draws(20_000)
    let program = try runtime.compile("test", [draws.logRatio, q.divergence, draws.points])
    program.run()
    let ratios = try program.values(draws.logRatio).map { Double($0) }
    let estimate = -ratios.reduce(0, +) / Double(ratios.count)
    let square = ratios.reduce(0) { $0 + ($1 + estimate) * ($1 + estimate) }
    let error = square.squareRoot() / Double(ratios.count)
    let exact = fk_vmf(Double(coordinates), concentration)
    #expect(abs(estimate - exact.divergence) < 4.5 * error + 1e-5)
    #expect(
      abs(Double(try program.scalar(q.divergence)) - exact.divergence)
        < 1e-6 * max(1, exact.divergence))
    // Points are on the sphere, with mean A(κ) μ.
    let points = try program.values(draws.points)
    var centre = [Double](repeating: 0, count: coordinates)
    for start in stride(from: 0, to: points.count, by: coordinates) {
      let point = points[start..<start + coordinates].map { Double($0) }
      #expect(abs(point.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
      for i in 0..<coordinates { centre[i] += point[i] / 20_000 }
    }
    for i in 0..<coordinates {
      // Each coordinate has a variance of at most 1.
      #expect(abs(centre[i] - exact.ratio * mean[i]) < 4.5 / 20_000.0.squareRoot(), "axis \(i)")
    }
  }

  /// Centres on an axis, on its opposite and undefined; concentrations at both limits and far beyond.
  @Test(arguments: [2, 3, 11, 1001], [-1e6, -20, 0, 2e5, 1e9])
  func extremesAreFinite(_ coordinates: Int, _ bias: Double) throws {
    for sign in [1.0, -1, 0] {
      var mean = [Double](repeating: 0, count: coordinates)
      mean[0] = sign
      let (runtime, q, parameters) = try posterior(mean, nil, count: 64, bias: bias)
      let draws = q.draws(3)
      let weights = Tensor.normal(draws.points.shape, "weights")
      let loss =
        (weights * draws.points).sum() + draws.logRatio.sum() + q.divergence.sum()
      let reached = parameters.variables.filter { $0.name.hasPrefix("vae/posterior") }
      let slopes = gradients(of: loss, withRespectTo: reached.map(\.value))
      let program = try runtime.compile("test", [draws.points, loss] + slopes)
      program.run()
      for y in [draws.points, loss] + slopes {
        #expect(try program.values(y).allSatisfy(\.isFinite), "sign \(sign)")
      }
      let points = try program.values(draws.points)
      for start in stride(from: 0, to: points.count, by: coordinates) {
        let length = points[start..<start + coordinates].reduce(0) { $0 + Double($1) * Double($1) }
        #expect(abs(length - 1) < 1e-4, "sign \(sign)")
      }
    }
  }

  @Test(arguments: [1, 2, 5, 40, 400])
  func concentrationsStartAtTheDimension(_ dimension: Int) throws {
    let mean = [1.0] + [Double](repeating: 0, count: dimension)
    let (runtime, q, _) = try posterior(mean, nil, count: 1)
    let program = try runtime.compile("test", [q.divergence])
    program.run()
    let exact = fk_vmf(Double(dimension + 1), Double(dimension + 1)).divergence
    #expect(abs(Double(try program.scalar(q.divergence)) - exact) < 2e-3 * max(exact, 1))
  }

  @Test(arguments: [
    (Latent.gaussian(dimension: 0), "latent variables need at least 1 dimension, not 0"),
    (
      .sphere(dimension: 0, concentration: nil), "latent variables need at least 1 dimension, not 0"
    ),
    (.sphere(dimension: 2, concentration: 0), "a concentration must be from 0.001 to 1e6, not 0.0"),
    (
      .sphere(dimension: 2, concentration: 1e7),
      "a concentration must be from 0.001 to 1e6, not 10000000.0"
    ),
  ])
  func invalidSpacesAreNamed(_ latent: Latent, _ message: String) {
    #expect(throws: TensorError(message)) {
      try VariationalAutoencoder(
        shape: [2], network: Network(hidden: []), latent: latent, likelihood: .bernoulli,
        Parameters("vae"))
    }
  }
}
