import CZlib
import Support

/// Raw deflate data without a header (RFC 1951), of known decompressed size.
enum Inflate {
  /// The largest number of bytes that one compressed byte can expand to.
  static let ratio = 1032

  /// Decompresses `packed` to exactly `size` bytes.
  ///
  /// A size that `packed` cannot possibly reach is refused before memory is allocated. Throws
  /// `FigmentError`, starting with `name`, if the data are corrupt, truncated or of another size.
  static func raw(_ packed: ArraySlice<UInt8>, size: Int, name: String) throws -> [UInt8] {
    guard size <= ratio * packed.count else {
      throw FigmentError("\(name): \(packed.count) deflated bytes cannot hold \(size)")
    }
    var stream = z_stream()
    // Negative: no header, the largest window.
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw FigmentError("\(name): zlib cannot start") }
    defer { inflateEnd(&stream) }
    var failure: String?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { output, count in
      packed.withUnsafeBufferPointer { input in
        var read = 0
        // zlib needs an output address even if there is nothing to write.
        var nowhere: UInt8 = 0
        while true {
          let offered = min(input.count - read, 1 << 30)
          let room = min(size - count, 1 << 30)
          // zlib's interface predates const; it only reads here.
          stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress.map { $0 + read })
          stream.avail_in = UInt32(offered)
          let status = withUnsafeMutablePointer(to: &nowhere) { nowhere in
            stream.next_out = room > 0 ? output.baseAddress.map { $0 + count } : nowhere
            stream.avail_out = UInt32(room > 0 ? room : 1)
            return CZlib.inflate(&stream, Z_NO_FLUSH)
          }
          let left = Int(stream.avail_out)
          if room == 0 && left == 0 {
            failure = "more than \(size) bytes"
            return
          }
          read += offered - Int(stream.avail_in)
          if room > 0 { count += room - left }
          switch status {
          case Z_OK: continue
          case Z_STREAM_END:
            if read < input.count { failure = "\(input.count - read) bytes after their end" }
            if count < size { failure = "\(count) bytes, expected \(size)" }
          case Z_BUF_ERROR: failure = "cut short"
          default: failure = stream.msg.map { String(cString: $0) } ?? "zlib status \(status)"
          }
          return
        }
      }
    }
    if let failure { throw FigmentError("\(name): corrupt deflated data (\(failure))") }
    return bytes
  }

  /// The CRC-32 of ZIP and PNG files.
  static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var result = CZlib.crc32(0, nil, 0)
    bytes.withUnsafeBufferPointer { buffer in
      for start in stride(from: 0, to: buffer.count, by: 1 << 30) {
        let count = min(buffer.count - start, 1 << 30)
        result = CZlib.crc32(result, buffer.baseAddress.map { $0 + start }, UInt32(count))
      }
    }
    return UInt32(truncatingIfNeeded: result)
  }
}
