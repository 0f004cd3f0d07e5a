/// An array at a fixed address, 64-byte aligned as in a program's arena.
protocol Memory: AnyObject {
  var count: Int { get }
  var address: UnsafeMutableRawPointer { get }
  var values: [Float] { get }
  /// Makes element `i` NaN.
  func clear(_ i: Int)
}

final class Floats: Memory {
  let pointer: UnsafeMutablePointer<Float>
  let count: Int

  init(_ values: [Float]) {
    count = values.count
    pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: max(count, 1))
    for i in values.indices { pointer[i] = values[i] }
  }

  /// Filled with NaN, so that what is not written shows.
  convenience init(count: Int) {
    self.init([Float](repeating: .nan, count: count))
  }

  deinit {
    pointer.deallocate()
  }

  var values: [Float] {
    (0..<count).map { pointer[$0] }
  }

  var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(pointer) }

  func clear(_ i: Int) { pointer[i] = .nan }

  subscript(i: Int) -> Float {
    pointer[i]
  }
}

/// Numbers stored as bf16.
final class Halves: Memory {
  let pointer: UnsafeMutablePointer<UInt16>
  let count: Int

  init(bits: [UInt16]) {
    count = bits.count
    pointer = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1) * 2, alignment: 64)
      .bindMemory(to: UInt16.self, capacity: max(count, 1))
    for i in bits.indices { pointer[i] = bits[i] }
  }

  /// Each value to the nearest bf16, ties to even.
  convenience init(_ values: [Float]) {
    self.init(
      bits: values.map {
        let bits = $0.bitPattern, upper = UInt16(bits >> 16)
        let (rest, tie) = (bits & 0xffff, UInt32(0x8000))
        return rest > tie || rest == tie && upper & 1 == 1 ? upper &+ 1 : upper
      })
  }

  deinit {
    pointer.deallocate()
  }

  var address: UnsafeMutableRawPointer { UnsafeMutableRawPointer(pointer) }
  var bits: [UInt16] { (0..<count).map { pointer[$0] } }
  var values: [Float] { bits.map { Float(bitPattern: UInt32($0) << 16) } }

  func clear(_ i: Int) { pointer[i] = 0x7fc0 }
}

/// The homogeneous tuples that C arrays become.
typealias Six = (Int64, Int64, Int64, Int64, Int64, Int64)

func six(_ values: [Int]) -> Six {
  let v = values.map(Int64.init) + [Int64](repeating: 0, count: 6 - values.count)
  return (v[0], v[1], v[2], v[3], v[4], v[5])
}

/// Row-major multi-index of `flat`.
func index(_ flat: Int, _ sizes: [Int]) -> [Int] {
  var rest = flat
  var result = [Int](repeating: 0, count: sizes.count)
  for d in sizes.indices.reversed() {
    result[d] = rest % sizes[d]
    rest /= sizes[d]
  }
  return result
}

func offset(_ index: [Int], _ strides: [Int]) -> Int {
  zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }
}

/// Equal bit for bit, NaN included.
func identical(_ a: [Float], _ b: [Float]) -> Bool {
  a.map(\.bitPattern) == b.map(\.bitPattern)
}
