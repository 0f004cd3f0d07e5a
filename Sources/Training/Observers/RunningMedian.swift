/// Median of the last values of a series.
package struct RunningMedian: Sendable {
  private let limit: Int
  private var row: [Double] = []
  private var oldest = 0
  private var sorted: [Double] = []

  /// Makes a median of the last `count` values, at least 1.
  package init(count: Int) { limit = count }

  /// Number of values held.
  package var count: Int { row.count }

  /// The median, the upper one for an even number of values; NaN if there are none.
  package var median: Double { sorted.isEmpty ? .nan : sorted[sorted.count / 2] }

  /// Adds a value, replacing the oldest if there are enough; NaN is ignored.
  package mutating func append(_ value: Double) {
    guard !value.isNaN else { return }
    if row.count == limit {
      sorted.remove(at: place(of: row[oldest]))
      row[oldest] = value
      oldest = (oldest + 1) % limit
    } else {
      row.append(value)
    }
    sorted.insert(value, at: place(of: value))
  }

  /// Index of the first value that is not below `value`.
  private func place(of value: Double) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
