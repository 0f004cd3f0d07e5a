/// The median of the last numbers of a row.
package struct RunningMedian: Sendable {
  private let limit: Int
  private var row: [Double] = []
  private var oldest = 0
  private var sorted: [Double] = []

  /// - Parameter count: How many numbers count, at least 1.
  package init(count: Int) { limit = count }

  /// How many numbers there are.
  package var count: Int { row.count }

  /// The median, of an even number of them the upper; NaN of none.
  package var median: Double { sorted.isEmpty ? .nan : sorted[sorted.count / 2] }

  /// Adds a number, in place of the oldest where there are enough; NaN is passed over.
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

  /// Where the first number is that is not below `value`.
  private func place(of value: Double) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
