import CZlib

/// PNGs that `PNG.encode` never writes: other depths, colours and chunks.
enum RawPNG {
  /// A whole picture whose rows are `fill`, filter bytes included.
  static func picture(
    width: Int = 3, height: Int = 2, depth: UInt8 = 8, color: UInt8 = 0, interlace: UInt8 = 0,
    fill: UInt8 = 0, extra: [UInt8] = []
  ) throws -> [UInt8] {
    let channels = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][color, default: 1]
    let rows = [UInt8](
      repeating: fill, count: height * (1 + (width * channels * Int(depth) + 7) / 8))
    let header = bigEndian(width) + bigEndian(height) + [depth, color, 0, 0, interlace]
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header) + extra
      + chunk("IDAT", try deflated(rows)) + chunk("IEND", [])
  }

  static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] { chunk(Array(name.utf8), data) }

  static func chunk(_ name: [UInt8], _ data: [UInt8]) -> [UInt8] {
    let body = name + data
    return bigEndian(data.count) + body + bigEndian(Int(crc32(0, body, UInt32(body.count))))
  }

  static func bigEndian(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  private static func deflated(_ bytes: [UInt8]) throws -> [UInt8] {
    var output = [UInt8](repeating: 0, count: Int(compressBound(UInt(bytes.count))))
    var count = UInt(output.count)
    guard compress(&output, &count, bytes, UInt(bytes.count)) == Z_OK else {
      throw TrialError("zlib cannot compress \(bytes.count) bytes")
    }
    return Array(output.prefix(Int(count)))
  }
}
