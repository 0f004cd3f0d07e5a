import Diffusion
import Glibc
import TensorCore

/// The variance σ_t² of x_{t-1} given x_t in the reverse chain of a variational bound.
///
/// Each variance gives a valid bound, so a bound is meaningful only together with it: on unit
/// Gaussian data with the optimal denoiser `beta` is exact, and the posterior's bound is 0.58 nats
/// per dimension too low with the linear schedule of 1,000 times, 0.97 with Su's, 0.53 with the
/// cosine and 2.23 with a linear one of 50 times.
package struct ReverseVariance: Equatable, Sendable {
  /// The name: "beta", "posterior" or "fitted".
  package let name: String
  /// σ_t for t from 1 to T, from index 0; each above 0.
  package let standardDeviations: [Double]

  /// Creates a variance from standard deviations.
  ///
  /// - Parameter standardDeviations: σ_t for t from 1 to T, each above 0.
  package init(name: String, standardDeviations: [Double]) {
    (self.name, self.standardDeviations) = (name, standardDeviations)
  }

  /// σ_t = β_t, which is optimal for data of unit variance.
  ///
  /// See Ho et al. 2020, §3.2.
  package static func beta(_ schedule: NoiseSchedule) -> ReverseVariance {
    ReverseVariance(
      name: "beta", standardDeviations: (1...schedule.times).map { schedule.beta[$0] })
  }

  /// σ_t = β̃_t, which is optimal for data that are a single point.
  ///
  /// In the last step, where β̃_1 is 0, it is β̃_2.
  package static func posterior(_ schedule: NoiseSchedule) -> ReverseVariance {
    ReverseVariance(
      name: "posterior",
      standardDeviations: (1...schedule.times).map {
        schedule.posteriorStandardDeviation(max(2, $0))
      })
  }

  /// The optimal variance for a denoiser with given errors: σ_t² = β̃_t² + β_t⁴/(α_t² β̄_t²) E|ε -
  /// ε̂|²/D.
  ///
  /// It minimises every term of the bound (Bao et al. 2022, arXiv 2201.06503 and 2206.07309). The
  /// errors should not come from the examples that are scored.
  ///
  /// - Parameter errors: E|ε - ε̂|²/D for t from 1 to T, from index 0.
  package static func fitted(_ schedule: NoiseSchedule, errors: [Double]) -> ReverseVariance {
    ReverseVariance(
      name: "fitted",
      standardDeviations: (1...schedule.times).map { t in
        let posterior = t == 1 ? 0 : schedule.posteriorStandardDeviation(t)
        let scale = schedule.errorScale(t)
        // The lower limit keeps densities finite if an error happens to be 0.
        return max(posterior * posterior + scale * scale * errors[t - 1], 1e-12).squareRoot()
      })
  }

  func standardDeviation(_ t: Int) -> Double { standardDeviations[t - 1] }
}

extension NoiseSchedule {
  /// Factor from an error in ε̂ to the shift of the mean of x_{t-1}: β_t²/(α_t β̄_t).
  func errorScale(_ t: Int) -> Double { beta[t] * beta[t] / (alpha[t] * betaBar[t]) }

  /// The part of L_t, for t from 2, that does not depend on the error, in nats per dimension.
  ///
  /// L_t is of Ho et al. 2020, eq. 5, and KL(N(μ̃, β̃_t²) || N(μ, σ_t²)) = ln(σ/β̃) + β̃²/(2σ²) - ½ + (μ̃ - μ)²/(2σ²).
  package func boundConstant(_ t: Int, standardDeviation: Double) -> Double {
    let ratio = posteriorStandardDeviation(t) / standardDeviation
    return -log(ratio) + (ratio * ratio - 1) / 2
  }

  /// The factor of |ε - ε̂|² in L_t: β_t⁴/(2 σ_t² α_t² β̄_t²).
  package func boundFactor(_ t: Int, standardDeviation: Double) -> Double {
    let shift = errorScale(t) / standardDeviation
    return shift * shift / 2
  }

  /// L_T = KL(q(x_T|x_0) || N(0, 1)) of an example x_0 of `dimensions` numbers, in nats.
  ///
  /// - Parameter square: |x_0|².
  package func priorTerm(dimensions: Int, square: Double) -> Double {
    let (signal, variance) = (alphaBar[times] * alphaBar[times], betaBar[times] * betaBar[times])
    return (signal * square + Double(dimensions) * (variance - 1 - log(variance))) / 2
  }
}
