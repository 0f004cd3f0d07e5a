/// A PNG written chunk by chunk, so that tests can make the ones that `PNG.encode` never does.
package struct RawPNG {
  /// Names of four letters, and what follows them.
  package var chunks: [(name: String, data: [UInt8])] = []

  /// A whole picture whose rows are all zeros unless given (each with its filter byte in front).
  package init(
    width: Int = 3, height: Int = 2, depth: UInt8 = 8, color: UInt8 = 0, interlace: UInt8 = 0,
    before: [(name: String, data: [UInt8])] = [], rows: [UInt8]? = nil
  ) {
    let size = bigEndian(UInt32(width)) + bigEndian(UInt32(height))
    let header = size + [depth, color, 0, 0, interlace]
    let channels = [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][color, default: 1]
    let count = height * (1 + (width * channels * Int(depth) + 7) / 8)
    chunks = [("IHDR", header)] + before
    chunks.append(("IDAT", deflated(rows ?? Array(repeating: 0, count: min(count, 60_000)))))
    chunks.append(("IEND", []))
  }

  /// The file, with checksums that agree.
  package var bytes: [UInt8] {
    var result: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    for (name, data) in chunks {
      let checked = Array(name.utf8) + data
      result += bigEndian(UInt32(data.count)) + checked + bigEndian(crc32(checked))
    }
    return result
  }
}

/// Four bytes, the highest first.
package func bigEndian(_ value: UInt32) -> [UInt8] {
  [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
}

/// A zlib stream of one stored block.
private func deflated(_ data: [UInt8]) -> [UInt8] {
  let count = UInt16(data.count)
  let lengths = [count, ~count].flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
  var (a, b): (UInt32, UInt32) = (1, 0)
  for byte in data {
    a = (a + UInt32(byte)) % 65521
    b = (b + a) % 65521
  }
  return [0x78, 0x01, 0x01] + lengths + data + bigEndian(b << 16 | a)
}

private func crc32(_ bytes: [UInt8]) -> UInt32 {
  var crc: UInt32 = .max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
  return ~crc
}

extension RawPNG {
  /// The chunks of a PNG; the checks are left to the caller.
  package init(parsing bytes: [UInt8]) {
    var start = 8
    while start + 12 <= bytes.count {
      let count = Int(number(bytes[start...]))
      guard count <= bytes.count - start - 12 else { break }
      let name = String(decoding: bytes[start + 4..<start + 8], as: UTF8.self)
      chunks.append((name, Array(bytes[start + 8..<start + 8 + count])))
      start += 12 + count
    }
  }
}

/// The first four bytes as a number.
package func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
  bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
}
