import Likelihood
import TensorCore

/// Conversion of image bytes to zeros and ones; brighter pixels are more often 1.
package enum Binarisation: String, CaseIterable, Sendable {
  /// No conversion.
  case none
  /// Drawn afresh each time: a pixel of byte b is 1 with probability b/255 (Salakhutdinov and Murray
  /// 2008).
  case dynamic
  /// Drawn once, the same in every run.
  case fixed = "static"
  /// A pixel is 1 from byte 128.
  case threshold
}

/// Conversion of image bytes to the numbers a model sees.
package struct PixelScale {
  /// Values of bytes 0 and 255.
  package let range: ClosedRange<Double>
  /// True if a byte b becomes (b + u)/256 with uniform u, so that its density is well defined.
  package let isDequantised: Bool

  package init(range: ClosedRange<Double>, isDequantised: Bool) {
    (self.range, self.isDequantised) = (range, isDequantised)
  }

  /// Numbers in `range` for bytes of any shape.
  ///
  /// - Parameter keys: Seed of each row; the draws depend on nothing else.
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
  /// The table with every byte set to 0 or 255, if the binarisation is the same for all runs;
  /// otherwise unchanged.
  ///
  /// - Throws: `TensorError` if memory runs out.
  package func binarised(_ binarisation: Binarisation) throws -> ByteTable {
    switch binarisation {
    case .none, .dynamic: return self
    case .threshold: return try ByteTable(bytes.map { $0 < 128 ? 0 : 255 }, rowShape: rowShape)
    case .fixed: return try drawn(seed: 0)
    }
  }

  /// The table with every byte b set to 255 with probability b/255, and to 0 otherwise.
  ///
  /// Draws depend on the row number and the seed only, so that a row is the same in every batch and
  /// every run.
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
