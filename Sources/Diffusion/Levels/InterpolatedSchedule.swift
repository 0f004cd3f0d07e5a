import TensorCore

/// A discrete schedule between its whole times, by a monotone cubic interpolation of log a/s.
///
/// The derivatives at the whole times are harmonic means of the differences on both sides (Fritsch and Butland
/// 1984, eq. 5, for equal intervals), so that each piece is monotone.
struct InterpolatedSchedule: Equatable, Sendable {
  let schedule: NoiseSchedule
  private let values, derivatives: [Double]

  init(_ schedule: NoiseSchedule) {
    self.schedule = schedule
    let values = (1...schedule.times).map { schedule.level($0).logRatio }
    let secants = zip(values, values.dropFirst()).map { $1 - $0 }
    let inner = zip(secants, secants.dropFirst()).map { a, b in
      a * b > 0 ? 2 * a * b / (a + b) : 0
    }
    self.values = values
    derivatives = [secants.first ?? 0] + inner + [secants.last ?? 0]
  }

  /// The level at time t: that of the schedule at whole multiples of 1/T, and that of 1/T before it;
  /// without noise at 0.
  func level(at t: Double) -> NoiseLevel {
    let place = t * Double(schedule.times)
    let nearest = place.rounded()
    // A multiple of 1/T in Double is a whole number here up to rounding.
    if abs(place - nearest) < 1e-9 * Double(schedule.times) {
      return schedule.level(min(schedule.times, max(0, Int(nearest))))
    }
    guard place > 1 else { return schedule.level(1) }
    let left = min(Int(place), schedule.times - 1)
    let u = place - Double(left)
    let (y0, y1, d0, d1) = (
      values[left - 1], values[left], derivatives[left - 1], derivatives[left]
    )
    let rest = y1 - y0
    let cubic = u * (d0 + u * (3 * rest - 2 * d0 - d1 + u * (d0 + d1 - 2 * rest)))
    return NoiseLevel(logRatio: y0 + cubic)
  }
}
