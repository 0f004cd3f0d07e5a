import DDPM
import TensorCore

/// Which times from 2 to T are drawn for a diffusion model's bound, and how often.
///
/// A third of the draws are even. A third follow f_t, the factor of |ε - ε̂|² in L_t with the variance β̃_t²,
/// and a third f_t ᾱ_t². The last is what the terms of a perfect network are in proportion to:
/// |ε - ε̂|² = ᾱ_t²/β̄_t² |x_0 - x̂_0|², and where little of the data is left x̂_0 is their mean. At the end of
/// a cosine schedule, where f_t grows without bound, draws by f_t alone are nearly all of t = T, where such a
/// network has nothing to lose. But one that has been trained is wrong by a little there, too, and f_T makes
/// much of it, so that without the second third its bound would hang on draws that are hardly ever made.
/// Neither then has a second moment above one and a half times what draws half even, half by one of the two would.
///
/// Errors of validation data would serve about as well, and are not used: the draws of an example depend on
/// the schedule and its key alone.
package struct TimeStrata {
  /// Of each t from 2 to T, from index 0, and what is below each.
  private let probabilities, cumulative: [Double]

  /// The times of a schedule.
  package init(_ schedule: NoiseSchedule) {
    let times = 2...schedule.times
    let factors = times.map {
      schedule.boundFactor($0, deviation: schedule.posteriorDeviation($0))
    }
    let signals = times.map { schedule.alphaBar[$0] * schedule.alphaBar[$0] }
    self.init(parts: [factors.map { _ in 1 }, factors, zip(factors, signals).map { $0 * $1 }])
  }

  /// Times of which equal parts of the draws are in proportion to weights.
  ///
  /// - Parameter parts: In each the weight of each t from 2 to T, from index 0; above 0 in sum.
  package init(parts: [[Double]]) {
    let totals = parts.map { $0.reduce(0, +) * Double(parts.count) }
    let probabilities = (parts.first ?? []).indices.map { i in
      zip(parts, totals).reduce(0) { $0 + $1.0[i] / $1.1 }
    }
    var sum = 0.0
    cumulative = probabilities.map { probability in
      defer { sum += probability }
      return sum
    }
    self.probabilities = probabilities
  }

  /// The probability that a draw is of time t.
  package func probability(_ t: Int) -> Double { probabilities[t - 2] }

  /// Of equal parts of the probability, draw number `draw` has the one of its number.
  func time(_ draw: Int, of draws: Int, key: UInt64) -> Int {
    // The site of the draws of a compiled program is a hash of names; this is "strata".
    let word = Philox(seed: key, site: 0x7374_7261, run: UInt64(draw)).block(0)[0]
    let place = (Double(draw) + (Double(word) + 0.5) * 0x1p-32) / Double(draws)
    var (low, high) = (0, cumulative.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if cumulative[middle] <= place { low = middle } else { high = middle }
    }
    return low + 2
  }
}
