import DDPM
import TensorCore

/// Which times from 2 to T are drawn for a diffusion model's bound, and how often.
///
/// Half of the draws are even, so that no term that the model is bad at is missed. The others follow what the
/// terms are expected to be with the variance β̃_t²: the factor of |ε - ε̂|² times ᾱ_t². For
/// |ε - ε̂|² = ᾱ_t²/β̄_t² |x_0 - x̂_0|², which for small ᾱ_t is at most of the order of ᾱ_t² times the spread
/// of the data, whatever the data. The factor alone grows without bound where β_t nears 1: at the end of a
/// cosine schedule it would spend nearly all of these draws on t = T, where there is nothing to find.
///
/// The errors that `ReverseVariance.fitted` is made of would serve a little better on data that are nearly
/// points. They are not used: the draws of an example then depend on the schedule and its key alone, not on
/// whether there are validation data.
package struct TimeStrata {
  /// Of each t from 2 to T, from index 0, and what is below each.
  private let probabilities, cumulative: [Double]

  /// The times of a schedule.
  package init(_ schedule: NoiseSchedule) {
    self.init(
      weights: (2...schedule.times).map { t in
        schedule.boundFactor(t, deviation: schedule.posteriorDeviation(t))
          * schedule.alphaBar[t] * schedule.alphaBar[t]
      })
  }

  /// Times of which half of the draws are even and half in proportion to weights.
  ///
  /// - Parameter weights: Of each t from 2 to T, from index 0; above 0 in sum.
  package init(weights: [Double]) {
    let total = weights.reduce(0, +)
    let probabilities = weights.map { 0.5 / Double(weights.count) + 0.5 * $0 / total }
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
