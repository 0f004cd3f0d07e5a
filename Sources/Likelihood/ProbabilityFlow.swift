import Diffusion
import Glibc
import Support
import TensorCore

/// The log density of points under a denoiser's probability-flow ODE, with the divergence exact.
///
/// In straight coordinates y = x/(a + s) with time r = s/(a + s), the ODE is dy/dr = ε̂ - x̂_0, and
/// along it d log p/dr is minus its divergence (Chen et al. 2018, eq. 8; Song et al. 2021, arXiv
/// 2011.13456, eq. 39). It is solved from the least noise, where x/a stands for the data without a
/// last denoising, to the least data, where x has a standard normal density. The classical
/// Runge-Kutta method of fourth order takes steps that are even in log a/s and the same for all
/// points, so that the density of a point does not depend on its companions.
package final class ProbabilityFlow: Estimating {
  private let program: BatchedProgram
  private let y, level, velocity, divergence: Tensor
  private let path: NoisePath
  private let width: Int
  private let times: [Double]
  private static let most = 64

  /// - Parameters:
  ///   - steps: Number of steps, of four evaluations each.
  ///   - smallestNoise: s at the data.
  ///   - weights: Maps the raw weights to those that are read, such as their exponential moving
  ///     average.
  /// - Throws: `TensorError` for a class-conditional model, for examples of more than 64 numbers,
  ///   whose exact divergence would cost as many gradients, or if the model's expressions are
  ///   invalid.
  package init(
    _ denoiser: Denoiser, _ runtime: Runtime, steps: Int = 150, smallestNoise: Double = 0.002,
    batch: Int = 2048, weights: (Tensor) -> Tensor = { $0 }
  ) throws {
    width = denoiser.shape.product
    guard denoiser.classes == nil else {
      throw TensorError("a class-conditional model has no density of x alone")
    }
    guard denoiser.shape.count == 1, width <= Self.most else {
      throw TensorError(
        "an exact divergence is for points of at most \(Self.most) numbers, not \(denoiser.shape)")
    }
    path = denoiser.path
    let useful = path.usefulTimes(smallestNoise: smallestNoise)
    let ends = (
      path.level(at: useful.lowerBound).logRatio, path.level(at: useful.upperBound).logRatio
    )
    let path = path
    times =
      [useful.lowerBound]
      + (1..<steps).map { i in
        path.time(atLogRatio: ends.0 + Double(i) / Double(steps) * (ends.1 - ends.0))
      } + [useful.upperBound]
    let batch = BatchedProgram.batch(atLeast: batch)
    let y = Tensor.input("y", [batch, width])
    let level = Tensor.input("level", [3, 1])
    func factor(_ i: Int) -> Tensor { level.slice(axis: 0, from: i, count: 1).reshape([]) }
    let (signal, noise) = (factor(0), factor(1))
    let estimate = denoiser.estimate(
      (signal + noise) * y, signal: signal, noise: noise,
      time: factor(2).broadcast(to: [batch]))
    let field = estimate.noise - estimate.clean
    let parts = (0..<width).map { i -> Tensor in
      // Rows do not see each other, so the gradient of a sum over rows has the derivatives of each.
      let column = field.slice(axis: 1, from: i, count: 1).sum()
      return gradients(of: column, withRespectTo: [y])[0].slice(axis: 1, from: i, count: 1)
    }
    velocity = weights(field)
    divergence = weights(parts.dropFirst().reduce(parts[0]) { $0 + $1 }.reshape([batch]))
    (self.y, self.level) = (y, level)
    program = BatchedProgram(
      try runtime.compile("likelihood/ode", [velocity, divergence], sharesDraws: true),
      batch: batch)
  }

  /// Number of steps over all batches.
  package func steps(count: Int) -> Int { program.batches(of: count).count * (times.count - 1) }

  /// The log density of each example.
  package func estimates(of examples: Examples, report: (Int) throws -> Void) throws -> [Estimate] {
    let start = ContinuousClock.now
    var (values, done) = ([Double](), 0)
    for rows in program.batches(of: examples.keys.count) {
      let last = rows.upperBound - 1
      let indices = (0..<program.batch).map { min(rows.lowerBound + $0, last) }
      let points = indices.flatMap { examples.values[$0 * width..<($0 + 1) * width] }
      values += try density(points.map { Double($0) }) {
        done += 1
        try report(done)
      }.prefix(rows.count)
    }
    return [
      Estimate(.ode, values: values, seconds: (ContinuousClock.now - start).seconds)
    ]
  }

  /// log p of a batch of points; the states are in double precision, the network in single.
  private func density(_ points: [Double], step: () throws -> Void) throws -> [Double] {
    let levels = times.map(path.level)
    let (first, last) = (levels[0], levels[levels.count - 1])
    // x/a are the data, and y = x/(a + s).
    let scale = first.signal / (first.signal + first.noise)
    var state = points.map { $0 * scale }
    var change = [Double](repeating: 0, count: program.batch)
    for i in 0..<times.count - 1 {
      let h = levels[i + 1].straightTime - levels[i].straightTime
      let middle = (levels[i].straightTime + levels[i + 1].straightTime) / 2
      let center = path.time(atLogRatio: log((1 - middle) / middle))
      let k1 = try evaluate(state, at: times[i])
      let k2 = try evaluate(moved(state, k1.velocity, h / 2), at: center)
      let k3 = try evaluate(moved(state, k2.velocity, h / 2), at: center)
      let k4 = try evaluate(moved(state, k3.velocity, h), at: times[i + 1])
      for j in state.indices {
        state[j] +=
          h / 6 * (k1.velocity[j] + 2 * k2.velocity[j] + 2 * k3.velocity[j] + k4.velocity[j])
      }
      for j in change.indices {
        change[j] +=
          h / 6
          * (k1.divergence[j] + 2 * k2.divergence[j] + 2 * k3.divergence[j] + k4.divergence[j])
      }
      try step()
    }
    let size = last.signal + last.noise
    return change.indices.map { row in
      let square = state[row * width..<(row + 1) * width].reduce(0) {
        $0 + $1 * size * $1 * size
      }
      let normal = -square / 2 - Double(width) / 2 * log(2 * .pi)
      return normal + Double(width) * (log(size) + log(scale)) + change[row]
    }
  }

  private func moved(_ state: [Double], _ velocity: [Double], _ h: Double) -> [Double] {
    zip(state, velocity).map { $0 + h * $1 }
  }

  private func evaluate(
    _ state: [Double], at time: Double
  ) throws -> (velocity: [Double], divergence: [Double]) {
    let program = program.program
    let level = path.level(at: time)
    try program.fill(y, with: state.map { Float($0) })
    try program.fill(
      self.level, with: [level.signal, level.noise, path.networkTime(at: time)].map { Float($0) })
    program.run(at: 0)
    return (
      try program.values(velocity).map { Double($0) },
      try program.values(divergence).map { Double($0) }
    )
  }
}
