import Diffusion
import TensorCore
import Testing

/// Errors of samplers on N(0, 1/4) with the exact denoiser, in Double, from t = 0.95 to 0.05 of the
/// cosine path and from x = 1; the exact path keeps x/√(variance of x).
@Suite struct OrderTests {
  private static let data = GaussianData(mean: 0, deviation: 0.5)

  private func error(_ method: SamplingMethod, steps: Int, evenInRatio: Bool) throws -> Double {
    let path = NoisePath.cosine
    let (start, end) = (0.95, 0.05)
    let (first, last) = (path.level(at: start), path.level(at: end))
    let times = (0...steps).map { i -> Double in
      let place = Double(i) / Double(steps)
      if i == 0 || i == steps { return i == 0 ? start : end }
      return evenInRatio
        ? path.time(atLogRatio: first.logRatio + place * (last.logRatio - first.logRatio))
        : start + place * (end - start)
    }
    let visits = path.visits(method, at: times)
    #expect(visits.last?.next.time == end)
    let found = visits.run(from: 1.0) { visit, state, base, previous in
      let clean = Self.data.clean(state, visit.level)
      return (visit.base * base + visit.estimate * clean + visit.previous * previous, clean)
    }
    return found - (Self.data.variance(last) / Self.data.variance(first)).squareRoot()
  }

  @Test(arguments: [
    (SamplingMethod.dpmSolver, [4.3e-3, 1.55e-3, 4.2e-4, 1.07e-4]),
    (.ddim(eta: 0), [5.9e-2, 3.0e-2, 1.5e-2, 7.8e-3]),
  ])
  func errorsAreTheKnownOnes(method: SamplingMethod, known: [Double]) throws {
    for (steps, size) in zip([10, 20, 40, 80], known) {
      let found = abs(try error(method, steps: steps, evenInRatio: true))
      // The known errors have two or three digits.
      #expect(abs(found / size - 1) < 0.03, "\(steps) steps: \(found)")
    }
  }

  @Test(arguments: [
    (SamplingMethod.dpmSolver, true, 2.0), (.heun, false, 2), (.heun, true, 2),
    (.ddim(eta: 0), true, 1), (.ddim(eta: 0), false, 1),
  ])
  func ordersOfConvergence(method: SamplingMethod, evenInRatio: Bool, order: Double) throws {
    let errors = try [40, 80, 160, 320].map {
      abs(try error(method, steps: $0, evenInRatio: evenInRatio))
    }
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      let found = (coarse / fine).logarithm / 2.0.logarithm
      #expect(abs(found - order) < 0.1, "\(errors)")
    }
  }
}
