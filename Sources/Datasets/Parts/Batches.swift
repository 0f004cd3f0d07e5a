/// The order in which training visits the rows of a data set.
public enum Batches {
  /// The rows of the batch of one step, each in 0 ..< count.
  ///
  /// A pure function of its arguments: resuming needs no stored state. Batches are consecutive
  /// pieces of a sequence in which every epoch is a permutation of all rows, a different one for
  /// each epoch and seed; a batch may end one epoch and begin the next. Steps count from zero;
  /// `batch` and `count` are at least 1, and (step + 1) batch fits in an Int.
  public static func rows(step: Int, batch: Int, count: Int, seed: UInt64) -> [Int] {
    precondition(step >= 0 && batch >= 1 && count >= 1, "rows: step, batch or count out of range")
    var rows: [Int] = []
    rows.reserveCapacity(batch)
    var (epoch, place) = (step * batch).quotientAndRemainder(dividingBy: count)
    var permutation = Permutation(count: count, seed: seed, epoch: epoch)
    for _ in 0..<batch {
      if place == count {
        (epoch, place) = (epoch + 1, 0)
        permutation = Permutation(count: count, seed: seed, epoch: epoch)
      }
      rows.append(permutation(place))
      place += 1
    }
    return rows
  }
}

/// A keyed permutation of 0 ..< count that can be evaluated at single positions.
///
/// A Feistel network permutes the numbers of an even number of bits, of which there are fewer
/// than 4 count (or 4). Applying it until the result is below count ("cycle walking") permutes 0 ..<
/// count.
private struct Permutation {
  let count: UInt64
  let halfBits: UInt64
  let keys: [UInt64]

  init(count: Int, seed: UInt64, epoch: Int) {
    self.count = UInt64(count)
    let bits = UInt64.bitWidth - (UInt64(count) - 1).leadingZeroBitCount
    halfBits = UInt64(max(1, (bits + 1) / 2))
    // Eight rounds: four would do for large halves, but small halves need more.
    let start = mix(mix(seed) ^ UInt64(epoch))
    keys = (1...8).map { mix(start &+ UInt64($0) &* 0x9e37_79b9_7f4a_7c15) }
  }

  func callAsFunction(_ place: Int) -> Int {
    let mask = (UInt64(1) << halfBits) - 1
    var value = UInt64(place)
    repeat {
      var (left, right) = (value >> halfBits, value & mask)
      for key in keys {
        (left, right) = (right, left ^ (mix(right ^ key) & mask))
      }
      value = left << halfBits | right
    } while value >= count
    return Int(value)
  }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014), a bijection in which every input bit
/// affects about half of the output bits.
private func mix(_ value: UInt64) -> UInt64 {
  var z = value
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return z ^ (z >> 31)
}
