import Likelihood
import TensorCore

/// How the bytes of images become zeros and ones: in each case a brighter pixel is more often 1.
package enum Binarisation: String, CaseIterable, Sendable {
  /// They do not.
  case none
  /// Each time anew, a pixel of byte b being 1 with probability b/255 (Salakhutdinov and Murray 2008).
  case dynamic
  /// By one such draw, the same in every run.
  case fixed = "static"
  /// A pixel is 1 from byte 128.
  case threshold
}

/// Which numbers a model sees for the bytes of images.
package struct PixelScale {
  /// What bytes 0 and 255 become.
  package let range: ClosedRange<Double>
  /// Whether a byte b becomes (b + u)/256, u uniform, so that a density of it has a meaning.
  package let isDequantised: Bool

  package init(range: ClosedRange<Double>, isDequantised: Bool) {
    (self.range, self.isDequantised) = (range, isDequantised)
  }

  /// Numbers in the range for bytes of any shape.
  ///
  /// - Parameter keys: A seed for each row, for draws that depend on nothing else.
  package func callAsFunction(
    _ bytes: Tensor, _ binarisation: Binarisation, keys: Tensor? = nil
  ) -> Tensor {
    let length = range.upperBound - range.lowerBound
    func uniform(_ name: String) -> Tensor { .uniform(bytes.shape, name, keys: keys) }
    let scaled =
      switch binarisation {
      case .dynamic: length * (uniform("binarisation") < bytes * (1.0 / 255))
      case .none where isDequantised: (length / 256) * (bytes + uniform("dequantisation"))
      case .none, .fixed, .threshold: bytes * (length / 255)
      }
    return range.lowerBound == 0 ? scaled : scaled + range.lowerBound
  }
}

extension ByteTable {
  /// The table with every byte 0 or 255, where the binarisation is one for all runs.
  ///
  /// - Throws: `TensorError` if memory runs out.
  package func binarised(_ binarisation: Binarisation) throws -> ByteTable {
    switch binarisation {
    case .none, .dynamic: return self
    case .threshold: return try ByteTable(bytes.map { $0 < 128 ? 0 : 255 }, rowShape: rowShape)
    case .fixed: return try drawn(seed: 0)
    }
  }

  /// The table with every byte b either 255, with probability b/255, or 0: each row by its own number
  /// and the seed, so that a row is the same in every batch and every run.
  ///
  /// - Throws: `TensorError` if memory runs out.
  package func drawn(seed: UInt64) throws -> ByteTable {
    let batch = min(1000, rows)
    let rowIndex = Tensor.input("rows", [batch])
    let keys = Tensor.seeds("keys", batch)
    let scale = PixelScale(range: 0...255, isDequantised: false)
    let drawn = scale(.rows(of: self, at: rowIndex), .dynamic, keys: keys)
    let program = try Runtime(seed: 0, threads: 1).compile("binarise", [drawn])
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    for first in stride(from: 0, to: rows, by: batch) {
      let last = rows - 1
      try program.fill(rowIndex, with: (first..<first + batch).map { Float(min($0, last)) })
      try program.fill(
        seeds: keys, with: (first..<first + batch).map { Examples.key(seed: seed, $0) })
      program.run(at: 0)
      let count = min(batch, rows - first) * rowShape.product
      try program.read(drawn) { span in
        for i in 0..<count { result.append(UInt8(span[i])) }
      }
    }
    return try ByteTable(result, rowShape: rowShape)
  }
}
