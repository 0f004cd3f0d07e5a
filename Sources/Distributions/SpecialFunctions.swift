import CKernels

/// log I_v(x) of the modified Bessel function of the first kind, for v >= -1/2 and 0 <= x <= 1e12.
///
/// Within 1e-10 max(1, |value|) of the truth; NaN outside the range.
package func logBesselI(order: Double, _ x: Double) -> Double { fk_log_bessel_i(order, x) }

/// I_{v+1}(x) / I_v(x), in [0, 1), for the same range as `logBesselI`.
package func besselRatio(order: Double, _ x: Double) -> Double { fk_bessel_ratio(order, x) }

/// log Φ(x) of the standard normal distribution function, accurate in both tails.
package func logNormalDistribution(_ x: Double) -> Double { fk_log_ndtr(x) }

/// The derivative of `logNormalDistribution`: φ(x) / Φ(x).
package func logNormalDistributionSlope(_ x: Double) -> Double { fk_log_ndtr_slope(x) }

/// The logarithm of the sum of the exponentials of `values`, which may be of any size.
///
/// max x <= logSumExp(x) <= max x + log n. Minus infinity of no values.
package func logSumExp(_ values: some Collection<Double>) -> Double {
  guard let largest = values.max(), largest.isFinite else { return values.max() ?? -.infinity }
  return largest + values.reduce(0) { $0 + ($1 - largest).exponential }.logarithm
}
