extension [Int] {
  /// The product of the elements: of a shape, the number of elements of an array.
  package var product: Int { reduce(1, *) }

  /// The distances between neighbours along each axis of this shape, in row-major memory.
  package var strides: [Int] {
    var result = [Int](repeating: 1, count: count)
    for axis in indices.dropLast().reversed() { result[axis] = result[axis + 1] * self[axis + 1] }
    return result
  }

  /// True if each of 0 ..< count appears once.
  var isPermutation: Bool { sorted() == Array(0..<count) }
}

/// The shape that arrays of shapes `a` and `b` share when lengths of one are repeated, or nil if
/// they do not fit.
package func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int]? {
  let rank = Swift.max(a.count, b.count)
  func padded(_ shape: [Int]) -> [Int] { Array(repeating: 1, count: rank - shape.count) + shape }
  var result: [Int] = []
  for (x, y) in zip(padded(a), padded(b)) {
    guard x == y || x == 1 || y == 1 else { return nil }
    result.append(x == 1 ? y : x)
  }
  return result
}

/// `axes` counted from the front, sorted, or nil if one is out of range or appears twice.
func normalized(_ axes: [Int], rank: Int) -> [Int]? {
  let counted = axes.map { $0 < 0 ? $0 + rank : $0 }.sorted()
  guard Set(counted).count == counted.count, counted.allSatisfy({ (0..<rank).contains($0) }) else {
    return nil
  }
  return counted
}
