import Glibc

/// The logarithm of the sum of the exponentials of `values`, which may be of any size.
public func logSumExp(_ values: some Collection<Double>) -> Double {
  guard let largest = values.max(), largest.isFinite else { return values.max() ?? -.infinity }
  return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
}
