import DDPM
import TensorCore
import TestSupport

/// Random weights for which no layer is zero and activations keep their scale.
func randomWeights(_ parameters: Parameters, seed: Int) -> [(variable: Variable, values: [Double])]
{
  var numbers = SplitMix64(seed: seed)
  return parameters.variables.map { variable in
    let shape = variable.shape
    let limit = shape.count > 1 ? (3 / Double(shape.dropLast().reduce(1, *))).squareRoot() : 0.3
    let values = numbers.values(shape.reduce(1, *), in: -limit...limit)
    return (
      variable, variable.name.hasSuffix("/scale") ? values.map { Double(Float($0 + 1)) } : values
    )
  }
}

extension Runtime {
  /// Creates a runtime whose variables have `randomWeights`.
  static func random(_ parameters: Parameters, seed: Int, threads: Int) throws -> Runtime {
    let runtime = try Runtime(seed: UInt64(seed), threads: threads)
    for (variable, values) in randomWeights(parameters, seed: seed) {
      try runtime.restore(variable: variable.name, shape: variable.shape, values.map { Float($0) })
    }
    return runtime
  }

}

/// A small model of points, and its parameters.
func pointModel(
  _ kind: NoiseSchedule.Kind = .linear, times: Int, width: Int = 24, depth: Int = 2
) throws -> (model: GaussianDiffusion, parameters: Parameters) {
  let parameters = Parameters("denoiser")
  let denoiser = mlpDenoiser(
    dimensions: 2, width: width, depth: depth, timeFeatures: 16, times: times, parameters)
  return (
    GaussianDiffusion(schedule: try NoiseSchedule(kind, times: times), denoiser: denoiser),
    parameters
  )
}

/// A model of images, and its parameters.
func imageModel(
  _ configuration: UNetConfiguration, times: Int
) throws -> (model: GaussianDiffusion, parameters: Parameters) {
  let parameters = Parameters("denoiser")
  let denoiser = unetDenoiser(configuration, times: times, parameters)
  return (
    GaussianDiffusion(schedule: try NoiseSchedule(.linear, times: times), denoiser: denoiser),
    parameters
  )
}

/// A model whose estimate of the noise is `factors[t - 1]` times x.
func linearModel(_ schedule: NoiseSchedule, factors: [Double], dimensions: Int = 2)
  -> GaussianDiffusion
{
  GaussianDiffusion(
    schedule: schedule,
    denoiser: Denoiser(shape: [dimensions]) { x, time in
      Tensor.literal(factors, [factors.count, 1]).gather(time) * x
    })
}

/// |a - b| / |b|.
func relativeGap(_ a: Double, _ b: Double) -> Double { a == b ? 0 : abs(a - b) / abs(b) }

func standardDeviation(_ values: [Float]) -> Double {
  let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
  let squares = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
  return (squares / Double(values.count)).squareRoot()
}

/// The largest |a - b|; infinite where one is not finite.
func largestGap(_ a: [Float], _ b: [Float]) -> Double {
  guard a.count == b.count else { return .infinity }
  let gaps = zip(a, b).map { abs(Double($0) - Double($1)) }
  return gaps.allSatisfy { $0.isFinite } ? gaps.max() ?? 0 : .infinity
}

/// The precisions that this processor supports.
let precisionsHere = Precision.allCases.filter { $0 == .fp32 || Precision.hasBF16 }
