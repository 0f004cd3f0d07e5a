import CKernels
import Glibc

/// A random number generator whose words are a pure function of (seed, site, run, element), by
/// Philox4x32-10.
///
/// Each element has its own stream, so its numbers depend neither on those of other elements nor on
/// batching (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
public struct PhiloxStream: RandomNumberGenerator, Sendable {
  private var stream: fk_stream

  /// Creates the stream of one element of the draw named `site`, in run number `run`.
  public init(seed: UInt64, site: UInt32 = 0, run: UInt64 = 0, element: UInt32 = 0) {
    stream = fk_stream_make(seed, site, run, element)
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 { fk_stream_next(&stream) }
}

extension RandomNumberGenerator {
  /// Draws the midpoint of one of the 2^52 equal subintervals of (0, 1).
  mutating func uniform() -> Double { (Double(next() >> 12) + 0.5) * 0x1p-52 }

  /// Draws from the standard normal distribution (Box and Muller 1958), using two words.
  mutating func normal() -> Double {
    let radius = (-2 * log(uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }
}
