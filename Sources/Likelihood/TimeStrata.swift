import Diffusion
import TensorCore

/// The distribution from which the times from 2 to T of a diffusion model's bound are drawn,
/// stratified.
///
/// A third of the draws are uniform. A third are proportional to f_t, the factor of |ε - ε̂|² in
/// L_t with the variance β̃_t², and a third to f_t ᾱ_t². The last is the distribution of the terms
/// of a perfect network: |ε - ε̂|² = ᾱ_t²/β̄_t² |x_0 - x̂_0|², and where little of the data is left
/// x̂_0 is their mean. At the end of a cosine schedule, where f_t is unbounded, draws by f_t alone
/// are nearly all at t = T, where such a network has almost no error. But a trained network has a
/// small error there, too, which f_T amplifies; without the second third, its bound would depend on
/// draws that are hardly ever made. For either network, the second moment is at most one and a half
/// times that of draws half uniform, half by the distribution that suits it.
///
/// Errors on validation data would serve about as well, but are not used: this way the draws of an
/// example depend only on the schedule and its key.
package struct TimeStrata {
  /// The probability of each t from 2 to T, from index 0, and the sum of those before it.
  private let probabilities, cumulative: [Double]

  /// Creates the distribution for a schedule.
  package init(_ schedule: NoiseSchedule) {
    let times = 2...schedule.times
    let factors = times.map {
      schedule.boundFactor($0, standardDeviation: schedule.posteriorStandardDeviation($0))
    }
    let signals = times.map { schedule.alphaBar[$0] * schedule.alphaBar[$0] }
    self.init(parts: [factors.map { _ in 1 }, factors, zip(factors, signals).map { $0 * $1 }])
  }

  /// Creates an equal mixture of distributions given by weights.
  ///
  /// - Parameter parts: Weights of each distribution for t from 2 to T, from index 0, with a positive
  ///   sum.
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

  /// The probability of drawing time t.
  package func probability(_ t: Int) -> Double { probabilities[t - 2] }

  /// The time of the draw `draw` of a set of `draws`, from its own stratum: one of as many equal
  /// intervals of probability.
  ///
  /// - Parameter number: The number of the draw among those of all sets.
  func time(_ draw: Int, of draws: Int, key: UInt64, number: Int) -> Int {
    // The site of a draw of a compiled program is a hash of names; this one is "strata".
    let word = Philox(seed: key, site: 0x7374_7261, run: UInt64(number)).block(0)[0]
    let place = (Double(draw) + (Double(word) + 0.5) * 0x1p-32) / Double(draws)
    var (low, high) = (0, cumulative.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if cumulative[middle] <= place { low = middle } else { high = middle }
    }
    return low + 2
  }
}
