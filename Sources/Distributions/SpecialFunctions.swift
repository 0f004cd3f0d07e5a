import CKernels

/// log Φ(x), Φ being the standard normal distribution function; accurate in both tails.
public func logNormalDistribution(_ x: Double) -> Double { fk_log_ndtr(x) }
