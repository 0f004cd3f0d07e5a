import TensorCore

/// Random noise levels of a batch, with the weights of its errors.
package struct TrainingTimes {
  /// a of each example, [batch, 1, ...].
  package let signal: Tensor
  /// s of each example, [batch, 1, ...].
  package let noise: Tensor
  /// The time that networks receive, [batch].
  package let networkTime: Tensor
  /// The factor of each example's squared error, [batch, 1, ...]; nil if it is 1.
  package let weight: Tensor?

  /// Number of intervals of equal probability into which times between those of a schedule are
  /// divided.
  private static let intervals = 4096

  /// Draws the levels of `count` examples of `rank` - 1 axes.
  package init(
    _ count: Int, rank: Int, path: NoisePath, _ distribution: TimeDistribution,
    _ weight: LossWeight,
    _ target: Target
  ) {
    let places = distribution.places(count)
    if distribution.drawsWholeTimes, let schedule = path.schedule {
      self.init(places, rank, schedule, weight, target)
    } else {
      self.init(places, rank, path, distribution, weight, target)
    }
  }

  /// One of the schedule's T levels for each place.
  private init(
    _ places: Tensor, _ rank: Int, _ schedule: NoiseSchedule, _ weight: LossWeight, _ target: Target
  ) {
    let levels = (1...schedule.times).map(schedule.level)
    let index = floor(Double(levels.count) * places)
    let shape = [levels.count] + [Int](repeating: 1, count: rank - 1)
    func column(_ values: [Double]) -> Tensor { .literal(values, shape).gather(index) }
    signal = column(levels.map(\.signal))
    noise = column(levels.map(\.noise))
    networkTime = index
    self.weight =
      weight == .simple
      ? nil
      : column(
        (1...levels.count).map { t in
          // The width of the step in log SNR; that of the first, which begins without noise, is not
          // finite, and 2 stands for it.
          let width =
            2
            * ((t == 1 ? levels[0].logRatio + 1 : levels[t - 2].logRatio) - levels[t - 1].logRatio)
          return weight.factor(
            levels[t - 1], target, density: 1 / (Double(levels.count) * width))
        })
  }

  /// A level between the ends of the path for each place.
  ///
  /// -log SNR is a piecewise linear function of the place, so that its density, by which the bound's
  /// weights are divided, is exact.
  private init(
    _ places: Tensor, _ rank: Int, _ path: NoisePath, _ distribution: TimeDistribution,
    _ weight: LossWeight, _ target: Target
  ) {
    let range = path.usefulTimes()
    let count = Self.intervals
    let times = (0...count).map {
      distribution.time(Double($0) / Double(count), on: path, range)
    }
    let values = times.map { -2 * path.level(at: $0).logRatio }
    let place = Double(count) * places
    let index = floor(place)
    let shape = [places.shape[0]] + [Int](repeating: 1, count: rank - 1)
    /// Interpolates between the values at the ends of the interval.
    func between(_ values: [Double]) -> Tensor {
      let left = Tensor.literal(Array(values.dropLast()), [count]).gather(index)
      let steps = zip(values, values.dropFirst()).map { $1 - $0 }
      return left + (place - index) * Tensor.literal(steps, [count]).gather(index)
    }
    let negativeLogSNR = between(values).reshape(shape)
    signal = sqrt(sigmoid(-negativeLogSNR))
    noise = sqrt(sigmoid(negativeLogSNR))
    networkTime = between(times.map(path.networkTime))
    guard weight != .simple else {
      self.weight = nil
      return
    }
    let factors = (0..<count).map { i in
      // The weight of an interval is that of its middle; intervals are short.
      let middle = NoiseLevel(logRatio: -(values[i] + values[i + 1]) / 4)
      let density = 1 / (Double(count) * max(values[i + 1] - values[i], 1e-12))
      return weight.factor(middle, target, density: density)
    }
    self.weight = Tensor.literal(factors, [count]).gather(index).reshape(shape)
  }
}
