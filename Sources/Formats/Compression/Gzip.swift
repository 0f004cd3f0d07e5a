import CZlib
import Support

/// The gzip format (RFC 1952), by zlib.
public enum Gzip {
  /// Returns true if `bytes` start like a gzip file; formats are recognised by content, not by
  /// name.
  public static func isGzip(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b
  }

  /// Decompresses a gzip file of one or several members.
  ///
  /// Memory is allocated for actual output, never for what a header claims. Throws `FigmentError`,
  /// starting with `name`, if the data is not gzip, is truncated, corrupt or followed by other
  /// data, or decompresses to more than `maximumBytes`.
  public static func inflate(
    _ bytes: [UInt8], name: String, maximumBytes: Int
  ) throws -> [UInt8] {
    guard isGzip(bytes) else {
      throw FigmentError("\(name): not gzip data, expected it to start with 1f 8b")
    }
    var stream = z_stream()
    // 16 asks for the gzip wrapper and its checksum, 15 for the largest window.
    guard
      inflateInit2_(&stream, 16 + 15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    else { throw FigmentError("\(name): zlib cannot start") }
    defer { inflateEnd(&stream) }

    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    try bytes.withUnsafeBufferPointer { input in
      guard let start = input.baseAddress else { return }
      var position = 0
      while true {
        let offered = min(input.count - position, 1 << 30)
        // zlib's interface predates const; it only reads here.
        stream.next_in = UnsafeMutablePointer(mutating: start + position)
        stream.avail_in = UInt32(offered)
        let (status, produced) = chunk.withUnsafeMutableBufferPointer { buffer in
          stream.next_out = buffer.baseAddress
          stream.avail_out = UInt32(buffer.count)
          let status = CZlib.inflate(&stream, Z_NO_FLUSH)
          return (status, buffer.count - Int(stream.avail_out))
        }
        position += offered - Int(stream.avail_in)
        guard output.count + produced <= maximumBytes else {
          throw FigmentError("\(name): decompresses to more than \(maximumBytes) bytes")
        }
        output.append(contentsOf: chunk[..<produced])
        switch status {
        case Z_OK:
          continue
        case Z_STREAM_END:
          let left = input.count - position
          if left == 0 { return }
          guard left >= 2, input[position] == 0x1f, input[position + 1] == 0x8b else {
            throw FigmentError("\(name): \(left) bytes after the end of the gzip data")
          }
          inflateReset(&stream)
        case Z_BUF_ERROR:
          throw FigmentError(
            "\(name): truncated gzip data, the file ends after \(bytes.count) bytes")
        default:
          let detail = stream.msg.map { String(cString: $0) } ?? "zlib status \(status)"
          throw FigmentError("\(name): corrupt gzip data (\(detail))")
        }
      }
    }
    return output
  }
}
